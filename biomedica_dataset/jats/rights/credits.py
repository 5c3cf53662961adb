"""Finds the sentences that credit an image to someone.

A phrase counts where it is about an image: "adapted from [3]" is, "a protocol adapted from [3]",
"cells kindly provided by Roe" and "with permission of the patient" are not.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from biomedica_dataset.jats.limits import MAX_PHRASES, check_limit

from . import judges
from .phrases import (
    ADAPTED,
    CITED,
    COPIED,
    CREDIT,
    FILL,
    FROM,
    GIVEN,
    IMAGE,
    KINDLY,
    PERMISSION,
    RIGHTS,
    WEB,
)
from .sentences import Phrase

if TYPE_CHECKING:
    from .judges import Judge, Own


_START = r"\b(?:^|(?<=[.;:)\]([–—-])|(?<=[.;:)\]([–—-]\s))"
_AS = r"(?:from|of|by|von|de[rs]?|d[aiou]s?|por|par|dell\w+)"
_STOP = re.compile("[.;] ")
_DRAWN = (  # what no instrument takes
    r"(?:fig(?:ures?|s)?|drawings?|illustrations?|sketch\w*|artworks?|diagrams?|schem\w+|cartoons?)"
)
_LICENSED = r"\b(?:CC(?:[ -]BY|0)|Creative Commons|public domain)\b"
# Words of which one is in each match, since searching for them is faster; the pattern, whose
# matches end at ". " and "; ", and look one character beyond; and the judge of a match.
_RULES: tuple[tuple[list[str], re.Pattern[str], Judge], ...] = tuple(
    (hints.split("|"), re.compile(pattern, re.IGNORECASE), judge)
    for hints, pattern, judge in (
        (
            "permis|permes|autori|genehmig|erlaubnis|concession",
            r"\b(?:with|by|under|mit|com|con|avec|per|por|unter|par) (?:[\w'’-]+ ){0,4}?"
            rf"{PERMISSION}\b(?P<giver>,? (?:granted )?{_AS}\b| (?=d['’]))?",
            judges.permitted,
        ),
        (
            "permission",
            rf"\b{PERMISSION}\b(?:[^.;]{{0,80}}?\b(?:to|for(?: the)?) (?:re-?)?"
            r"(?:publi|produc|print|use\b|adapt)| (?:was |has been )?(?:granted|obtained|given) "
            r"(?:by|from) (?=(?-i:[A-Z])))",
            judges.to_publish,
        ),
        (
            "reprinted|re-printed|republished|re-published|redrawn|re-drawn|reproduced|re-produced|"
            "replotted|re-plotted|reused|re-used|excerpted|copied|reimpres|reprodu|redesenhad|"
            "riprodott|re-produit|abgedruckt|übernommen|extended|simplified|adapt|modif|adatt|erändert|erandert",
            rf"(?<!genetically )\b(?:(?P<copied>{COPIED})|{ADAPTED})(?:,? {FILL}){{0,6}},? "
            rf"(?:by (?:the|one of the) authors?,? )?(?P<by>{FROM}|based on)(?=\W|(?-i:[A-Z]))",
            judges.adapted,
        ),
        (
            "from|after|da |de |do |von |nach |aus |dal |après",
            rf"\b(?=[adfnv]){FROM} (?:(?P<web>(?:the )?\w* ?{WEB}|"
            rf"the (?:\w+ )?(?:collection|archive)s? of)|(?:the )?{CITED})",
            judges.from_source,
        ),
        (
            "published|owned|property",
            r"\b(?:originally|first|previously) published (?:in|by|as)\b|\bowned by\b|"
            r"\bpublished (?:originally|previously|before|elsewhere) (?:in|by|as)\b|"
            r"\bproperty of (?=(?:the )?(?-i:[A-Z]))",
            judges.of_image,
        ),
        (
            "courtesy|cortes|courtoisie|gentilezz|gentileza",
            r"\b(?:courtesy(?! (?:titles?|stigma|calls?|visits?)\b)(?: of| from)?\b:?|"
            r"(?:cortes[ií]a|courtoisie|gentilezz?a)(?:\s?:| d\w+\b:?))",
            judges.courtesy,
        ),
        (
            "thank|grateful",
            r"\b(?:thanks? (?:to )?|grateful to )(?=[^.;]{3,80}? for (?:(?:kindly )?providing )?"
            rf"(?:the |this |these |their |use of )*{IMAGE}\b)",
            judges.courtesy,
        ),
        (
            "provid|suppl|contribut|donat|offer|shared|available|cedid|fornecid|proporcion|fourni|"
            "concess|verf|facilitad|disponibiliz|prêté|offert|fornit|disposition|überlassen|"
            "bereitgestellt|gift",
            rf"\b(?P<kindly>(?:{KINDLY}) )?(?:(?:{GIVEN}) (?:by|p[oe]r|p[eo]l[ao]|par|von|da)|"
            r"gifts? (?:of|from))\b",
            judges.given,
        ),
        (
            " by | por | per | par | pelo | pela | von ",
            r"\b(?:by|p[aeo]r|p[eo]l[ao]|von) (?=(?-i:[A-ZÀ-Þ]))",
            judges.made_by,
        ),
        (
            "credit|crédit|crêdit|nachweis|bildrechte",
            rf"(?:\b{IMAGE} {CREDIT}|{_START}{CREDIT}(?=\s?:| photo| foto| line:|"
            r" d[aeo]s? \w+\s?:| de l['’]\w+\s?:))(?: to| \w+:)?",
            judges.credited,
        ),
        (
            ":",
            rf"{_START}(?P<label>photo\w*|foto\w*|artist|autor|{IMAGE})(?: by| ©)?\s?:",
            judges.labelled,
        ),
        (
            "photo|foto",
            rf"{_START}(?P<label>photo|foto)s? (?=(?-i:[A-Z][\w.'’-]* [A-Z]))",
            judges.labelled,
        ),
        (
            "source|fonte|fuente|quelle|from:|aus:|map data",
            rf"{_START}(?:(?:{IMAGE} )?(?:sources?|fonte|fuente|(?:bild)?quelle)|map data|"
            r"(?:(?:taken|übernommen|entnommen) )?(?:from|aus)(?=: (?-i:[A-ZÀ-Þ])))\s?:",
            judges.sourced,
        ),
        (
            "photo|foto|dessin|dibujo|desenho|disegno|ilustra|illustra",  # a sentence of its own
            r"(?<=[.;:)\]–—-] )(?:photo\w*|foto\w*|dessin|dibujo|desenho|disegno|il?lustra\w+) "
            r"d[eiou]\b (?=(?-i:[A-ZÀ-Þ])[^.;]{3,60}(?:[.;]|$))",
            judges.labelled_of,
        ),
        (
            "based on|based upon",
            rf"\b{_DRAWN} (?:(?:is|are|was|were) )?based (?:up)?on (?:the |an? )?(?={CITED})",
            judges.courtesy,
        ),
        (
            "taken from|copied from|extracted from|downloaded from",
            rf"\b(?:{_DRAWN} (?:(?:is|are|was|were) )?(?:taken|copied|extracted)|"
            r"maps? (?:(?:is|are|was|were) )?downloaded) from (?:the )?(?=(?-i:[A-Z]))",
            judges.courtesy,
        ),
        (
            "©|(c)1|(c) 1|(c)2|(c) 2|copyright",
            r"(?:©|\(c\)\s*(?:19|20)\d\d|\bcopyright(?:ed)?\b(?![ -](?:free|laws?|acts?)\b))"
            r"[^.;]{0,160}",
            judges.copyrighted,
        ),
        (
            "cc by|cc-by|cc0|creative commons|public domain",
            rf"\b(?:{_DRAWN}|images?|pictures?) from "
            rf"(?=(?-i:[A-ZÀ-Þ])[^.;]{{0,80}}?{_LICENSED})",
            judges.plain,
        ),
        (
            "cc by|cc-by|cc0|creative commons|public domain",
            rf"\b(?:and|by|from|using|with) {WEB}(?=[^.;]{{0,60}}?{_LICENSED})",
            judges.licensed,
        ),
        ("via ", r"\bvia (?:wiki\w+|flickr|unsplash|pixabay|pexels)", judges.via),
        ("map", r"\bbase ?maps? from (?=(?:the )?(?-i:[A-ZÀ-Þ]))", judges.courtesy),
        (
            "reserv|réserv|vorbehalten|riservati|permission|licen|fair use|unknown a|unknown ph|"
            "anonymous a|anonymous ph|descon|inconnu|commercial use|commercial purposes|for non|"
            "not be |not identical",
            RIGHTS,
            judges.plain,
        ),
    )
)


def _one_of(words: Collection[str], letters: int) -> str:
    """Return a pattern of words, the longest first, that looks at their first letters one by one.

    It takes half of the time of as many searches, each for a word.
    """
    parted: dict[str, list[str]] = {}
    for word in words:
        parted.setdefault(word[:1], []).append(word[1:])
    if letters == 0 or "" in parted:
        return "|".join(map(re.escape, sorted(words, key=len, reverse=True)))
    return "|".join(
        f"{re.escape(first)}(?:{_one_of(rest, letters - 1)})" for first, rest in parted.items()
    )


# The rules with a hint that each hint begins with.
_HINTED = {
    hint: [n for n, (hints, *_) in enumerate(_RULES) if any(map(hint.startswith, hints))]
    for hints, *_ in _RULES
    for hint in hints
}
_HINTS = re.compile(_one_of(_HINTED, 2))


class Credits:
    """Finds the credits on the images of an article.

    Parameters
    ----------
    own
        Whether a text names an author of the article or a holder of its rights.

    Examples
    --------
    >>> Credits(lambda text: False).find("A map. Redrawn from [3]. Scale in km.")
    [(7, 'Redrawn from [3].')]
    """

    def __init__(self, own: Own) -> None:
        self._own = own
        self._phrases = 0

    def find(self, text: str) -> list[tuple[int, str]]:
        """Return each sentence that credits an image, and where it starts; the plainest first.

        Raises
        ------
        JatsTooLargeError
            The article has more phrases to judge than `MAX_PHRASES`.
        """
        found: dict[int, str] = {}
        for match, judge in _matches(text):
            self._phrases += 1
            check_limit(self._phrases, MAX_PHRASES, "phrases that may credit an image")
            phrase = Phrase(match)
            if judge(phrase, self._own):
                start, end = phrase.span
                found.setdefault(start, text[start:end].strip())
        return list(found.items())


def _matches(text: str) -> Iterator[tuple[re.Match[str], Judge]]:
    """Yield the matches of each rule in turn, from the parts of a text that contain a hint."""
    parts = _parts(text)
    for number in sorted(parts):
        _, pattern, judge = _RULES[number]
        for start, end in parts[number]:
            for match in pattern.finditer(text, start, end + 1):
                if match.start() < end:
                    yield match, judge


def _parts(text: str) -> dict[int, dict[tuple[int, int], None]]:
    """Return where a text has hints of each rule, from one full stop or semicolon to the next."""
    found: dict[int, dict[tuple[int, int], None]] = {}
    stops: list[int] = []
    lower = text.replace("İ", "I").lower()  # as long as the text
    place = 0
    while hint := _HINTS.search(lower, place):
        place = hint.start() + 1  # hints overlap
        stops = stops or [0, *(stop.end() for stop in _STOP.finditer(text)), len(text)]
        after = bisect(stops, hint.end() - 1)  # since a hint may begin with the space of a stop
        for number in _HINTED[hint[0]]:
            found.setdefault(number, {})[stops[after - 1], stops[after]] = None
    return found
