"""`look`: decodes every image of an archive once, and writes down what is measured of it."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa

from biomedica_dataset.annotation.block_stage import ArchiveStage, BlocksReport
from biomedica_dataset.annotation.blocks import BlockRecord, read_record, write_block
from biomedica_dataset.annotation.panels.panels import Panels
from biomedica_dataset.archive.ledger import Archive
from biomedica_dataset.engine.fingerprint import code_fingerprint
from biomedica_dataset.engine.report import Tally, total
from biomedica_dataset.errors import ArticleError, UsageError
from biomedica_dataset.images.decode import decode_rgb
from biomedica_dataset.images.measures import DECODED, count_frames, measure
from biomedica_dataset.rows import rows_fingerprint

from .measured import SCHEMA, Look, LookHeader

if TYPE_CHECKING:
    from biomedica_dataset.engine.launch import Launch
    from biomedica_dataset.engine.lock import RunLock
    from biomedica_dataset.engine.progress import Progress
    from biomedica_dataset.engine.stage import WorkerContext
    from biomedica_dataset.schema import Pair

    Box = tuple[int, int, int, int]


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

    def lines(self) -> list[str]:
        """Return the images of the finished blocks."""
        shown = [f"not measured: {problem}" for problem in self.problems[:20]]
        return self.images.lines("images") + shown


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
        parts = rows_fingerprint(), code, self.archive.header(task).digest
        panels = None if record is None else record.fingerprint
        return hashlib.sha256(repr((*parts, panels)).encode()).hexdigest()

    def make(self, task: int, context: WorkerContext) -> None:
        """Write the measures of a block's images."""
        counts: Counter[str] = Counter()
        problems: list[str] = []
        rows: list[dict[str, Any]] = []
        boxes, known = self._boxes(task), dict[str, list[dict[str, Any]]]()
        for pair in self.pairs(task):
            own = boxes.get(pair.key, {})
            data = (pair.image or {})["bytes"]
            # An image that two articles share is decoded once.
            of = f"{pair.image_hash} {sorted(own.values())}"
            if of not in known:
                known[of] = _measured(pair, data, list(own.values()))
            for key, measured in zip(list(own) or [pair.key], known[of], strict=True):
                problem = measured.get("problem")
                counts[problem or "kept"] += 1
                problems += [f"{key}: {problem}"] if problem else []
                rows.append({**measured, "key": key, "image_hash": pair.image_hash})
            context.progress.tick(0, 1, len(data))
        record = BlockRecord(
            fingerprint=self.fingerprint(task),
            counts=dict(sorted(counts.items())),
            problems=problems,
        )
        write_block(self.output, task, pa.Table.from_pylist(rows, SCHEMA), record)
        context.progress.tick(1, 0, 0)

    def _boxes(self, block: int) -> dict[str, dict[str, Box]]:
        """Return the boxes of a block's panels by key, by key of their figure."""
        boxes: dict[str, dict[str, Box]] = {}
        if self.found is not None and block in self.found.blocks():
            for row in self.found.read(block).to_pylist():
                box = row["x0"], row["y0"], row["x1"], row["y1"]
                boxes.setdefault(row["figure"], {})[row["key"]] = box
        return boxes


def _measured(pair: Pair, data: bytes, boxes: list[Box]) -> list[dict[str, Any]]:
    """Return the measures of an image, or of each box of it in pixels of its full size."""
    width, height = pair.image_size
    places = boxes or [(0, 0, width, height)]
    # A small panel of a large figure is decoded with as many pixels as a small figure.
    least = min(max(x1 - x0, y1 - y0) for x0, y0, x1, y1 in places)
    sizes = [{"width": x1 - x0, "height": y1 - y0} for x0, y0, x1, y1 in places]
    try:
        frames = count_frames(data)
        pixels = decode_rgb(data, max(1, DECODED * max(width, height) // max(1, least)))
    except ArticleError as error:
        return [{**size, "is_decodable": False, "problem": str(error)} for size in sizes]
    across, down = pixels.shape[1] / width, pixels.shape[0] / height
    found = []
    for size, (x0, y0, x1, y1) in zip(sizes, places, strict=True):
        left, top = int(x0 * across), int(y0 * down)
        right, bottom = max(left + 1, round(x1 * across)), max(top + 1, round(y1 * down))
        measures = asdict(measure(pixels[top:bottom, left:right]))
        found.append({**size, "is_decodable": True, "frames": frames, **measures})
    return found


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
    run = stage.run(launch, workers=workers, progress=progress)
    records = run.records.values()
    return LookReport(
        images=Tally.of(total(record.counts for record in records)),
        problems=[problem for record in records for problem in record.problems],
        blocks=run.blocks,
        written=len(run.made),
        left=run.left,
    )
