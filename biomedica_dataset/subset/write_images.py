"""Writes selected panels as image files with a table beside them, for datasets' ``imagefolder``.

::

    SUBSET/
      README.md                                  a config for each licence group
      <group>/<split>/<slice>/metadata.parquet   file name, texts and licences of each panel
      <group>/<split>/<slice>/<key>.png          or .jpg
"""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa
import pyarrow.parquet as pq

from biomedica_dataset.card.markdown import render
from biomedica_dataset.card.write import CARD
from biomedica_dataset.engine.fingerprint import code_fingerprint
from biomedica_dataset.folder.record import AGAIN
from biomedica_dataset.io.rules import Count  # noqa: TC001 - for pydantic
from biomedica_dataset.io.typed import read_json
from biomedica_dataset.licenses import LICENSE_GROUPS
from biomedica_dataset.schema import Pair, PanelRow, arrow_schema, column_names
from biomedica_dataset.streaming.in_order import rows_in_order
from biomedica_dataset.webdataset.chunks import record_name

from .crops import crops
from .stage import SelectStage, Slice, slices_by_group

if TYPE_CHECKING:
    from biomedica_dataset.engine.outcome import StageRun
    from biomedica_dataset.engine.stage import WorkerContext
    from biomedica_dataset.io.folders import Folder

_METADATA = "metadata.parquet"
SLICE = 2_000  # files in a folder
_AT_ONCE = 16
_PLACES = ("file", "image_offset", "image_length")
_COLUMNS = [name for name in column_names(PanelRow) if name not in _PLACES]
_OF_FIGURE = ["article_citation", "image_size"]
_SCHEMA = pa.schema(
    [
        ("file_name", pa.string()),
        *(arrow_schema(PanelRow).field(name) for name in _COLUMNS),
        *(arrow_schema(Pair).field(name) for name in _OF_FIGURE),
    ]
)


@contextmanager
def writing(output: Folder) -> Iterator[Callable[[str, bytes], None]]:
    """Yield what writes files, several at once: each waits for the disk or the store.

    All are written when the context ends.
    """
    under_way: deque[Future[None]] = deque()
    with ThreadPoolExecutor(_AT_ONCE) as pool:

        def write(name: str, data: bytes) -> None:
            under_way.append(pool.submit(output.write_bytes, name, data))
            if len(under_way) > 2 * _AT_ONCE:
                under_way.popleft().result()

        yield write
        for one in under_way:
            one.result()


@dataclass(frozen=True, slots=True)
class ImagesRecord:
    """A finished slice: the fingerprint of the code, its folder, and its number of images."""

    fingerprint: str
    folder: str
    images: Count


@dataclass(frozen=True)
class ImagesStage(SelectStage[ImagesRecord]):
    """Writes panels as image files."""

    format: ClassVar[str] = "image files"
    code: ClassVar[tuple[str, ...]] = ("subset.crops",)
    card: ClassVar[str] = "subset/images.md.jinja"

    def tasks(self) -> list[Slice]:
        """Return slices of one licence group and split each."""
        return slices_by_group(self.chosen.table, SLICE)

    def record(self, task: Slice) -> ImagesRecord | None:
        """Return the record of a slice whose images are there, written by the same code."""
        name = record_name(task.number)
        if not self.output.exists(name):
            return None
        record = read_json(self.output, name, ImagesRecord, AGAIN)
        is_whole = len(self.output.names(record.folder)) == record.images + 1
        return record if is_whole and record.fingerprint == code_fingerprint(self.code) else None

    def make(self, task: Slice, context: WorkerContext) -> int:
        """Write the images of a slice, the table beside them, then its record."""
        below = str(PurePosixPath(task.name).with_suffix(""))
        columns = [*_COLUMNS, *_OF_FIGURE, "image"]
        written: list[dict[str, Any]] = []
        with (
            closing(rows_in_order(self.chosen.index, task.table, columns, self.margin)) as rows,
            writing(self.output) as write,
        ):
            for row in crops(rows, self.crop or ""):
                image = row.pop("image")
                write(f"{below}/{image['path']}", image["bytes"])
                written.append({"file_name": image["path"], **row})
                context.progress.tick(1, 1, len(image["bytes"]))
        with self.output.create() as file:
            pq.write_table(pa.Table.from_pylist(written, _SCHEMA), file, compression="zstd")
            file.publish(f"{below}/{_METADATA}")
        return self.finish_slice(task, below, len(written))

    def finish_slice(self, task: Slice, folder: str, images: int) -> int:
        """Write the record of a slice, whose folder has a table and some images."""
        record = ImagesRecord(code_fingerprint(self.code), folder, images)
        self.output.write_bytes(record_name(task.number), json.dumps(asdict(record)).encode())
        return task.number

    def retract(self) -> None:
        """Remove the card while images change."""
        self.output.remove(CARD)

    def finish(self, run: StageRun[ImagesRecord, int]) -> None:
        """Write the card, unless nothing changed."""
        if not run.made and self.output.exists(CARD):
            return
        records = list(run.records.values())
        groups = [g for g in LICENSE_GROUPS if any(r.folder.startswith(f"{g}/") for r in records)]
        # The cache of datasets goes by the card: the mark tells one selection from another.
        mark = hashlib.sha256(f"{self.header} {code_fingerprint(self.code)}".encode()).hexdigest()
        card = render(
            self.card,
            format=self.format,
            groups=groups,
            images=sum(record.images for record in records),
            chosen=len(self.chosen.table),
            encoding=self.encoding,
            selection=str(self.chosen.choice),
            digest=self.chosen.index.digest[:16],
            mark=mark,
        )
        self.output.write_bytes(CARD, card.encode())
