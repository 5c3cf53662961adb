"""`mesh`: the MeSH terms of an archive's articles, from PubMed."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from biomedica_dataset.archive.ledger import Archive
from biomedica_dataset.engine.report import Shown, Tally, part_message

from .article_ids import read_article_ids
from .parts_stage import BulkStage, EfetchStage, PartsStage

if TYPE_CHECKING:
    from biomedica_dataset.engine.launch import Launch
    from biomedica_dataset.engine.progress import Progress
    from biomedica_dataset.pubmed.client import Ncbi


_logger = logging.getLogger(__name__)
_MANY = 50_000  # articles; the files of the baseline are then less to get than single records
_WORDS = {
    "no_mesh": "in PubMed without MeSH terms",
    "book": "a book in PubMed, without MeSH terms",
    "no_pmid": "without PMID, and no record has its PMCID or DOI",
    "deleted": "taken back by PubMed",
    "ambiguous": "several records have its PMCID or DOI",
    "not_found": "PubMed has no record of its PMID, PMCID or DOI",
}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class MeshReport(Shown):
    """What a MeSH table holds after a run.

    Parameters
    ----------
    header
        What the table says of itself; empty while parts are left.
    written, left
        Parts written by this run, and those that other launchers have not done.
    """

    header: dict[str, Any]
    written: int = 0
    left: int = 0

    def __str__(self) -> str:
        if self.left:
            return part_message(self.written, self.left, "parts")
        header = self.header
        told = {"kept" if k == "mesh" else _WORDS[k]: n for k, n in header["articles"].items()}
        matched = {by: header["matched"].get(by, 0) for by in ("pmid", "pmcid", "doi")}
        counts = header["records"].items()
        records = ", ".join(f"{n:,} {what.replace('_', ' ')}" for what, n in counts)
        return "\n".join(
            [
                *Tally.of(told).lines("articles, for MeSH terms"),
                f"matched by PMID {matched['pmid']:,}, by PMCID {matched['pmcid']:,}, "
                f"by DOI {matched['doi']:,}",
                f"records of {header['source']}, {header['date']}: {records}",
            ]
        )


def mesh(  # noqa: PLR0913 - each is given by name
    archive: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    baseline: str | os.PathLike[str] | None = None,
    email: str | None = None,
    workers: int | None = None,
    launch: Launch | None = None,
    progress: Progress | None = None,
    client: Ncbi | None = None,
) -> MeshReport:
    """Write the MeSH table of an archive's articles, or bring it up to date.

    Parameters
    ----------
    output
        Folder of the table: new, empty, or of an earlier run.
    baseline
        Folder or address of PubMed's bulk files; EFetch by default.
    email
        Address at which NCBI can reach the user.
    workers
        Processes that read bulk files; as many as there are processors by default.
    launch
        On what it runs, and as which part of a run; alone by default.
    client
        Sends the requests; a new one by default.

    Raises
    ------
    UsageError
        There is no such archive, or the output is something else.
    SourceError
        NCBI or the bulk files cannot be read. Finished parts stay, and the same call continues.

    Examples
    --------
    >>> mesh("archive", "mesh", baseline="bucket")
    Traceback (most recent call last):
        ...
    biomedica_dataset.errors.UsageError: bucket ...
    """
    ids = read_article_ids(Archive.open(archive))
    url, wanted = os.fspath(output), ids.filter()
    stage: PartsStage[Any]
    if baseline is not None:
        stage = BulkStage(url, ids, wanted, os.fspath(baseline), ids.digest())
    else:
        if len(ids) > _MANY:
            many = f"{len(ids):,}"
            _logger.warning("%s articles one by one: with --baseline it takes less", many)
        stage, workers = EfetchStage(url, ids, wanted, email, given=client), 1
    run = stage.run(launch, workers=workers, progress=progress)
    return MeshReport(header=run.finished or {}, written=len(run.made), left=run.left)
