"""Reads licences from JATS documents."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from biomedica_dataset.jats.text import text_of, tidy
from biomedica_dataset.jats.tree import child, markup, pieces
from biomedica_dataset.licenses import CODES, License

if TYPE_CHECKING:
    from lxml.etree import _Element


_CC0 = License("CC0", "1.0", "https://creativecommons.org/publicdomain/zero/1.0/")
_HYPHEN = re.compile("[\u2010-\u2015\u2212]")
_ADDRESS = re.compile(  # lower case: only a pattern with a fixed start is fast
    r"creativecommons\.org(?:/|%2f)(?:(?P<zero>publicdomain/zero|licenses/publicdomain)|"
    r"licen[sc]es?(?:/|%2f)(?P<by>[a-z+-]+))(?![a-z-])(?:(?:/|%2f)(?P<version>\d\.\d))?"
    r"(?P<port>/(?!legalcode|deed)[a-z]{2,3}(?![a-z]))?"
)
_NAME = re.compile(
    r"c(?:(?:reative[\s-]*commons|(?<=\bc)c(?![\s(-]*by))\b[\s:,(-]{0,9}"
    r"(?:(?:licen[cçsz]\w*|lizenz|public|universal|1\.0|cc|d[aei])\b[\s:(-]{0,4}){0,4}"
    r"(?:(?P<words>(?:(?:attribu|atribu)\w+|reconocimiento|namensnennung|paternit\w+|by\b)"
    r"(?:[^,.;:()\[\]]|(?<=\d)\.(?=\d)){0,90})|(?P<zero>(?:cc)?0\b|zero\b|domain\b|declaration|"
    r"(?:domaine|dom[ií]nio) p[uú]blic|pubblico dominio|dominio pubblico|gemeinfrei))|"
    r"(?<=\bc)c[\s(-]{0,2}(?:by(?P<parts>(?:[\s/,-]{0,3}(?:nc|nd|sa)\b){0,2})"
    r"(?P<odd>-(?!licen|lizenz|igo\b)[a-z]\w*)?|(?P<short>0\b)))"
)
_VERSION = re.compile(r"\b([1-4]\.[05])\b")
_PARTS = {
    "NC": r"\b(?:non?|n[aã]o|nicht|sans|sin|sem)[\s-]*(?:(?:uso|fine?s) )?com?merc?i?\w+|\bnc\b|"
    r"\bnicht[\s-]*kommerziell\w*|\bkeine kommerzielle\w*(?: nutzung)?|"
    r"\b(?:pas|sans)[\s-]*d.?\s?utilisation commerciale",
    "SA": r"share[\s-]*alike|compart\w+[\s-]*(?:(?:pela|con|bajo) )?(?:la |a )?"
    r"(?:igual|mesma|misma)(?: licen\w+)?|partage (?:d\w+ (?:les )?(?:m\w+ )?conditions?)?"
    r"(?: initiales)?\s?(?:[aà] l.identique)?|partilha[\w\s]{0,40}|same licen\w+|condividi|"
    r"(?:allo )?stesso modo|weitergabe(?: unter gleichen bedingungen)?|\bsa\b",
    "ND": r"\b(?:non?|sem|sin|sans|ohne)[\s-]*(?:(?:opere|obras?) ?)?d[eé]riv\w+|\bnd\b|"
    r"\bpas d.?\s?(?:oe|œ)uvres? d[eé]riv\w+|\b(?:no|pas de|sans)[\s-]*modif\w+|"
    r"\bkeine bearbeitung\w*|\b(?:vedada|proibid[ao])[\w\s]{0,40}deriva\w+",
}
_NOT = (  # before or behind what is forbidden
    r"(?:prohib\w+|proib\w+|forbid\w+|exclu\w+|except\w*|excepto|exceto|interdit\w*|vedad[oa]|"
    r"vietat[oaie]|esclus[oaie]|untersagt|verboten|ausgeschlossen|sauf|hors|salvo|tranne|"
    r"other than|not|nicht|non|ohne|sans|sem|sin|senza)"
)
_COMMERCIAL = r"(?:com+erci[ae]\w*|kommerzi\w+)"
_DERIVED = r"(?:d[eé]riv[ai]\w+|bearbeitung\w*|modifi[ck]a[tcz]\w+)"
_FORBIDDEN = {  # in words beside the name; of the hints each match has one
    "NC": (
        ["merci", "merz", "lucr", "profit", "resale"],
        r"non[\s-]*commercial|n[aã]o[\s-]*comercia|no[\s-]comercial|nicht[\s-]*kommerz|"
        r"keine kommerziell|\b(?:no|not for|without|prohibits?) commercial|\blucrativos?\b|"
        r"\b(?:non-?|not[\s-]for[\s-]*)(?:profit|resale)\b|\bd[ei] lucro\b|\bbut lucratif|"
        rf"\b{_NOT} (?:[\w'’]+ ){{0,4}}{_COMMERCIAL}|\b{_COMMERCIAL}(?: [\w'’]+){{0,3}} {_NOT}\b",
    ),
    "SA": (
        ["same", "similar", "identical", "memes", "mêmes", "misma", "mesma", "stess", "gleiche"],
        r"\b(?:same|similar|identical) (?:terms|conditions|licen)|\bm[eê]mes conditions|"
        r"\bmismas? (?:condici|licenc)|\bmesmas? (?:condi|licen)|\bstess[ae] (?:condizion|licenz)|"
        r"\bgleichen? (?:bedingung|lizenz)",
    ),
    "ND": (
        ["deriv", "dériv", "bearbeitung", "modifi", "altered", "transformed", "changed"],
        r"\bno modifications or adaptations|\bno[\s-]*derivative|"
        r"\bnot (?:be )?(?:altered|modified|transformed|changed)\b|"
        rf"\b{_NOT} (?:[\w'’]+ ){{0,2}}{_DERIVED}|\b{_DERIVED}(?: [\w'’]+){{0,3}} {_NOT}\b",
    ),
}
_LIMITED = re.compile(  # to a use that no Creative Commons licence has
    r"\b(?:academic|personal|private|research|educational|teaching|scholarly|clinical)[\w\s,-]{0,25}"
    r"\b(?:use|purposes?|users)\s+only\b|"
    r"\b(?:only|solely|exclusively) (?:be used )?for (?:[\w-]+ ){0,2}"
    r"(?:academic|personal|private|research|educational|teaching)\b|\b(?:personal|private) use\b"
)
_AND = r"\s*(?:,|/|and|or|as well as|[yeou]|et|ou|und|oder)+\s*(?:for )?"
_BOTH = re.compile(  # the one and the other are permitted
    rf"\b(?<!non-)commercial(?:ly)?{_AND}non[\s-]*commercial\w*|"
    rf"non[\s-]*commercial(?:ly)?{_AND}commercial\w*"
)
# Where the name of a licence ends, and which words in it say nothing.
_END = re.compile(r"\b(?:v?\d|version|licen|lizenz|unported|internation|generic|which|that|and\b)")
_FILLING = re.compile(
    r"\b(?:(?:attribu|atribu)\w+|reconocimiento|namensnennung|paternit\w+|by|cc|public|only|the|"
    r"igo|works?|uso|use|d[aeio])\b|[\W\d_]+"
)


def article_license(meta: _Element) -> License:
    """Return the licence in an ``article-meta``; the strictest if there are several.

    Searches ``<permissions>``, in NLM's older ``<license>`` and ``<copyright-statement>``
    beside it, and the custom metadata ``pmc-license-ref``.
    """
    blocks = [
        *meta.iterchildren("permissions", "license", "copyright-statement"),
        *(
            custom
            for group in meta.iterchildren("custom-meta-group", "custom-meta-wrap")
            for custom in group.iterchildren("custom-meta")
            if "license" in (text_of(child(custom, "meta-name")) or "")
        ),
    ]
    texts = (tidy(" ".join(pieces(block))) or "" for block in blocks)
    return license_in(" ".join(map(markup, blocks)), " ".join(texts)) or License(None)


def license_in(addresses: str, words: str) -> License | None:
    """Return the strictest licence that addresses in one text and words in another name.

    One that is named but not understood is ``License(None)``; ``None`` if none is named.

    Examples
    --------
    >>> license_in("", "a Creative Commons Attribution licence, for non-commercial use only").name
    'CC BY-NC'
    """
    is_one = addresses is words
    words = words.lower()
    addresses = words if is_one else addresses.lower()
    if not ("cc" in words or "creative" in words or "creativecommons" in addresses):
        return None
    addresses, words = map(_hyphenated, (addresses, words))
    by_address = [_from_address(found) for found in _ADDRESS.finditer(addresses)]
    by_name = [_from_words(found) for found in _NAME.finditer(words)]
    if any(license.code for license in by_address):
        by_name = [license for license in by_name if license.code]
    if found := strictest(dict.fromkeys([*by_address, *by_name])):
        return _with_words(found, words)
    return License(None) if "creative commons" in words else None


def _hyphenated(text: str) -> str:
    return text if text.isascii() else _HYPHEN.sub("-", text)


def strictest(found: Iterable[License]) -> License | None:
    """Return the strictest of some licences: of unknown ones the first, or ``None`` of none."""
    return max(
        found, key=lambda one: CODES.index(one.code) if one.code in CODES else len(CODES),
        default=None,
    )  # fmt: skip


def _from_address(found: re.Match[str]) -> License:
    if found["zero"]:
        return _CC0
    parts = found["by"].upper().split("-")
    if "BY" not in parts or not {"CC", "BY", *_PARTS}.issuperset(parts):
        return License(None)
    return _by(parts, found["version"], found["port"] or "")


def _from_words(found: re.Match[str]) -> License:
    if found["zero"] or found["short"]:
        return _CC0
    rest = _BOTH.sub(" ", found["words"] or found["parts"] or "")
    parts = []
    for part, words in _PARTS.items():
        rest, count = re.subn(words, " ", rest)
        parts += [part] * bool(count)
    if found["odd"] or _FILLING.sub("", _END.split(rest)[0]):
        return License(None)
    version = _VERSION.search(found.string, found.start(), found.end() + 40)
    return _by(parts, version[1] if version else None)


def _with_words(license: License, words: str) -> License:
    """Return a licence with what the words around its name forbid."""
    if not (license.code or "").startswith("CC BY"):
        return license
    words = _BOTH.sub(" ", words)
    if _LIMITED.search(words):
        return License(None)
    parts = (license.code or "").partition("BY")[2].split("-")
    more = [
        part
        for part, (hints, one) in _FORBIDDEN.items()
        if part not in parts and any(hint in words for hint in hints) and re.search(one, words)
    ]
    return _by([*parts, *more], license.version) if more else license


def _by(parts: list[str], version: str | None, port: str = "") -> License:
    """Return an attribution licence with any of NC, SA and ND, in PMC's order."""
    if {"SA", "ND"} <= set(parts):
        parts = [part for part in parts if part != "SA"]
    name = "-".join(["BY", *(part for part in ("NC", "SA", "ND") if part in parts)])
    address = f"https://creativecommons.org/licenses/{name.lower()}/{version}{port}/"
    return License(f"CC {name}", version, address if version else None)
