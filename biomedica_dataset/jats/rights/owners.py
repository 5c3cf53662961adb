"""The authors of an article and the holders of its rights."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING

from biomedica_dataset.jats.limits import MAX_CLAIMS, check_limit
from biomedica_dataset.jats.text import text_of, tidy
from biomedica_dataset.jats.tree import pieces

from .licenses import article_license

if TYPE_CHECKING:
    from lxml.etree import _Element

    from biomedica_dataset.licenses import License

_NO_NAME = re.compile(r"©|\(c\)|copyright|\b[12]\d{3}\b|the author\(?s?\)?", re.IGNORECASE)
_BEFORE_NAME = re.compile(r"([^\W\d_][\w.'’-]*)\s+$")
_NO_GIVEN_NAME = re.compile(
    r"(?:dr|prof|mrs?|ms|copyright|by|courtesy|photo\w*|image\w*|credits?|v[ao]n|d[aeiou]s?|l[ae])\.?",
    re.IGNORECASE,
)
_INITIALS = re.compile(r"\W*(?:[A-Z][.\s-]*){2,4}\W*")


class Owners:
    """Who owns an article; its metadata is only read if a figure names someone.

    Parameters
    ----------
    meta
        Its ``article-meta``.
    """

    def __init__(self, meta: _Element) -> None:
        self._meta = meta
        self._comparisons = 0

    def named_in(self, line: str) -> bool:
        """Whether a line names an author or a holder.

        Another person of the same surname is none: "Ben Roe" is not the author Jane Roe.

        Raises
        ------
        JatsTooLargeError
            The article has more names and lines than `MAX_CLAIMS` allows.
        """
        self._comparisons += len(self._people) + len(self._holders)
        check_limit(self._comparisons, MAX_CLAIMS, "copyright lines times authors")
        lower = line.lower()
        if any(
            name in lower and re.search(rf"\b{re.escape(name)}", lower) for name in self._holders
        ):
            return True
        people = self._people.items()
        if any(surname in lower and _is(surname, given, line) for surname, given in people):
            return True
        initials = re.sub(r"[^A-Z]", "", line).lower() if _INITIALS.fullmatch(line) else None
        return initials in self._initials

    def states(self, text: str | None, license: License | None) -> bool:
        """Whether a statement is the article's own: word for word, and for no other licence."""
        named = license is not None and license.code is not None
        return text in self._statements and not (named and license != self._license)

    @cached_property
    def _license(self) -> License:
        return article_license(self._meta)

    @cached_property
    def _statements(self) -> frozenset[str | None]:
        tags = ("copyright-statement", "copyright-holder", "license")
        return frozenset(tidy(" ".join(pieces(element))) for element in self._meta.iter(*tags))

    @cached_property
    def _people(self) -> dict[str, set[str]]:
        """Surnames in lower case, each with the initials of given names."""
        people: dict[str, set[str]] = {}
        surnames = self._meta.iterfind("contrib-group//surname")
        parents = (parent for surname in surnames if (parent := surname.getparent()) is not None)
        for parent in dict.fromkeys(parents):
            given = parent.findtext("given-names") or ""
            initials = "".join(re.findall(r"\b[^\W\d_]", given)).lower()
            for surname in parent.iterchildren("surname"):
                if name := (text_of(surname) or "").lower():
                    people.setdefault(name, set()).add(initials)
        return people

    @cached_property
    def _initials(self) -> frozenset[str]:
        """Initials such as ``jmr`` and ``jr``."""
        people = [(s[0], given) for s, given in self._people.items()]
        names = [(g, last) for last, given in people for g in given if g]
        return frozenset(f"{g}{last}" for one, last in names for g in (one, one[0]))

    @cached_property
    def _holders(self) -> frozenset[str]:
        """Names in lower case, of the copyright and of groups of authors."""
        elements = [*self._meta.iterfind("permissions/copyright-holder")]
        elements += self._meta.iterfind("contrib-group//collab")
        elements += self._meta.iterfind("permissions/copyright-statement")
        names = (_NO_NAME.sub(" ", text_of(element) or "").strip(" .,;") for element in elements)
        cut = (re.split(r"[.,;]|\bet al", name)[0].strip().lower() for name in names)
        return frozenset(name for name in cut if len(name) > 2 and name not in self._people)


def _is(surname: str, initials: set[str], line: str) -> bool:
    """Whether a line names the person of a surname and one of some initials."""
    for found in re.finditer(rf"(?<!\w){re.escape(surname)}(?!\w)", line, re.IGNORECASE):
        if found[0] == found[0].lower():
            continue  # "he" is not Dr He
        before = _BEFORE_NAME.search(line[: found.start()])
        given = before[1] if before and not _NO_GIVEN_NAME.fullmatch(before[1]) else ""
        if not given[:1].isupper():
            if len(surname) > 3 or not re.match(r"\s+[a-z]", line[found.end() :]):
                return True
        elif any(given[0].lower() in one or not one for one in initials):
            return True
    return False
