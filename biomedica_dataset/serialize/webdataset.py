"""Tars in the layout of the published dataset, for training scripts that were written for it.

::

    FOLDER/
      commercial/000012-00.tar   KEY.jpg, KEY.txt and KEY.json of up to 10,000 pairs
      commercial/sizes.json      samples of each tar, as open_clip reads them; written last
      noncommercial/...  other/...

A tar holds the pairs of a fixed run of blocks in an order that a seeded hash of the key gives, so that neighbours have
nothing in common, and a change in one block changes the tars of one run.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ArchiveError, UsageError
from ..extract.ledger import Archive
from ..extract.spool import Spool
from ..pool import run_tasks
from ..progress import Progress
from ..report import Tally, total
from ..rows import rows_of
from ..schema import LICENSE_GROUPS, pair_key
from ..storage import Folder
from .shard import RECORDS, fingerprint

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from ..extract.spool import Held
    from ..progress import Counters, Ticker
    from ..rows import ArticleRows
    from ..schema import ArticleRow, Pair

SIZES = "sizes.json"
SAMPLES = 10_000
"""The most samples of a tar."""

_STARTED = f"{RECORDS}/tars.json"
_ALL_RUN_BLOCKS = 4  # of 1000 PMCIDs each: at most about 10,000 pairs on all of PMC
_SEED = "0"
_VERSION = re.compile(r" \d+(\.\d+)*$")
_OLD_KEY = re.compile(r"(?P<batch>[^-]+)-(?P<pmcid>PMC\d+)-(?P<position>\d+)-(?P<name>.+)")


def key_of_published(old_key: str) -> str:
    """Return our key of a pair of the published dataset.

    The key of a repeated file name has a suffix here, which an old key does not tell.

    Parameters
    ----------
    old_key
        A ``__key__``: batch, PMCID, position and file name without its ending.

    Raises
    ------
    UsageError
        It is none.

    Examples
    --------
    >>> key_of_published("17-PMC13900-3-1471-2180-11-174.g001")
    'PMC13900_1471-2180-11-174_g001'
    """
    match = _OLD_KEY.fullmatch(old_key)
    if match is None:
        msg = f"{old_key!r} is no key of the published dataset; those are batch-PMCID-position-name"
        raise UsageError(msg)
    return pair_key(match["pmcid"], re.sub(r"\.jpe?g$", "", match["name"], flags=re.IGNORECASE))


def published_json(pair: Pair, article: ArticleRow | None, siblings: list[Pair]) -> dict[str, Any]:
    """Return the ``.json`` of a pair, with the names and types of the published dataset.

    Parameters
    ----------
    article
        The row of its article.
    siblings
        All pairs of the article that may stand beside it.
    """
    references = (article.article_references if article else None) or []
    contexts = {image_id(p): p.image_context for p in siblings if p.image_context}
    return {
        "image_file_name": pair.image_file_name,
        "image_cluster_id": image_id(pair),
        "image_hash": pair.image_hash,
        "image_label_id": pair.image_label_id,
        "image_panel_type": pair.image_panel_type,
        "image_panel_subtype": pair.image_panel_subtype,
        "image_primary_label": pair.image_primary_label or [],
        "image_secondary_label": pair.image_secondary_label or [],
        "image_size": pair.image_size,
        "image_set": [_of_set(sibling) for sibling in siblings],
        "image_context": contexts,
        "article_accession_id": pair.article_accession_id,
        "article_title": pair.article_title,
        "article_journal": pair.article_journal,
        "article_date": unix_time(pair.article_date),
        "article_abstract": pair.article_abstract,
        "article_mesh_terms": pair.article_mesh_terms or [],
        "article_keywords": pair.article_keywords or [],
        "article_subject": pair.article_subject or [],
        "article_reference_ids": [str(r["pmid"]) for r in references if r["pmid"] is not None],
        "article_reference_count": pair.article_reference_count,
        "article_reference_list": references,
        "article_citation": pair.article_citation,
        "article_license": pair.article_license and _VERSION.sub("", pair.article_license),
        "article_text": article.article_text if article else None,
    }


def image_id(pair: Pair) -> str:
    """Return the id that the published dataset gives an image: its file name without the ending."""
    return pair.image_file_name.rpartition(".")[0] or pair.image_file_name


def unix_time(date: str | None) -> int | None:
    """Return the first second, in UTC, of a day, month or year in ISO 8601.

    Examples
    --------
    >>> unix_time("1970-01-02"), unix_time("1971"), unix_time(None)
    (86400, 31536000, None)
    """
    if date is None:
        return None
    year, month, day = (*map(int, date.split("-")), 1, 1)[:3]
    return int(datetime(year, month, day, tzinfo=UTC).timestamp())


def _of_set(pair: Pair) -> dict[str, Any]:
    return {
        "image_id": image_id(pair),
        "image_file_name": pair.image_file_name,
        "caption": pair.caption,
        "hash": pair.image_hash,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class TarRecord:
    """What a finished run of blocks is made of and holds.

    Parameters
    ----------
    tars
        Samples of each tar, by path.
    """

    fingerprint: str
    tars: dict[str, int] = field(default_factory=dict)
    figures: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebDatasetReport:
    """What a run of serialize made.

    Parameters
    ----------
    tars
        Samples of each tar, by path.
    rewritten
        Runs of blocks that were written, of ``runs``.
    """

    tars: dict[str, int]
    figures: dict[str, int]
    runs: int
    rewritten: int
    problems: list[str]

    def __str__(self) -> str:
        """Return the report in words."""
        lines = Tally.of(self.figures).lines("figures")
        for group in LICENSE_GROUPS:
            sizes = [n for path, n in self.tars.items() if path.startswith(f"{group}/")]
            lines += [f"{group}: {sum(sizes):,} samples in {len(sizes):,} tars"] if sizes else []
        lines += [f"unreadable: {problem}" for problem in self.problems[:20]]
        if self.rewritten:
            lines.append(f"{self.rewritten:,} of {self.runs:,} runs of blocks written")
        else:
            lines.append("nothing to do: the tars agree with the archive")
        return "\n".join(lines)


def serialize_webdataset(
    source: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    workers: int | None = None,
    progress: Progress | None = None,
) -> WebDatasetReport:
    """Write the pairs of an archive as tars, or bring tars written before into agreement with it.

    Parameters
    ----------
    source
        The archive.
    output
        New, empty, or written by an earlier run.
    workers
        Processes; as many as there are processors by default.

    Raises
    ------
    UsageError
        The source is no archive, or the output holds something else.
    """
    archive, folder = Archive.open(source), Folder(output)
    size = _start(folder, archive)
    runs: dict[int, list[int]] = {}
    for block in archive.blocks():
        runs.setdefault(block // size, []).append(block)
    old = _records(folder)
    records = {
        run: old[run] for run in runs if run in old and old[run].fingerprint == _made_of(archive, runs[run])
    }
    todo = [(run, blocks) for run, blocks in runs.items() if run not in records]
    gone = [run for run in old if run not in runs]
    if todo or gone:
        for group in LICENSE_GROUPS:
            folder.remove(f"{group}/{SIZES}")
        for run in gone:
            _remove(folder, run, old[run])
        records |= _build(archive, folder, todo, workers, progress or Progress())
    tars = {path: n for run in sorted(records) for path, n in sorted(records[run].tars.items())}
    _write_sizes(folder, tars)
    return WebDatasetReport(
        tars=tars,
        figures=total(record.figures for record in records.values()),
        runs=len(runs),
        rewritten=len(todo),
        problems=[problem for run in sorted(records) for problem in records[run].problems],
    )
