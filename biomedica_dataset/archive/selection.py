"""The articles of an archive, and what a run wants of them.

The selection (all, a list of ids, the newest N, a query) is fixed for an archive. A later run may
want more or fewer licences and images.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

from biomedica_dataset.errors import UsageError
from biomedica_dataset.io.rules import Form, OneOf, Positive
from biomedica_dataset.licenses import CODES, OTHER

_PMCID = re.compile(r"(?:PMC)?([1-9][0-9]{0,17})(?:\.([1-9][0-9]{0,8}))?", re.IGNORECASE)
_PAIR = re.compile(r"PMC[1-9]\d{0,17}_[A-Za-z0-9_-]+")
_LIST = "the list of ids"
_WIDTH = 1000
_ARTICLES_PER_BLOCK = 64
_WIDEST = 10**9


_NAME = Form(r"PMC[1-9][0-9]{0,17}(?:\.[0-9]+)?", "a PMCID such as PMC13900")


@dataclass(frozen=True, slots=True)
class StoredSelection:
    """A selection as ``archive.json`` stores it; see `Selection`."""

    kind: Annotated[str, OneOf(("all", "newest", "query", "ids"))]
    limit: Positive | None
    pmcids: list[Annotated[str, _NAME]] | None
    query: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        """Check that there are ids, if they are listed, and the words of a query."""
        if self.pmcids == [] or not isinstance((self.query or {"query": ""}).get("query"), str):
            msg = "the selection has no pmcids, or a query without words"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class Selection:
    """The articles of an archive.

    Parameters
    ----------
    pmcids
        Sorted PMCIDs; ``None`` for all articles of the source.
    limit
        Number of newest articles requested, if ``pmcids`` are the newest.
    query
        The query that found ``pmcids``, with its translation, licences, count and date.
    versions
        PMCID and version of the articles of which one version was asked for, sorted.
    """

    pmcids: tuple[int, ...] | None = None
    limit: int | None = None
    query: dict[str, Any] | None = None
    versions: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of_ids(cls, ids: str | Iterable[str | int]) -> Selection:
        """Return the selection of some PMCIDs: given, or in a file with one per line.

        Examples
        --------
        >>> Selection.of_ids("PMC13900, 13901.2")
        Selection(pmcids=(13900, 13901), limit=None, query=None, versions=((13901, 2),))
        """
        lines, where = (_ids_of(ids), ids) if isinstance(ids, str) else (map(str, ids), _LIST)
        found = _parse_ids(lines, where)
        return cls(
            tuple(sorted(found)), versions=tuple((n, v) for n, v in sorted(found.items()) if v)
        )

    def as_json(self) -> dict[str, Any]:
        """Return the selection as ``archive.json`` stores it."""
        stored = {"kind": self.kind, "limit": self.limit, "pmcids": self.names()}
        return stored if self.query is None else {**stored, "query": self.query}

    @classmethod
    def of(cls, stored: StoredSelection) -> Selection:
        """Return the selection that ``archive.json`` stores."""
        listed = cls() if stored.pmcids is None else cls.of_ids(stored.pmcids)
        return replace(listed, limit=stored.limit, query=stored.query)

    def names(self) -> list[str] | None:
        """Return the articles as ``PMC13900``, or ``PMC13900.2`` where one version is meant."""
        versions = dict(self.versions)
        if self.pmcids is None:
            return None
        return [f"PMC{n}.{versions[n]}" if n in versions else f"PMC{n}" for n in self.pmcids]

    @property
    def kind(self) -> str:
        """One of ``all``, ``newest``, ``query`` and ``ids``."""
        if self.query is not None:
            return "query"
        return "all" if self.pmcids is None else "newest" if self.limit else "ids"

    def __str__(self) -> str:
        if self.pmcids is None:
            return "all articles"
        if self.limit:
            return f"the newest {self.limit} articles"
        if self.query is not None:
            return f"{len(self.pmcids)} articles found by {self.query['query']!r}"
        listed = (self.pmcids, self.versions) if self.versions else self.pmcids
        digest = hashlib.sha256(repr(listed).encode()).hexdigest()[:8]
        return f"{len(self.pmcids)} listed articles ({digest})"


@dataclass(frozen=True, slots=True)
class Wants:
    """What a run wants of the selected articles.

    Parameters
    ----------
    licenses
        Licence codes of articles, and ``other``; ``None`` for any.
    images
        ``all``, ``none``, or keys of pairs.
    """

    licenses: frozenset[str] | None = None
    images: str | frozenset[str] = "all"
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        """Compute the digest once."""
        images = self.images if isinstance(self.images, str) else sorted(self.images)
        licenses = None if self.licenses is None else sorted(self.licenses)
        text = json.dumps({"licenses": licenses, "images": images})
        object.__setattr__(self, "digest", hashlib.sha256(text.encode()).hexdigest())

    def license(self, code: str | None) -> bool:
        """Whether articles with a licence are wanted."""
        return self.licenses is None or (code if code in CODES else OTHER) in self.licenses

    def image(self, key: str) -> bool:
        """Whether the image of a pair is wanted."""
        return self.images == "all" or (self.images != "none" and key in self.images)


def wants_by_block(wants: Wants, width: int) -> Callable[[int], Wants]:
    """Return the wants of each block, with its own keys only so that others do not affect it."""
    if isinstance(wants.images, str):
        return lambda _block: wants
    keys: dict[int, set[str]] = {}
    for key in wants.images:
        keys.setdefault(int(key[3:].partition("_")[0]) // width, set()).add(key)
    return lambda block: Wants(wants.licenses, frozenset(keys.get(block, ())))


def _ids_of(text: str) -> list[str]:
    """Return the PMCIDs that a text lists, or the lines of the file that it names."""
    ids = re.split(r"[\s,;]+", text.strip())
    if all(map(_PMCID.fullmatch, ids)):
        return ids
    try:
        return Path(text).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        msg = (
            f"{text[:500]!r} is neither PMCIDs such as PMC13900 nor a readable file of them: {why}"
        )
        raise UsageError(msg) from error


def _parse_ids(lines: Iterable[str], where: str) -> dict[int, int | None]:
    """Return PMCIDs with the version that was asked for, if any.

    Raises
    ------
    UsageError
        A line is not a PMCID, or asks for a second version of an article.
    """
    found: dict[int, int | None] = {}
    for number, line in enumerate(lines, start=1):
        text = line.strip().lstrip("\ufeff")
        if text and not text.startswith("#"):
            match = _PMCID.fullmatch(text)
            if match is None:
                msg = f"line {number} of {where} is {text[:40]!r}, not a PMCID such as PMC13900"
                raise UsageError(msg)
            pmcid, version = int(match[1]), int(match[2]) if match[2] else None
            before = found.get(pmcid)
            if version and before and version != before:
                msg = (
                    f"line {number} of {where} asks for PMC{pmcid}.{version} beside "
                    f"PMC{pmcid}.{before}; an archive has one version of an article"
                )
                raise UsageError(msg)
            found[pmcid] = version or before
    if not found:
        msg = f"{where} is empty; expected one PMCID per line"
        raise UsageError(msg)
    return found


def parse_images(value: str | Iterable[str]) -> str | frozenset[str]:
    """Return ``all``, ``none``, or keys: given, or in a file with one key per line."""
    if not isinstance(value, str):
        return _parse_keys(value, "the list of keys")
    if value in ("all", "none"):
        return value
    try:
        lines = Path(value).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        msg = f"images {value!r} is not 'all', 'none' or a readable file of keys: {error}"
        raise UsageError(msg) from error
    return _parse_keys(lines, value)


def _parse_keys(lines: Iterable[str], where: str) -> frozenset[str]:
    keys = set()
    for number, line in enumerate(lines, start=1):
        key = line.strip().lstrip("\ufeff")
        if key and not _PAIR.fullmatch(key):
            msg = f"line {number} of {where} is {key[:40]!r}, not a key such as PMC13900_g001"
            raise UsageError(msg)
        keys.add(key)
    keys.discard("")
    if not keys:
        msg = f"{where} is empty; expected one key per line"
        raise UsageError(msg)
    return frozenset(keys)


def block_width(pmcids: Sequence[int] | None) -> int:
    """Return the width of blocks: at least 1000, and wide enough for about 64 articles.

    Examples
    --------
    >>> block_width(None), block_width([13900]), block_width(range(5_000_000, 5_009_000))
    (1000, 1000, 1000)
    >>> block_width(range(0, 12_000_000, 40_000))
    10000000
    """
    width = _WIDTH
    if pmcids is None:
        return width
    blocks = max(1, len(pmcids) // _ARTICLES_PER_BLOCK)
    while width < _WIDEST and len({n // width for n in pmcids}) > blocks:
        width *= 10
    return width
