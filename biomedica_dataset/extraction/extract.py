"""`extract`: from a source to an archive."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from .options import resolve_options
from .stage import ExtractStage

if TYPE_CHECKING:
    from biomedica_dataset.engine.launch import Launch
    from biomedica_dataset.engine.progress import Progress

    from .report import ExtractReport


def extract(  # noqa: PLR0913 - each is given by name
    source: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    pmcids: str | Iterable[str | int] | None = None,
    query: str | None = None,
    limit: int | None = None,
    licenses: Sequence[str] = (),
    images: str | Collection[str] = "all",
    inventory: str | None = None,
    retry: bool = False,
    workers: int | None = None,
    launch: Launch | None = None,
    progress: Progress | None = None,
) -> ExtractReport:
    """Bring an archive up to date with a source, or create it.

    Parameters
    ----------
    source
        ``s3://bucket``, ``https://host/path``, ``http://host/path`` or a folder.
    output
        The archive: a new or empty folder, or an existing archive.
    pmcids
        Only these articles, such as ``PMC13900`` or ``13900``, or a file with one per line.
        ``PMC13900.2`` is that version, whatever newer ones there are.
    query
        Only articles that this search of PMC finds.
    limit
        Only this many of the newest articles.
    licenses
        Only articles under these licences: groups, or codes such as ``CC BY``.
    images
        ``all``, ``none``, keys of pairs, or a file with one key per line.
    inventory
        Date or file of the inventory to read; the newest by default.
    retry
        Retry what was unavailable or corrupt, and reread articles with a newer reader.
    workers
        Processes; as many as there are processors by default.
    launch
        Where the stage runs, and as which part of a run; alone by default.

    Raises
    ------
    UsageError
        The output has another selection or is not an archive, or an option is wrong.
    SourceError
        The source cannot be read. The report lists later failures; their blocks are not written.
    StorageError, ArchiveError
        The output cannot be written, or is damaged. Finished blocks stay valid.

    Examples
    --------
    >>> extract("bucket", "newest", limit=2, workers=1).articles
    {'kept': 2}
    >>> print(extract("bucket", "newest", limit=2, workers=1))
    article versions: 2 seen = 2 kept + 0 dropped
    figures: ...
    nothing to do: the archive is up to date
    """
    options = resolve_options(
        output, pmcids=pmcids, query=query, limit=limit, licenses=licenses, images=images,
        inventory=inventory, retry=retry,
    )  # fmt: skip
    stage = ExtractStage.open(os.fspath(source), os.fspath(output), options)
    if stage.has_nothing_to_do():
        report = stage.report(stage.found.headers)
        if stage.has_report(report):
            return report  # and nothing was written
    run = stage.run(launch, workers=workers, progress=progress)
    finished: ExtractReport | None = run.finished
    return finished or stage.report(stage.archive.headers(), run)
