"""`look`: decodes every image of an archive once, and writes down what is measured of it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ClassVar

from biomedica_dataset.annotation.block_stage import ArchiveStage, BlocksReport
from biomedica_dataset.annotation.blocks import BlockRecord, read_record
from biomedica_dataset.annotation.panels.panels import Panels
from biomedica_dataset.archive.ledger import Archive
from biomedica_dataset.engine.fingerprint import code_fingerprint, digest_of
from biomedica_dataset.engine.report import Tally, total
from biomedica_dataset.errors import UsageError
from biomedica_dataset.images.decode_once import ImageDecoder
from biomedica_dataset.keys import pmcid
from biomedica_dataset.rows import rows_fingerprint

from .measure_block import Row, boxes_by_article, measure_pair, write_measures
from .measured import Look, LookHeader

if TYPE_CHECKING:
    from biomedica_dataset.engine.launch import Launch
    from biomedica_dataset.engine.lock import RunLock
    from biomedica_dataset.engine.outcome import StageRun
    from biomedica_dataset.engine.progress import Progress
    from biomedica_dataset.engine.stage import WorkerContext


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class LookReport(BlocksReport):
    """The result of a run of look.

    Parameters
    ----------
    images
        Kept are images that were measured; the others cannot be decoded, by reason.
    problems
        Keys of images that cannot be decoded, each with the reason.
    """

    what: ClassVar[str] = "the measures"

    images: Tally
    problems: list[str]

    def lines(self, images: str = "images") -> list[str]:
        """Return the images of the finished blocks, and what they are called."""
        shown = [f"not measured: {problem}" for problem in self.problems[:20]]
        return self.images.lines(images) + shown


@dataclass(frozen=True)
class LookStage(ArchiveStage[None]):
    """Measures the images of each block, or the panels if there are any.

    Parameters
    ----------
    panels
        Folder of the panels; a figure that was not split is measured whole.
    """

    panels: str | None

    @cached_property
    def found(self) -> Panels | None:
        """The panels of the figures."""
        return None if self.panels is None else Panels.open(self.panels)

    def check(self) -> None:
        """Refuse panels of another archive."""
        if self.found is not None and self.found.width != self.archive.width:
            msg = (
                f"{self.panels} was made from an archive with blocks of {self.found.width} "
                f"PMCIDs; this one has {self.archive.width}; find the panels of this archive"
            )
            raise UsageError(msg)

    def begin(self, lock: RunLock) -> None:
        """Begin the folder of measures."""
        unit = "figure" if self.found is None else "panel"
        Look.begin(self.output, LookHeader(self.archive.width, unit))

    def fingerprint(self, task: int) -> str:
        """Return the fingerprint of a block's articles, its panels, and the code that measures."""
        code = code_fingerprint(("annotation.look.look",), ("pillow", "scipy"))
        record = None if self.found is None else read_record(self.found.folder, task)
        panels = None if record is None else record.fingerprint
        return digest_of(rows_fingerprint(), code, self.archive.header(task).digest, panels)

    def make(self, task: int, context: WorkerContext) -> None:
        """Write the measures of a block's images."""
        rows: list[Row] = []
        boxes = boxes_by_article(self.found, task)
        known: dict[str, list[Row]] = {}
        for pair in self.pairs(task):
            own = boxes.get(pmcid(pair.key), {}).get(pair.key, {})
            data = (pair.image or {})["bytes"]
            # An image that two articles share is decoded once.
            of = f"{pair.image_hash} {sorted(own.values())}"
            if of not in known:
                known[of] = measure_pair(pair, own, ImageDecoder(data))
            keys = list(own) or [pair.key]
            rows += [{**row, "key": key} for key, row in zip(keys, known[of], strict=True)]
            context.progress.tick(0, 1, len(data))
        write_measures(self.output, task, self.fingerprint(task), rows)
        context.progress.tick(1, 0, 0)

    def report(self, run: StageRun[BlockRecord, Any]) -> LookReport:
        """Return what a run has done, which may have made other tables of the blocks too."""
        read = self.output.map(partial(read_record, self.output), self.tasks())
        records = [record for record in read if record is not None]
        return LookReport(
            images=Tally.of(total(record.counts for record in records)),
            problems=[problem for record in records for problem in record.problems],
            blocks=run.blocks,
            written=len(run.made),
            left=run.left,
        )


def look(
    archive: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    panels: str | os.PathLike[str] | None = None,
    workers: int | None = None,
    launch: Launch | None = None,
    progress: Progress | None = None,
) -> LookReport:
    """Measure the images of an archive, or bring measures up to date.

    Each image is decoded once. Whether it can be decoded, its size, frames, share of white,
    entropy, sharpness and perceptual hashes are written down; see `images.measures`.

    Parameters
    ----------
    panels
        Folder of the panels of the archive's figures: each panel is measured by itself.
    workers
        Processes; as many as there are processors by default.
    launch
        Where it runs, and as which part of a run; alone by default.

    Raises
    ------
    UsageError
        There is no such archive, or the panels or the output are something else.

    Examples
    --------
    >>> print(look("archive", "look", workers=1).lines()[0])
    images: 62 seen = 62 kept + 0 dropped
    """
    stage = LookStage(
        source=os.fspath(archive), url=os.fspath(output),
        panels=None if panels is None else os.fspath(panels),
    )  # fmt: skip
    Archive.open(archive)
    stage.check()
    return stage.report(stage.run(launch, workers=workers, progress=progress))
