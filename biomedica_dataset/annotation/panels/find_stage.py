"""`panels`: finds the panels of the compound figures of an archive."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa

from biomedica_dataset.annotation.block_stage import ArchiveStage, BlocksReport
from biomedica_dataset.archive.ledger import Archive
from biomedica_dataset.engine.fingerprint import code_fingerprint, digest_of
from biomedica_dataset.engine.report import Tally, total
from biomedica_dataset.errors import ArticleError
from biomedica_dataset.extras import require
from biomedica_dataset.images.decode import open_rgb
from biomedica_dataset.jats.panels.numbers import find_numbers
from biomedica_dataset.jats.panels.positions import find_positions
from biomedica_dataset.keys import panel_key
from biomedica_dataset.rows import rows_fingerprint

from .detector import load_detector
from .find_panels import FoundPanel, find_apart, find_panels
from .letters import SIDES, LetterReader
from .panels import FEWEST, SCHEMA, Panels, PanelsHeader

if TYPE_CHECKING:
    from biomedica_dataset.engine.launch import Launch
    from biomedica_dataset.engine.lock import RunLock
    from biomedica_dataset.engine.progress import Progress
    from biomedica_dataset.engine.stage import WorkerContext
    from biomedica_dataset.schema import Pair

    from .proposals import Detector

_FIGURES, _PANELS = "figures: ", "panels: "  # before the outcomes in the record of a block


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PanelsReport(BlocksReport):
    """The result of a run of panels.

    Parameters
    ----------
    figures
        Kept are figures that were split; the others stay whole, by reason.
    panels
        Panels that captions name: kept are those that were found.
    """

    what: ClassVar[str] = "the panels"

    figures: Tally
    panels: Tally

    def lines(self) -> list[str]:
        """Return the figures and panels of the finished blocks."""
        return self.figures.lines("figures") + self.panels.lines("panels")


@dataclass(frozen=True)
class PanelsStage(ArchiveStage[None]):
    """Finds the panels of the figures of each block.

    Parameters
    ----------
    every
        Also cut figures whose captions name no letters.
    detector
        Object detector that proposes panels: its id on the Hub, a folder or an ONNX file.
    """

    every: bool = False
    detector: str | None = None

    @cached_property
    def reader(self) -> LetterReader:
        """The letter reader of this process."""
        return LetterReader()

    @cached_property
    def proposer(self) -> Detector | None:
        """The detector of this process."""
        return load_detector(self.detector) if self.detector else None

    def begin(self, lock: RunLock) -> None:
        """Begin the folder of panels."""
        reader = f"rapidocr {version('rapidocr')}"
        detector = self.proposer.id if self.proposer else None
        Panels.begin(self.output, PanelsHeader(self.archive.width, reader, self.every, detector))

    def fingerprint(self, task: int) -> str:
        """Return the fingerprint of a block's articles and of the code that finds panels."""
        code = code_fingerprint(("annotation.panels.find_panels",), ("pillow",))
        return digest_of(rows_fingerprint(), code, self.archive.header(task).digest)

    def make(self, task: int, context: WorkerContext) -> None:
        """Write the panels of a block's figures."""
        counts: Counter[str] = Counter()
        problems: list[str] = []
        rows: list[dict[str, Any]] = []
        for pair in self.pairs(task):
            named = pair.image_panels or []
            found = self._panels(pair, named)
            size = len((pair.image or {})["bytes"])
            context.progress.tick(0, 1, size)
            if isinstance(found, str):
                counts[_FIGURES + found] += 1
                if len(named) >= FEWEST:
                    counts[_PANELS + found] += len(named)
                if len(named) >= FEWEST or self.every:
                    problems.append(f"{pair.key}: {found}")
                continue
            counts[_FIGURES + "kept"] += 1
            counts[_PANELS + "kept"] += len(found)
            rows += [_row(pair, panel) for panel in found]
        self.write(task, pa.Table.from_pylist(rows, SCHEMA), counts, problems)
        context.progress.tick(1, 0, 0)

    def _panels(self, pair: Pair, named: list[str]) -> list[FoundPanel] | str:
        is_lettered = len(named) >= FEWEST
        if not is_lettered and not self.every:
            return "names_no_panels"
        try:
            image = open_rgb((pair.image or {})["bytes"], SIDES[-1])
        except ArticleError as error:
            return str(error)
        if is_lettered:
            found = find_panels(image, named, self.reader, self.proposer)
        else:
            places = named_places(pair.caption)
            found = find_apart(image, places, self.reader, self.proposer)
        if isinstance(found, str) or pair.image_size is None:
            return found
        return [_at_full_size(panel, image.size, pair.image_size) for panel in found]


def named_places(caption: str) -> list[str]:
    """Return what a caption names instead of letters, once each: numbers or places."""
    marks = find_numbers(caption) or find_positions(caption)
    return list(dict.fromkeys(name for mark in marks for name in mark.letters))


def panels(
    archive: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    every: bool = False,
    detector: str | None = None,
    workers: int | None = None,
    launch: Launch | None = None,
    progress: Progress | None = None,
) -> PanelsReport:
    """Find the panels of the compound figures of an archive, or update them.

    A figure whose caption names two panels or more is cut between the letters that are read in
    its image. A figure of which a letter cannot be read or set apart stays whole.

    Parameters
    ----------
    every
        Also cut figures whose captions name no letters: between letters that are surely read in
        them, or into images that stand apart.
    detector
        Object detector: for transformers, by its id on the Hub or its folder, or an ONNX file. Its
        boxes are the panels of a figure if they agree with the letters; others are cut as without.
    workers
        Processes; as many as there are processors by default.
    launch
        Where it runs, and as which part of a run; alone by default.

    Raises
    ------
    UsageError
        There is no such archive, the output is something else, or the extra is not installed.

    Examples
    --------
    >>> panels("none", "panels")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    biomedica_dataset.errors.UsageError: none is not an archive...
    """
    stage = PanelsStage(
        source=os.fspath(archive), url=os.fspath(output), every=every, detector=detector
    )
    Archive.open(archive)
    require("rapidocr", "panels")
    run = stage.run(launch, workers=workers, progress=progress)
    counts = total(record.counts for record in run.records.values())
    return PanelsReport(
        figures=Tally.of(_outcomes(counts, _FIGURES)),
        panels=Tally.of(_outcomes(counts, _PANELS)),
        blocks=run.blocks,
        written=len(run.made),
        left=run.left,
    )


def _outcomes(counts: dict[str, int], prefix: str) -> dict[str, int]:
    return {word.removeprefix(prefix): n for word, n in counts.items() if word.startswith(prefix)}


def _row(pair: Pair, panel: FoundPanel) -> dict[str, Any]:
    return {
        "key": panel_key(pair.key, panel.letter),
        "figure": pair.key,
        "letter": panel.letter,
        **dict(zip(("x0", "y0", "x1", "y1"), panel.box, strict=True)),
        "score": panel.score,
        "image_hash": pair.image_hash,
    }


def _at_full_size(panel: FoundPanel, size: tuple[int, int], full: list[int]) -> FoundPanel:
    """Return a panel in pixels of the whole image; a large JPEG is decoded at a reduced scale."""
    across, down = full[0] / size[0], full[1] / size[1]
    x0, y0, x1, y1 = panel.box
    box = (round(x0 * across), round(y0 * down), round(x1 * across), round(y1 * down))
    return FoundPanel(panel.letter, box, panel.score)
