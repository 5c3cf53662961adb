"""Judges of phrases that may credit an image: whether it is an image, and another's.

``own`` says whether a text names an author of the article or a holder of its rights.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from .phrases import (
    ADAPTED,
    CONSENT,
    COPIED,
    DATA,
    GIVEN,
    IMAGE,
    LIST,
    MADE,
    NO_NAME,
    OTHER,
    OURS,
    PARTICLES,
    TAKEN,
    TAKEN_ELSEWHERE,
)

if TYPE_CHECKING:
    from .sentences import Phrase

    Own = Callable[[str], bool]
    Judge = Callable[[Phrase, Own], bool]

_ABOUT = re.compile(rf"\b(?:(?P<image>{IMAGE})|{OTHER})\b", re.IGNORECASE)
_IMAGE = re.compile(rf"\b{IMAGE}\b", re.IGNORECASE)
_IMAGE_LAST = re.compile(rf"\b{IMAGE} (?:(?:is|are|was|were) )?$", re.IGNORECASE)
_IMAGE_OF = re.compile(
    rf"\b{IMAGE} (?:of|von|d[aeiou]) (?:(?!with\b|using\b|by\b|and\b)[\w-]+(?:\s+|$)){{1,4}}$",
    re.IGNORECASE,
)
_TAKEN_LAST = re.compile(rf"\b(?:(?P<english>{TAKEN})|{TAKEN_ELSEWHERE}) $", re.IGNORECASE)
_MADE_LAST = re.compile(
    rf"\b(?:{IMAGE}(?: (?:is|are|was|were))?(?: (?:{MADE}|taken|made))?|{MADE}|"
    r"(?:drawing|painting|portrait|engraving) of(?: [\w-]+){1,5}) $",
    re.IGNORECASE,
)
_OTHER_NEXT = re.compile(
    rf"\W*(?:[a-z-]+ ){{0,3}}?(?:{OTHER}|left|top)\b"
)  # "Nature Methods" is a name
_TABLE_ALONE = re.compile(r"\W*(?:tables?|figures?|figs?\.?|panels?) [\w-]{1,4}\W*", re.IGNORECASE)
_PUBLISHED = re.compile(
    rf"\b(?:{IMAGE}|{COPIED}|{ADAPTED}|publi\w+|(?:ab|nach)druck|veröffentlicht|courtesy)\b",
    re.IGNORECASE,
)
_CHANGED = re.compile(  # "(after Doe, 1987; modified)"
    rf"[\w., ]{{0,12}}[;,] (?:[a-z]+ )?(?:{COPIED}|{ADAPTED})\b", re.IGNORECASE
)
_DRAWN = re.compile(r"\b(?:theor(?:y|ies)|frameworks?)\b", re.IGNORECASE)  # and not measured
_USED = re.compile(rf"\b(?:{TAKEN}|{GIVEN}|used|adopted)\b", re.IGNORECASE)
_PAPER = re.compile(r"^\W*\d|\bet al\b|\((?:1[89]|20)\d\d")
_AFTER_NAMES = re.compile(
    r",? (?:and |who )?(?:was|were|is|are|has|have|in|on|at|for|with|under|using)\b"
)
_NAME_END = re.compile(r"\(|\b(?:CC\b|CC0|[Ll]icen[cs]|(?:via|under|used|with|from|after|in|at)\b)")
_OF_WHAT = re.compile(r" (?:of|showing) (?=[a-z])")
_MONTH = re.compile(r"\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)", re.IGNORECASE)
_ARCHIVE = re.compile(
    r"(?:ar(?:qu|ch)iv(?:io|o)?s?|archives?|acervo|collection|cole\w+|collezione|sammlung)\b",
    re.IGNORECASE,
)
_VERB = re.compile(r"\b(?:is|are|was|were)\b")
_IN_PARENTHESES = re.compile(r"\([^()]*\)")
_NEAR = 60  # characters between an image and the site that it is from


def is_source(text: str, own: Own) -> bool:
    """Whether a text, such as that after "Source:", says where an image is from."""
    return bool(re.search(r"\w{2}", text)) and not (DATA.search(text) or _all_own(text, own))


def is_holder(line: str, own: Own) -> bool:
    """Whether a copyright line has a holder, and none of the article's own."""
    holder = re.sub(r"copyright|all rights reserved", "", line, flags=re.IGNORECASE)
    named = re.search(r"[^\W\d_]{3}", holder) and re.search(r"[A-ZÀ-Þ]|\b(?:19|20)\d\d", holder)
    return named is not None and not (own(line) or OURS.search(line))


def _all_own(names: str, own: Own) -> bool:
    """Whether each of some names is that of an author or a holder, and none that of a paper."""
    listed = LIST.split(_AFTER_NAMES.split(names)[0])
    parts = [part for part in listed if re.search(r"[^\W\d_]{2}", part)]
    return bool(parts) and all(
        OURS.search(part) or (own(part) and not _PAPER.search(part)) for part in parts
    )


def _is_name(text: str) -> bool:
    name = _NAME_END.split(text)[0].strip(" .,:")
    words = [word for word in re.split(r"[\s/]+", name) if word not in PARTICLES]
    big = [word[:1].isupper() for word in words if not word.isdigit()]
    return bool(big) and all(big) and len(big) < 9 and not NO_NAME.search(name)


def _about_image(phrase: Phrase, *, near: bool = True, otherwise: bool = True) -> bool:
    """Whether the noun that a phrase belongs to is an image.

    Parameters
    ----------
    near
        Whether that noun must be one of the four words before the phrase.
    otherwise
        The answer where there is no such noun.
    """
    clause = _IN_PARENTHESES.sub(" ", phrase.before)
    outside, opened, inside = clause.rpartition("(")
    if opened and not inside.strip():  # "the score (adapted from"
        clause, words = outside, outside.split()[-3:]
    else:
        clause = inside if opened else clause
        words = clause.split()[-4:] if near else clause.split()
    nouns = list(_ABOUT.finditer(" ".join(words)))
    if not nouns:
        return otherwise
    return nouns[-1]["image"] is not None or _IMAGE_OF.search(clause) is not None


def plain(phrase: Phrase, _own: Own) -> bool:
    """Judge what says enough by itself, such as "all rights reserved", but not "if not ..."."""
    return re.search(r"\b(?:if|unless)\b", phrase.before, re.IGNORECASE) is None


def permitted(phrase: Phrase, own: Own) -> bool:
    """Judge "with permission of", which may be consent, or an author's."""
    giver, before = phrase.match["giver"], phrase.before
    if CONSENT.search(phrase.words + phrase.after + ("" if giver else before)):
        return False
    if giver and _all_own(OURS.sub("X", phrase.after), own):
        return False
    if re.search(r"\b(?:his|her|their)\b", phrase.words) and own(before):
        return False
    if _PUBLISHED.search(before):
        return True
    if _USED.search(before):
        return _about_image(phrase, near=False)
    return not re.search(r"[a-z]{3}", re.sub(r"\bet al|\b(?:refs?|and|from)\b", "", before))


def to_publish(phrase: Phrase, _own: Own) -> bool:
    """Judge "permission to publish"."""
    sentence = f"{phrase.before}{phrase.words}{phrase.after}"
    return not (CONSENT.search(sentence) or re.search(r"\b(?:no|not|without)\b", sentence))


def adapted(phrase: Phrase, own: Own) -> bool:
    """Judge "adapted from"."""
    later = phrase.match["by"].lower() == "after"
    if later and not re.match(r"\W*(?:[A-Z]|refs?|\[?\d|the)", phrase.after):
        return False
    if _OTHER_NEXT.match(phrase.after) or _TABLE_ALONE.fullmatch(phrase.after):
        return False
    if _all_own(phrase.after, own):
        return False
    loose = phrase.match["copied"] or phrase.before.endswith(", ")
    return bool(loose) or _about_image(phrase)


def from_source(phrase: Phrase, _own: Own) -> bool:
    """Judge "from [3]" and "from Google Maps"."""
    clause = phrase.before
    if not clause.strip("( "):  # a sentence of its own
        return phrase.match["of"] is None and not re.search(
            r"\b(?!with|permission)[a-z]{3}", phrase.after
        )
    if _IMAGE_LAST.search(clause):
        return True
    if taken := _TAKEN_LAST.search(clause):
        if not clause[: taken.start()].strip("( "):
            return True
        return _about_image(phrase, near=False, otherwise=taken["english"] is None)
    if phrase.match["of"] is not None:
        return False
    if clause.endswith("("):
        if _IMAGE.search(clause):
            return True
        named = "[" not in phrase.words and _MONTH.search(phrase.words) is None
        drawn = _DRAWN.search(clause) or _CHANGED.match(phrase.match.string, phrase.match.end())
        return phrase.is_last and named and _about_image(phrase, near=False, otherwise=bool(drawn))
    return phrase.match["web"] is not None and _IMAGE.search(clause[-_NEAR:]) is not None


def of_image(phrase: Phrase, _own: Own) -> bool:
    """Judge "originally published in"."""
    return _about_image(phrase, near=False, otherwise=not phrase.before)


def licensed(phrase: Phrase, _own: Own) -> bool:
    """Judge "with Servier Medical Art, CC BY", which may be said of data."""
    nouns = [noun["image"] for noun in _ABOUT.finditer(phrase.before)]
    return any(nouns) or not (nouns or DATA.search(phrase.after))


def via(phrase: Phrase, _own: Own) -> bool:
    """Judge "via Wikimedia Commons", behind an image or the name of its author."""
    before = _IN_PARENTHESES.sub(" ", phrase.before)
    name = re.split(r"[(:;]|\bby\b", before, flags=re.IGNORECASE)[-1]
    named = _is_name(name) and len(name.split()) > 1
    return not before or named or _IMAGE.search(before) is not None


def courtesy(phrase: Phrase, own: Own) -> bool:
    """Judge "courtesy of"."""
    return _about_image(phrase) and not _all_own(phrase.after, own)


def given(phrase: Phrase, own: Own) -> bool:
    """Judge "kindly provided by", which is said of cells more often."""
    known = phrase.match["kindly"] is not None and (
        not phrase.before or phrase.before.endswith(", ")
    )
    return _about_image(phrase, near=False, otherwise=known) and not _all_own(phrase.after, own)


def made_by(phrase: Phrase, own: Own) -> bool:
    """Judge the "by" of "drawn by" and "photo by"."""
    first = _OF_WHAT.split(LIST.split(phrase.after)[0])[0]
    named = _is_name(first) and len(first.split()) > 1 and _MADE_LAST.search(phrase.before)
    return bool(named) and not _all_own(phrase.after, own) and _about_image(phrase)


def labelled(phrase: Phrase, own: Own) -> bool:
    """Judge "Photo: Jane Roe" beside "Image: Control"."""
    first = LIST.split(phrase.after)[0].strip()
    photo = phrase.match["label"].lower().startswith(("photo", "foto", "artist", "aut"))
    plain = photo or len(first.split()) > 1 or first.isupper()
    named = _is_name(first) or (photo and _ARCHIVE.match(first) is not None)
    return plain and named and not _all_own(phrase.after, own)


def labelled_of(phrase: Phrase, own: Own) -> bool:
    """Judge the sentence "Foto di Paola Conti"."""
    first = LIST.split(phrase.after)[0]
    return _is_name(first) and len(first.split()) > 1 and not _all_own(phrase.after, own)


def credited(phrase: Phrase, own: Own) -> bool:
    """Judge "credit:"."""
    return re.search(r"\w{2}", phrase.after) is not None and not _all_own(phrase.after, own)


def sourced(phrase: Phrase, own: Own) -> bool:
    """Judge "Source:", but not "Sources: weights are from ..."."""
    return is_source(phrase.after, own) and not _VERB.search(phrase.after)


def copyrighted(phrase: Phrase, own: Own) -> bool:
    """Judge "© 2009 Elsevier"."""
    return is_holder(phrase.words, own)
