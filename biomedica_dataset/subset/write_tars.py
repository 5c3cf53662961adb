"""Writes selected rows as tars."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, ClassVar

from biomedica_dataset.engine.fingerprint import code_fingerprint
from biomedica_dataset.images.stored_image import image_length
from biomedica_dataset.schema import Pair, column_names
from biomedica_dataset.streaming.in_order import rows_in_order
from biomedica_dataset.streaming.reading.panels import NEW
from biomedica_dataset.webdataset.chunks import TarRecord, whole_record, write_record
from biomedica_dataset.webdataset.tars import SAMPLES, Sample, finish, retract, write_tars

from .crops import ENCODINGS, as_pair, crops
from .stage import SelectStage, Slice

if TYPE_CHECKING:
    from biomedica_dataset.engine.outcome import StageRun
    from biomedica_dataset.engine.progress import Ticker
    from biomedica_dataset.engine.stage import WorkerContext

_CODE = ("webdataset.tars", "subset.crops")


@dataclass(frozen=True)
class TarsStage(SelectStage[TarRecord]):
    """Writes tars in the published layout.

    A tar shuffles up to 10,000 neighbouring rows. The text and the references of an article are not
    part of a row, so they are ``null`` here; its figures are the selected ones.
    """

    format: ClassVar[str] = "tars"

    def tasks(self) -> list[Slice]:
        """Return slices of whole articles."""
        rows, starts, end = self.chosen.table, [0], 0
        for _article, own in groupby(rows["article_accession_id"].to_pylist()):
            count = sum(1 for _ in own)
            if end > starts[-1] and end + count - starts[-1] > SAMPLES:
                starts.append(end)
            end += count
        ends = [*starts[1:], end]
        places = enumerate(zip(starts, ends, strict=True))
        return [Slice(number, "", rows.slice(a, b - a)) for number, (a, b) in places]

    def record(self, task: Slice) -> TarRecord | None:
        """Return the record of a slice whose tars are there, written by the same code."""
        return whole_record(self.output, task.number, code_fingerprint(_CODE))

    def make(self, task: Slice, context: WorkerContext) -> int:
        """Write the tars of a slice, then its record."""
        columns = [*column_names(Pair), *(NEW if self.crop else []), "license_group", "split"]
        with closing(rows_in_order(self.chosen.index, task.table, columns, self.margin)) as rows:
            samples = _samples(rows, self.crop, context.progress.tick)
            tars = write_tars(self.output, task.number, samples, self.splits)
        write_record(self.output, task.number, TarRecord(code_fingerprint(_CODE), tars))
        return task.number

    def retract(self) -> None:
        """Remove sizes and card while tars change."""
        retract(self.output, self.splits)

    def finish(self, run: StageRun[TarRecord, int]) -> None:
        """Write sizes and card."""
        tars = {path: tar for record in run.records.values() for path, tar in record.tars.items()}
        note = f"The images are {self.encoding}." if self.crop else ""
        finish(self.output, tars, self.splits, ending=_ending(self.crop), note=note)


def _ending(crop: str | None) -> str:
    return ENCODINGS[crop][0] if crop else "jpg"


def _samples(rows: Iterable[dict[str, Any]], crop: str | None, tick: Ticker) -> Iterator[Sample]:
    shown = crops(rows, crop) if crop else rows
    for _article, own in groupby(shown, key=lambda row: row["article_accession_id"]):
        found = [
            (row.pop("license_group"), row.pop("split"), as_pair(row) if crop else Pair(**row))
            for row in own
        ]
        pairs = [(group, pair) for group, _split, pair in found]
        tick(len(pairs), len(pairs), sum(image_length(pair.image) for _, pair in pairs))
        for group, split, pair in found:
            yield Sample(group, split, pair, None, pairs, _ending(crop))
