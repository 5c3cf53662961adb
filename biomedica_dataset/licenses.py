"""Licences: codes, groups, strictness, and names that users may give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .errors import UsageError

LICENSE_GROUPS = ("commercial", "noncommercial", "other")
"""Groups of licences, from most to least permissive."""


COMMERCIAL = ("CC0", "CC BY", "CC BY-SA", "CC BY-ND")


NONCOMMERCIAL = ("CC BY-NC", "CC BY-NC-SA", "CC BY-NC-ND")


CODES = (*COMMERCIAL, *NONCOMMERCIAL)
"""PMC's licence codes that permit redistribution, from least to most strict."""


OTHER = "other"
"""Name of articles without one of these licences."""


_LICENSE_GROUPS = {"commercial": COMMERCIAL, "noncommercial": NONCOMMERCIAL, "other": (OTHER,)}


@dataclass(frozen=True, slots=True)
class License:
    """A licence as far as the source specifies it.

    Parameters
    ----------
    code
        Code in PMC's spelling, such as ``CC BY-NC``; ``None`` without a known licence.
    version
        Version such as ``4.0``.
    url
        Canonical URL.
    """

    code: str | None
    version: str | None = None
    url: str | None = None

    @property
    def name(self) -> str | None:
        """Code and version, such as ``CC BY 4.0``."""
        return f"{self.code} {self.version}" if self.code and self.version else self.code


def license_group(license_code: str | None) -> str:
    """Return the group of a licence code: ``commercial``, ``noncommercial`` or ``other``.

    Examples
    --------
    >>> license_group("CC BY-ND"), license_group("CC BY-NC"), license_group(None)
    ('commercial', 'noncommercial', 'other')
    """
    if license_code in COMMERCIAL:
        return "commercial"
    return "noncommercial" if license_code in NONCOMMERCIAL else "other"


def resolved_license(license_code: str | None, named: License) -> License:
    """Return the licence of an article from PMC's ``license_code`` and its XML.

    PMC's code takes precedence; the XML adds version and URL if it agrees, and counts alone if PMC
    gives no code.
    """
    if license_code is None or license_code == named.code:
        return named
    return License(license_code)


def stricter(first: str | None, second: str | None) -> str | None:
    """Return the stricter of two licence codes; unknown is strictest."""
    if first not in CODES or second not in CODES:
        return None
    return max(first, second, key=CODES.index)


def stricter_group(article: License, own: License | None) -> str:
    """Return the licence group of what an article holds, by its own licence if it has one.

    Examples
    --------
    >>> stricter_group(License("CC BY"), None), stricter_group(License("CC BY"), License(None))
    ('commercial', 'other')
    """
    return license_group(stricter(article.code, (own or article).code))


def parse_licenses(names: Sequence[str]) -> frozenset[str] | None:
    """Return the licence codes of groups and codes; ``None`` for an empty list.

    Examples
    --------
    >>> sorted(parse_licenses(["noncommercial", "cc0"]))
    ['CC BY-NC', 'CC BY-NC-ND', 'CC BY-NC-SA', 'CC0']
    """
    if not names:
        return None
    codes: set[str] = set()
    by_name = {code.lower().replace("-", " "): (code,) for code in CODES} | _LICENSE_GROUPS
    for name in names:
        found = by_name.get(name.strip().lower().replace("-", " "))
        if found is None:
            msg = f"unknown licence {name!r}; choose from {', '.join((*_LICENSE_GROUPS, *CODES))}"
            raise UsageError(msg)
        codes.update(found)
    return frozenset(codes)
