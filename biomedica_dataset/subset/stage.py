"""The stage that writes a selection: slices of the chosen rows, each with a record.

::

    SUBSET/
      .shards/select.json    what was chosen; written first
      .shards/000000.*       the record of a finished slice
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import pyarrow.compute as pc

from biomedica_dataset.engine.outcome import Record
from biomedica_dataset.engine.stage import Stage
from biomedica_dataset.errors import UsageError
from biomedica_dataset.folder.record import RECORDS
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.io.headers import begin_folder, read_header
from biomedica_dataset.licenses import LICENSE_GROUPS

from .crops import QUALITY

if TYPE_CHECKING:
    import pyarrow as pa

    from biomedica_dataset.engine.lock import RunLock
    from biomedica_dataset.folder.splits import Splits
    from biomedica_dataset.streaming.choice import Chosen

FORMAT_VERSION = 1
_MARKER = f"{RECORDS}/select.json"


@dataclass(frozen=True, slots=True)
class _Header:
    format: str
    dataset: str
    selection: str
    rows: str


def selected_format(folder: Folder) -> str | None:
    """Return as what a selection was written; ``None`` if the folder is not one."""
    if not folder.exists(_MARKER):
        return None
    return read_header(folder, _MARKER, "a selection", FORMAT_VERSION, _Header).format


@dataclass(frozen=True, slots=True)
class Slice:
    """Neighbouring rows of a selection, written together.

    Parameters
    ----------
    name
        Path of the file of their images; ``""`` if each licence group has one.
    table
        The rows, with the columns of the index.
    """

    number: int
    name: str
    table: pa.Table


@dataclass(frozen=True)
class SelectStage(Stage[Slice, Record, int]):
    """Writes the slices of a selection; a subclass says in which format.

    Parameters
    ----------
    crop
        How panels are encoded that become images of their own, one of `ENCODINGS`.
    margin
        See `open_dataset`.
    """

    unit: ClassVar[str] = "rows"
    format: ClassVar[str]

    chosen: Chosen
    url: str
    crop: str | None = None
    margin: float = 0.0

    @cached_property
    def output(self) -> Folder:
        """The folder of the selection."""
        return Folder(self.url)

    @cached_property
    def splits(self) -> Splits:
        """The splits of the dataset."""
        return self.chosen.index.manifest.splits

    @cached_property
    def header(self) -> _Header:
        """What is selected, and how it is written."""
        table = self.chosen.table
        keys = "\n".join(table["key"].to_pylist())
        if self.chosen.figures is not None:
            keys += f" panels {table['panel'].to_pylist()}"
        return _Header(
            format=self.described,
            dataset=self.chosen.index.digest,
            selection=str(self.chosen.choice),
            rows=hashlib.sha256(keys.encode()).hexdigest(),
        )

    def begin(self, lock: RunLock) -> None:
        """Begin the selection, or resume the same one."""
        header = self.header
        found = begin_folder(
            self.output, _MARKER, "a selection", FORMAT_VERSION, asdict(header), _Header
        )
        if found != header:
            msg = (
                f"{self.url} is not empty: it holds {found.selection}, as {found.format}, of "
                f"dataset {found.dataset[:16]}, and this run selects {header.selection}, as "
                f"{header.format}, of dataset {header.dataset[:16]}; choose an empty or new folder"
            )
            raise UsageError(msg)

    @property
    def described(self) -> str:
        """What is written, in words."""
        return self.format + (f" of {self.encoding}" if self.crop else "")

    @property
    def encoding(self) -> str:
        """How panels are cut out and encoded, in words."""
        quality = f" of quality {QUALITY}" if self.crop == "jpeg" else ""
        return f"panels cut out with a margin of {self.margin:g}, as {self.crop}{quality}"

    def number(self, task: Slice) -> int:
        """Return the number of a slice."""
        return task.number

    def size(self, task: Slice) -> int:
        """Return the rows of a slice."""
        return len(task.table)


def slices_by_group(rows: pa.Table, most: int) -> list[Slice]:
    """Return slices of one licence group and split each, named as files of images are."""
    slices: list[Slice] = []
    for group in LICENSE_GROUPS:
        for split in pc.unique(rows["split"]).to_pylist():
            there = pc.equal(rows["license_group"], group), pc.equal(rows["split"], split)
            table = rows.filter(pc.and_(*there))
            for number, start in enumerate(range(0, len(table), most)):
                name = f"{group}/{split}/{number:06d}.parquet"
                slices.append(Slice(len(slices), name, table.slice(start, most)))
    return slices
