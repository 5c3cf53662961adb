"""A run of mesh: gets PubMed's records of an archive's articles, writes the MeSH table."""

from __future__ import annotations

import datetime
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from biomedica_dataset.archive.ledger import Archive
from biomedica_dataset.engine.pool import run_tasks
from biomedica_dataset.engine.progress import Progress
from biomedica_dataset.engine.report import Tally
from biomedica_dataset.errors import UsageError
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.pubmed.client import Ncbi

from .article_ids import read_article_ids
from .assemble import assemble
from .baseline import Bulk, BulkFile, make_part, part_name
from .efetch import fetch_parts
from .parts import PARTS
from .table import MESH

if TYPE_CHECKING:
    import os

    from biomedica_dataset.engine.progress import Counters

    from .article_ids import ArticleIds, Filter

_logger = logging.getLogger(__name__)
_MANY = (
    50_000  # articles for which the files of the baseline are less to get than records one by one
)
_WORDS = {
    "no_mesh": "in PubMed without MeSH terms",
    "book": "a book in PubMed, without MeSH terms",
    "no_pmid": "without PMID, and no record has its PMCID or DOI",
    "deleted": "taken back by PubMed",
    "ambiguous": "several records have its PMCID or DOI",
    "not_found": "PubMed has no record of its PMID, PMCID or DOI",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MeshReport:
    """What a MeSH table holds after a run.

    Parameters
    ----------
    header
        What the table says of itself.
    """

    header: dict[str, Any]

    def __str__(self) -> str:
        """Return the report in words."""
        header = self.header
        told = {"kept" if k == "mesh" else _WORDS[k]: n for k, n in header["articles"].items()}
        matched = {by: header["matched"].get(by, 0) for by in ("pmid", "pmcid", "doi")}
        records = ", ".join(
            f"{n:,} {what.replace('_', ' ')}" for what, n in header["records"].items()
        )
        return "\n".join(
            [
                *Tally.of(told).lines("articles, for MeSH terms"),
                f"matched by PMID {matched['pmid']:,}, by PMCID {matched['pmcid']:,}, "
                f"by DOI {matched['doi']:,}",
                f"records of {header['source']}, {header['date']}: {records}",
            ]
        )


def make_mesh(
    source: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    baseline: str | None = None,
    email: str | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
    client: Ncbi | None = None,
) -> MeshReport:
    """Write the MeSH table of an archive's articles, or bring it up to date.

    Parameters
    ----------
    source
        The archive.
    output
        Folder of the table: new, empty, or of an earlier run.
    baseline
        Folder or address of PubMed's bulk files; EFetch by default.
    email
        Whom NCBI may write to.
    workers
        Processes that read bulk files; as many as there are processors by default.
    client
        Sends the requests; a new one by default.

    Raises
    ------
    UsageError
        The source is no archive, or the output holds something else.
    SourceError
        NCBI or the bulk files cannot be read. Finished parts stay, and the same command goes on.
    """
    archive, folder = Archive.open(source), Folder(output)
    _check_output(folder)
    progress = progress or Progress()
    wanted = read_article_ids(archive)
    if baseline is not None:
        parts, told = _from_bulk(Bulk(baseline), folder, wanted, workers, progress)
    else:
        parts, told = _from_efetch(client or Ncbi(email=email), folder, wanted, progress)
    header = assemble(folder, parts, wanted, told)
    for name in set(folder.names(PARTS)) - (set(parts) if baseline is not None else set()):
        folder.remove(f"{PARTS}/{name}")
    return MeshReport(header=header)


def _check_output(folder: Folder) -> None:
    folder.sweep()
    if not folder.exists(MESH) and not folder.names(PARTS) and not folder.is_empty():
        msg = f"{folder.url} holds something else than a MeSH table; name an empty or a new folder"
        raise UsageError(msg)


def _from_efetch(
    client: Ncbi, folder: Folder, wanted: ArticleIds, progress: Progress
) -> tuple[list[str], dict[str, str]]:
    if len(wanted) > _MANY:
        _logger.warning("%s articles one by one: with --baseline it takes less", f"{len(wanted):,}")
    day = datetime.datetime.now(datetime.UTC).date().isoformat()
    progress.start(len(wanted.filter().pmids), "citations")
    with progress.shown():
        parts = fetch_parts(client, wanted, folder, day, progress.tick)
    return parts, {"source": "PubMed by EFetch", "date": day}


def _from_bulk(
    bulk: Bulk, folder: Folder, wanted: ArticleIds, workers: int | None, progress: Progress
) -> tuple[list[str], dict[str, str]]:
    files = bulk.files()
    progress.start(len(files), "files")
    args = (bulk.where, folder.url, wanted.filter(), wanted.digest())
    try:
        for _file, _done in run_tasks(
            _work, files, workers=workers, start=_start_worker, args=args, progress=progress
        ):
            pass
    finally:
        folder.sweep()  # what processes that were stopped had begun
    told = {"source": "PubMed's bulk files", "date": f"{files[0].name} to {files[-1].name}"}
    return [part_name(file) for file in files], told


@dataclass(frozen=True, slots=True)
class _Worker:
    bulk: Bulk
    folder: Folder
    wanted: Filter
    digest: str
    progress: Progress


_worker: _Worker | None = None


def _start_worker(where: str, folder: str, wanted: Filter, digest: str, counters: Counters) -> None:
    global _worker  # noqa: PLW0603 - what a process of the pool keeps between its tasks
    _worker = _Worker(Bulk(where), Folder(folder), wanted, digest, Progress(counters=counters))


def _work(file: BulkFile) -> None:
    if _worker is None:
        msg = "the worker was not started by its pool"
        raise RuntimeError(msg)
    make_part(_worker.bulk, file, _worker.folder, _worker.wanted, _worker.digest)
    _worker.progress.tick(1, 0, 0)
