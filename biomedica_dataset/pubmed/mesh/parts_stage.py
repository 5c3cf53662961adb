"""The stages that bring a MeSH table up to date: a part for each file, or for some PMIDs."""

from __future__ import annotations

import datetime
import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

import numpy as np

from biomedica_dataset.engine.stage import Stage, WorkerContext
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.io.headers import refuse_foreign
from biomedica_dataset.pubmed.client import Ncbi

from .assemble import assemble
from .baseline import Bulk, BulkFile, make_part, part_name, read_md5s
from .efetch import fetch_part, split_pmids
from .parts import CODE, PARTS, read_header
from .table import MESH

if TYPE_CHECKING:
    from biomedica_dataset.engine.lock import RunLock
    from biomedica_dataset.engine.outcome import StageRun

    from .article_ids import ArticleIds, Filter

    Header = dict[str, Any]


Wanted = TypeVar("Wanted", BulkFile, tuple[int, ...])


@dataclass(frozen=True, slots=True)
class PartTask(Generic[Wanted]):
    """A part of the table.

    Parameters
    ----------
    fingerprint
        What it depends on.
    wanted
        The file, or the PMIDs, that it is read from.
    """

    number: int
    name: str
    fingerprint: dict[str, Any]
    wanted: Wanted


@dataclass(frozen=True)
class PartsStage(Stage[PartTask[Wanted], "Header", None]):
    """Writes the parts of a MeSH table, then the table.

    Parameters
    ----------
    ids
        The articles; another process is told their filter alone.
    """

    url: str
    ids: ArticleIds | None
    filter: Filter

    @cached_property
    def output(self) -> Folder:
        """The folder of the table."""
        return Folder(self.url)

    def begin(self, lock: RunLock) -> None:
        """Refuse a folder that is something else."""
        refuse_foreign(self.output, "a MeSH table", MESH, f"{PARTS}/")

    def number(self, task: PartTask[Wanted]) -> int:
        """Return the number of a part."""
        return task.number

    def record(self, task: PartTask[Wanted]) -> Header | None:
        """Return the header of a part that is up to date."""
        header = read_header(self.output, task.name)
        return header if header is not None and header["made_of"] == task.fingerprint else None

    def assemble(self, names: list[str], source: dict[str, str]) -> Header:
        """Write the table from its parts."""
        if self.ids is None:
            msg = "the table is written where the articles are known"
            raise RuntimeError(msg)
        return assemble(self.output, names, self.ids, source)

    def remove_parts_except(self, names: list[str]) -> None:
        """Remove the parts that the next run does not need."""
        for name in set(self.output.names(PARTS)) - set(names):
            self.output.remove(f"{PARTS}/{name}")

    def __getstate__(self) -> dict[str, Any]:
        """Return what another process is told."""
        return {**super().__getstate__(), "ids": None}


@dataclass(frozen=True)
class BulkStage(PartsStage[BulkFile]):
    """Reads PubMed's bulk files, a part each.

    Parameters
    ----------
    baseline
        Folder or address of the files.
    digest
        Digest of the ids of the articles.
    """

    unit: ClassVar[str] = "files"

    baseline: str
    digest: str

    @cached_property
    def bulk(self) -> Bulk:
        """The files."""
        return Bulk(self.baseline)

    @cached_property
    def listed(self) -> list[PartTask[BulkFile]]:
        """The parts, in the order of the files."""
        files, tasks = self.bulk.files(), []
        for file, md5 in zip(files, read_md5s(self.bulk, files), strict=True):
            fingerprint = {"file": file.name, "md5": md5, "wanted": self.digest, "code": CODE}
            tasks.append(PartTask(file.number, part_name(file), fingerprint, file))
        return tasks

    def tasks(self) -> list[PartTask[BulkFile]]:
        """Return a part for each file."""
        return self.listed

    def make(self, task: PartTask[BulkFile], context: WorkerContext) -> None:
        """Write the wanted records of a file."""
        maker = make_part(self.bulk, task.wanted, task.fingerprint["md5"], self.filter)
        maker.write(self.output, task.name, task.fingerprint)
        context.progress.tick(1, 0, 0)

    def finish(self, run: StageRun[Header, None]) -> Header:
        """Write the table; the parts stay for the next run, which reads only new files."""
        names = [task.name for task in self.listed]
        first, last = (self.listed[at].fingerprint["file"] for at in (0, -1))
        source = {"source": "PubMed's bulk files", "date": f"{first} to {last}"}
        header = self.assemble(names, source)
        self.remove_parts_except(names)
        return header


@dataclass(frozen=True)
class EfetchStage(PartsStage[tuple[int, ...]]):
    """Asks NCBI for the records of the articles, some thousand a part.

    Parameters
    ----------
    email
        Address at which NCBI can reach the user.
    given
        Client of this process.
    """

    unit: ClassVar[str] = "citations"

    email: str | None
    day: str = field(default_factory=lambda: datetime.datetime.now(datetime.UTC).date().isoformat())
    given: Ncbi | None = field(default=None, compare=False)

    @cached_property
    def client(self) -> Ncbi:
        """The client of this process."""
        return self.given or Ncbi(email=self.email)

    def tasks(self) -> list[PartTask[tuple[int, ...]]]:
        """Return a part for some thousand PMIDs each."""
        found = []
        for number, wanted in enumerate(split_pmids(np.unique(self.filter.pmids).tolist())):
            digest = hashlib.sha256(repr(wanted).encode()).hexdigest()
            fingerprint = {"day": self.day, "pmids": digest, "code": CODE}
            name = f"efetch-{digest[:16]}.parquet"
            found.append(PartTask(number, name, fingerprint, tuple(wanted)))
        return found

    def size(self, task: PartTask[tuple[int, ...]]) -> int:
        """Return the PMIDs of a part."""
        return len(task.wanted)

    def make(self, task: PartTask[tuple[int, ...]], context: WorkerContext) -> None:
        """Ask for the records of a part."""
        maker = fetch_part(self.client, task.wanted, self.filter, context.progress.tick)
        maker.write(self.output, task.name, task.fingerprint)

    def finish(self, run: StageRun[Header, None]) -> Header:
        """Write the table, and remove the parts, which are of today alone."""
        names = [task.name for task in self.tasks()]
        header = self.assemble(names, {"source": "PubMed by EFetch", "date": self.day})
        self.remove_parts_except([])
        return header

    def __getstate__(self) -> dict[str, Any]:
        """Return what another process is told."""
        return {**super().__getstate__(), "given": None}
