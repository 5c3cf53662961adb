"""Reads the date of publication, in elements or in words."""

from __future__ import annotations

import datetime
import re
import unicodedata
from typing import TYPE_CHECKING

from .tree import child, number, words

if TYPE_CHECKING:
    from lxml.etree import _Element

# Beginnings of the names of months: English, German, French, Spanish, Portuguese, Italian.
_MONTHS = (
    ("jan", "ene", "gen"), ("feb", "fev"), ("mar",), ("apr", "abr", "avr"), ("may", "mai", "mag"),
    ("jun", "juin", "giu"), ("jul", "juil", "lug"), ("aug", "ago", "aou"), ("sep", "set"),
    ("oct", "okt", "out", "ott"), ("nov",), ("dec", "dez", "dic"),
)  # fmt: skip
_MONTH_OF = {name: month for month, names in enumerate(_MONTHS, 1) for name in names}
# Types of publication dates in order of preference; the last stands for any other type.
_TYPES = (
    *("epub", "pub", "publication", "epub-ppub", "ppub", "collection", "epreprint"),
    *("original-publication", ""),
)
_NO_DATE = frozenset({
    "pmc-release", "nihms-submitted", "preprint", "received", "accepted", "retracted",
    "corrected", "update", "archival-date", "test",
})  # fmt: skip
_ISO = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?")
_YEAR = re.compile(r"(?<!\d)[12]\d{3}(?!\d)")
_PARTS = re.compile(r"[12]\d{3}(?!\d)|\d{1,2}(?!\d)|[^\W\d_]{3,}")
_LONGEST = 100  # characters of a date in words


def date(meta: _Element) -> str | None:
    """Return the date of publication in ISO 8601, as precise as the source.

    The first type of date present counts, electronic before print; within a type, the most precise
    date. Dates of PMC, of manuscripts and of later events are ignored.
    """
    dated: dict[str, list[str]] = {}
    for element in meta.iterchildren("pub-date"):
        kind = element.get("pub-type") or element.get("date-type") or ""
        iso = _iso(element)
        if iso and kind not in _NO_DATE:
            dated.setdefault(kind if kind in _TYPES else "", []).append(iso)
    return next((max(dated[kind], key=len) for kind in _TYPES if kind in dated), None)


def _iso(element: _Element) -> str | None:
    written = child(element, "string-date")
    year, month, day = (_plain(child(element, tag)) for tag in ("year", "month", "day"))
    if not year:
        attributes = (e.get("iso-8601-date") for e in (element, written) if e is not None)
        parts = _ISO.match(next(filter(None, attributes), ""))
        year, month, day = (part or "" for part in parts.groups()) if parts else ("", "", "")
    if not year and written is not None:
        return in_words(" ".join(words(written)[:_LONGEST].split()))
    return _dated(year, number(month) or _month(month), day)


def _dated(year: str, month: int, day: str) -> str | None:
    if not re.fullmatch(r"[12][0-9]{3}", year):
        return None
    if not 1 <= month <= 12:
        return year
    try:
        return datetime.date(int(year), month, number(day[:2]) or 0).isoformat()
    except ValueError:
        return f"{year}-{month:02d}"


def in_words(text: str) -> str | None:
    """Return a date that is written for people in ISO 8601.

    Day and month in figures are told apart by dots or by their size, else only the year is certain.

    Examples
    --------
    >>> in_words("August 12, 2020"), in_words("12 de agosto de 2020"), in_words("12.08.2020")
    ('2020-08-12', '2020-08-12', '2020-08-12')
    >>> in_words("2020/8/12"), in_words("03/04/2020"), in_words("Spring 2020")
    ('2020-08-12', '2020', '2020')
    """
    year = _YEAR.search(text)
    if year is None:
        return None
    parts = _PARTS.findall(text)
    months = [month for part in parts if (month := _month(part))]
    figures = [int(part) for part in parts if part.isdecimal() and len(part) < 3]
    if months:
        return _dated(year[0], months[0], str(figures[0]) if len(figures) == 1 else "")
    if len(figures) != 2:
        alone = len(figures) == 1 and re.search(r"\d[-/.年]\s?\d", text)
        return _dated(year[0], figures[0] if alone else 0, "")
    first, second = figures
    if text.index(year[0]) == 0 or second > 12 >= first:  # year, month, day; or month, day, year
        return _dated(year[0], first, str(second))
    is_day_first = first == second or first > 12 or "." in text
    return _dated(year[0], second if is_day_first else 0, str(first))


def _plain(element: _Element | None) -> str:
    return (element.text or "").strip() if element is not None else ""


def _month(name: str) -> int:
    plain = unicodedata.normalize("NFKD", name.lower()).encode("ascii", "ignore").decode()
    return _MONTH_OF.get(plain[:4]) or _MONTH_OF.get(plain[:3], 0)
