"""`overlap`: finds images of benchmarks among the images that were measured."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa

from biomedica_dataset.annotation.block_stage import BlocksReport
from biomedica_dataset.annotation.duplicates.compare import LEAST, similarities, thumbnails
from biomedica_dataset.annotation.duplicates.measured_stage import MeasuredStage
from biomedica_dataset.annotation.duplicates.overlaps import (
    MATCHES,
    SCHEMA,
    Overlap,
    OverlapHeader,
)
from biomedica_dataset.annotation.duplicates.pairs import near_pairs
from biomedica_dataset.annotation.look.measured import Look
from biomedica_dataset.engine.fingerprint import code_fingerprint, digest_of
from biomedica_dataset.engine.launch import Launch
from biomedica_dataset.engine.report import Tally, total
from biomedica_dataset.errors import ArticleError
from biomedica_dataset.images.measures import decode_small, measure
from biomedica_dataset.images.windows import unpacked

from .benchmarks import Benchmark, find_benchmarks

if TYPE_CHECKING:
    from biomedica_dataset.annotation.blocks import BlockRecord
    from biomedica_dataset.engine.lock import RunLock
    from biomedica_dataset.engine.outcome import StageRun
    from biomedica_dataset.engine.progress import Progress
    from biomedica_dataset.engine.stage import WorkerContext

    Numbers = np.ndarray[Any, np.dtype[np.int64]]

_TURNS = 4  # quarters


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class OverlapReport(BlocksReport):
    """The result of a run of overlap.

    Parameters
    ----------
    benchmarks
        Images of each benchmark by outcome: ``kept`` are compared, others cannot be decoded.
    found
        Images of each benchmark that have a copy here.
    images
        Images here that were measured.
    flagged
        Images here that are copies of one of a benchmark.
    """

    what: ClassVar[str] = "the overlap"

    benchmarks: dict[str, Tally]
    found: dict[str, int]
    images: int
    flagged: int

    def lines(self) -> list[str]:
        """Return the images of each benchmark."""
        lines = []
        for name, tally in self.benchmarks.items():
            first, *rest = tally.lines(name)
            share = self.found[name] / max(1, tally.kept)
            lines += [first, *rest, f"  {self.found[name]:,} are among ours ({share:.1%})"]
        return [*lines, f"{self.flagged:,} of our {self.images:,} images are in a benchmark"]


@dataclass(frozen=True)
class _Seen:
    """The images of all benchmarks, each in four turns.

    Parameters
    ----------
    of
        Benchmark and name of each image.
    digests
        SHA-256 of their bytes.
    windows
        uint64 (4 x images, windows).
    thumbnails
        4 x images.
    checked
        Images of each benchmark by outcome.
    """

    of: list[tuple[str, str]]
    digests: list[str]
    windows: np.ndarray[Any, np.dtype[np.uint64]]
    thumbnails: list[bytes]
    checked: dict[str, dict[str, int]]


def _see(benchmarks: Sequence[Benchmark]) -> _Seen:
    """Decode the images of benchmarks once."""
    of, digests, windows, made = [], [], [], []
    checked: dict[str, dict[str, int]] = {}
    for one in benchmarks:
        counts: Counter[str] = Counter()
        for number, name in enumerate(one.images):
            try:
                data = one.read(number)
                pixels = decode_small(data)
            except ArticleError as error:
                counts[str(error)] += 1
                continue
            counts["kept"] += 1
            of.append((one.name, name))
            digests.append(hashlib.sha256(data).hexdigest())
            for turn in range(_TURNS):
                measures = measure(np.ascontiguousarray(np.rot90(pixels, turn)))
                windows.append(measures.windows)
                made.append(measures.thumbnail)
        checked[one.name] = dict(sorted(counts.items()))
    return _Seen(of, digests, unpacked(windows), made, checked)


@dataclass(frozen=True)
class OverlapStage(MeasuredStage):
    """Writes which images of each block are in benchmarks."""

    reads: ClassVar[list[str]] = ["key", "image_hash", "windows"]

    benchmarks: tuple[Benchmark, ...]

    @cached_property
    def state(self) -> str:
        """The digest of our measures, the benchmarks, and the code that compares."""
        code = code_fingerprint(("clip.overlap.overlap",), ("numpy",))
        benchmarks = [(one.name, one.digest) for one in self.benchmarks]
        return digest_of(code, self.measured.state(), benchmarks)

    @cached_property
    def seen(self) -> _Seen:
        """The images of the benchmarks."""
        return _see(self.benchmarks)

    @cached_property
    def best(self) -> dict[tuple[int, int], float]:
        """The similarity of each image of a benchmark to each of ours that is a copy of it."""
        places = np.flatnonzero(self.images["windows"].is_valid().to_numpy())
        own = unpacked(self.images["windows"].take(places).to_pylist())
        near = near_pairs(np.concatenate([own, self.seen.windows]), apart=len(places))
        similarity = similarities(near, partial(self._thumbnails, places))
        copies = similarity >= LEAST
        here, there = places[near.first[copies]], (near.second[copies] - len(places)) // _TURNS
        rows = list(zip(there.tolist(), here.tolist(), similarity[copies].tolist(), strict=True))
        if self.measured.header.unit == "figure":  # of panels, the bytes are not known
            rows += [(*ends, 1.0) for ends in self._equal()]
        best: dict[tuple[int, int], float] = {}
        for image, place, value in sorted(rows):
            best[image, place] = max(value, best.get((image, place), 0.0))
        return best

    def _thumbnails(self, places: Numbers, numbers: Numbers) -> dict[int, bytes]:
        """Return thumbnails by number: of our images, which have `places`, then of benchmarks."""
        numbers = np.unique(numbers)
        own = numbers[numbers < len(places)]
        found = thumbnails(self.measured, places[own])
        ours = {number: found[int(places[number])] for number in own.tolist()}
        theirs = numbers[len(own) :].tolist()
        return ours | {number: self.seen.thumbnails[number - len(places)] for number in theirs}

    def _equal(self) -> Iterator[tuple[int, int]]:
        """Yield the images of benchmarks with the places of ours that have the same bytes."""
        wanted: dict[str, list[int]] = {}
        for image, digest in enumerate(self.seen.digests):
            wanted.setdefault(digest, []).append(image)
        for place, digest in enumerate(self.images["image_hash"].to_pylist()):
            yield from ((image, place) for image in wanted.get(digest, ()))

    def begin(self, lock: RunLock) -> None:
        """Begin the folder of overlap."""
        header = self.measured.header
        digests = {one.name: one.digest for one in self.benchmarks}
        Overlap.begin(self.output, OverlapHeader(header.width, header.unit, digests))

    def make(self, task: int, context: WorkerContext) -> None:
        """Write which images of a block are in benchmarks."""
        keys, places = self.places(task)
        found: dict[int, tuple[set[str], float]] = {}
        for (image, place), value in self.best.items():
            names, most = found.get(place, (set(), 0.0))
            found[place] = names | {self.seen.of[image][0]}, max(most, value)
        rows = [
            {"key": key, "benchmarks": ", ".join(sorted(found[place][0])),
             "similarity": found[place][1]}
            for key, place in zip(keys.to_pylist(), places.tolist(), strict=True)
            if place in found
        ]  # fmt: skip
        counts = {"kept": len(keys) - len(rows), "in_a_benchmark": len(rows)}
        self.write(task, pa.Table.from_pylist(rows, SCHEMA), counts)
        context.progress.tick(1, len(keys), 0)

    def finish(self, run: StageRun[BlockRecord, None]) -> None:
        """Write the matches, and remove blocks that are no longer measured."""
        there = Overlap.open(self.url)
        if run.made or not there.is_finished():
            keys = self.images["key"].to_pylist()
            rows = [
                {"benchmark": self.seen.of[image][0], "image": self.seen.of[image][1],
                 "key": keys[place], "similarity": value}
                for (image, place), value in self.best.items()
            ]  # fmt: skip
            there.write_matches(pa.Table.from_pylist(rows, MATCHES), self.seen.checked)
        super().finish(run)


def overlap(
    look: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    against: Sequence[str],
    data: str = ".",
    take_over: bool = False,
    progress: Progress | None = None,
) -> OverlapReport:
    """Find images of benchmarks among measured images, or bring what was found up to date.

    They are found as `duplicates` finds copies, and turned by quarters too.

    Parameters
    ----------
    look
        What `look` wrote, of figures or of panels.
    against
        Tasks of evaluation, as `evaluate` names them, and folders of images.
    data
        Folder with the data files of shipped tasks.
    take_over
        Take the output over from another run.

    Raises
    ------
    UsageError
        There are no such measures or benchmarks, or the output is something else.
    SourceError
        The Hub cannot be reached.

    Examples
    --------
    >>> overlap("none", "overlap", against=["bloodmnist"])
    Traceback (most recent call last):
        ...
    biomedica_dataset.errors.UsageError: none is not a folder of measures: it has no ...
    """
    Look.open(look)
    benchmarks = tuple(find_benchmarks(against, data))
    stage = OverlapStage(os.fspath(output), os.fspath(look), benchmarks)
    run = stage.run(Launch(take_over=take_over), workers=1, progress=progress)
    there = Overlap.open(output)
    pairs = there.matches().select(["benchmark", "image"]).group_by(["benchmark", "image"])
    found = Counter(pairs.aggregate([])["benchmark"].to_pylist())
    records = list(run.records.values())
    counts = total(record.counts for record in records)
    return OverlapReport(
        benchmarks={name: Tally.of(own) for name, own in there.checked().items()},
        found={one.name: found[one.name] for one in benchmarks},
        images=sum(counts.values()),
        flagged=counts.get("in_a_benchmark", 0),
        blocks=run.blocks,
        written=len(run.made),
        left=run.left,
    )
