"""Measures of one caption: its language, its digits, and whether it says anything."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from biomedica_dataset.extras import require

_LEAST = 20  # letters of a text whose language can be told
_SURE = 0.5  # least probability of a language
_WORD = re.compile(r"[^\W_]+")
_LABEL_WORD = re.compile(
    r"""figs? | figures? | figuras? | abb | abbildung | schemes? | tables? | tabelas? | tablas?
    | tableau | charts? | plates? | panels? | box | graphs? | images? | photos? | videos? | movies?
    | algorithm | supplement(?:ary|al)? | suppl | supp | appendix | unlabell?ed | legends?
    | captions? | continued | cont | and | to | [a-z]{0,2}\d{1,4}[a-z]? | [a-z] | [ivxl]{1,6}""",
    re.IGNORECASE | re.VERBOSE,
)
_BOILERPLATE = re.compile(
    r"""(?: please\s )? click\s here\b .*
    | (?: below\sis\sthe\slink\sto\sthe\s )? (?: electronic\s | online\s )?
      (?: supplement(?:ary|al)\s(?:materials?|data|files?|information|digital\scontent)
        | additional\s(?:data\s)?files? | supporting\s(?:information|data) ) (?: \s\w{1,3} )?
    | (?: image\s | unlabell?ed\simage\s )? (?: graphical | visual | video )\sabstract
    | see\s (?: the\s )? (?: main\s )? text (?: \sfor\s .{0,40} )?
    | for\s (?: an?\s )? (?: legends? | captions? | descriptions? | details? | explanations? )
      \ssee\b .{0,60}
    | no\s (?: caption | legend | description | image )s? (?: \s(?:is\s)?(?:available|provided) )?
    | (?: figure\s | image\s )? not\savailable
    | (?: figure\s )? legend\s .{0,10} (?: next | following | previous | opposite | facing )\spage
    | (?: full | larger | enlarge )\s (?: size\s | version\s ) .{0,20}
    | open\sin\s (?: a\s )? new\s (?: tab | window )""",
    re.IGNORECASE | re.VERBOSE,
)
_FILE = re.compile(r"\([^()]{0,40}\b(?:[kKMG]i?[Bb]|pdf|docx?|xlsx?|zip|mp4|avi)\b[^()]{0,20}\)")


def is_only_label(text: str) -> bool:
    """Whether a caption has no words beside those of a label.

    Examples
    --------
    >>> is_only_label("Figure 2A (continued)."), is_only_label("Fig. 2. Liver")
    (True, False)
    """
    return all(_LABEL_WORD.fullmatch(word) for word in _WORD.findall(text))


def is_boilerplate(text: str) -> bool:
    """Whether a caption is a phrase of a publisher's site, which says nothing of the image.

    Examples
    --------
    >>> is_boilerplate("Click here for additional data file."), is_boilerplate("Graphical abstract")
    (True, True)
    >>> is_boilerplate("Graphical abstract of the pathway")
    False
    """
    words = " ".join(_WORD.findall(_FILE.sub(" ", text)))
    return _BOILERPLATE.fullmatch(words) is not None


def share_of_digits(text: str) -> float:
    """Return the share of digits among characters that are not spaces.

    Examples
    --------
    >>> share_of_digits("n = 12")
    0.5
    """
    characters = [c for c in text if not c.isspace()]
    return sum(c.isdigit() for c in characters) / max(1, len(characters))


@cache
def _identifier() -> Any:
    langid = require("py3langid.langid", "text")
    found: Any = langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE, norm_probs=True)
    # Captions with names of species would be in Latin.
    found.set_languages([code for code in found.labels if code != "la"])
    return found


def language(text: str) -> tuple[str | None, float | None]:
    """Return the language of a text as a code of ISO 639, and its probability.

    Both are ``None`` if the text has fewer than 20 letters, or no language is at least as likely as
    all others together.

    Examples
    --------
    >>> language("Histological section of the liver with marked steatosis.")[0]
    'en'
    >>> language("A, B")
    (None, None)
    """
    if sum(c.isalpha() for c in text) < _LEAST:
        return None, None
    code, chance = _identifier().classify(text)
    return (code, min(1.0, chance)) if chance >= _SURE else (None, None)
