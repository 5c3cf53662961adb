"""The options of extract, resolved from what a user gives."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from biomedica_dataset.archive.selection import Selection, Wants, parse_images
from biomedica_dataset.errors import UsageError
from biomedica_dataset.licenses import parse_licenses


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractOptions:
    """Which articles to fetch, and which of their images.

    Parameters
    ----------
    selection
        The articles, as the archive records them.
    wants
        Licences and images to keep.
    inventory
        Date or file of the inventory to read; the newest by default.
    retry
        Retry what was unavailable or corrupt, and reread articles with another reader.
    """

    selection: Selection = field(default_factory=Selection)
    wants: Wants = field(default_factory=Wants)
    inventory: str | None = None
    retry: bool = False


def resolve_options(  # noqa: PLR0913 - each is given by name
    output: str | os.PathLike[str],
    *,
    pmcids: str | Iterable[str | int] | None = None,
    query: str | None = None,
    limit: int | None = None,
    licenses: Sequence[str] = (),
    images: str | Collection[str] = "all",
    inventory: str | None = None,
    retry: bool = False,
) -> ExtractOptions:
    """Return the options of `extract`, where they are documented.

    Raises
    ------
    UsageError
        An option is wrong, or two exclude each other.
    SourceError
        NCBI does not answer the query.
    """
    given = {"pmcids": pmcids, "query": query, "limit": limit}
    names = [name for name, value in given.items() if value is not None]
    if len(names) > 1:
        msg = f"{' and '.join(names)} exclude each other; give one of them"
        raise UsageError(msg)
    if limit is not None and limit < 1:
        msg = f"limit must be 1 or more, not {limit}"
        raise UsageError(msg)
    codes = parse_licenses(licenses)
    selection = Selection(limit=limit)
    if query is not None:
        from biomedica_dataset.pubmed.client import Ncbi
        from biomedica_dataset.pubmed.search.query import choose

        numbers, question = choose(output, query, codes, Ncbi())
        selection = Selection(numbers, query=question)
    elif pmcids is not None:
        selection = Selection.of_ids(pmcids)
    return ExtractOptions(
        selection=selection,
        wants=Wants(codes, parse_images(images)),
        inventory=inventory,
        retry=retry,
    )
