"""`duplicates`: finds copies among the images that were measured, and keeps one of each group."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from biomedica_dataset.annotation.block_stage import BlocksReport
from biomedica_dataset.annotation.look.measured import Look
from biomedica_dataset.engine.fingerprint import code_fingerprint
from biomedica_dataset.engine.launch import Launch
from biomedica_dataset.engine.report import Tally
from biomedica_dataset.errors import UsageError
from biomedica_dataset.images.windows import unpacked
from biomedica_dataset.keys import pmcid

from .compare import LEAST, similarities, thumbnails
from .compared import Pairs
from .contact_sheets import write_sheets
from .copies import MEASURES, PAIRS, SCHEMA, Duplicates, DuplicatesHeader
from .measured_stage import MeasuredStage
from .neighbours import LEAST_COSINE, Neighbours, aligned_similarities
from .pairs import Numbers, groups_of, near_pairs
from .vector_folders import VectorFolders, vector_folders

if TYPE_CHECKING:
    from biomedica_dataset.annotation.blocks import BlockRecord
    from biomedica_dataset.engine.lock import RunLock
    from biomedica_dataset.engine.outcome import StageRun
    from biomedica_dataset.engine.progress import Progress
    from biomedica_dataset.engine.stage import WorkerContext


_DIGEST = 16  # hexadecimal digits of a SHA-256


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class DuplicatesReport(BlocksReport):
    """The result of a run of duplicates.

    Parameters
    ----------
    images
        Images that were measured, in groups or alone.
    groups
        Groups of two images or more.
    copies
        Images of these groups that are not kept.
    largest
        Images of the largest group.
    pairs
        Pairs that were compared; kept are copies.
    found_by
        Copies by the measure that found them.
    """

    what: ClassVar[str] = "the duplicates"

    images: int
    groups: int
    copies: int
    largest: int
    pairs: Tally
    found_by: dict[str, int]

    def lines(self) -> list[str]:
        """Return the pairs, and the groups of the images."""
        return [
            *self.pairs.lines("pairs"),
            "found by " + ", ".join(f"{one}: {n:,}" for one, n in self.found_by.items()),
            f"images: {self.images:,} seen = {self.images - self.copies:,} kept + "
            f"{self.copies:,} copies; {self.groups:,} groups, {self.largest:,} images in the "
            "largest",
        ]


@dataclass(frozen=True)
class DuplicatesStage(MeasuredStage):
    """Writes the groups of the images of each block.

    Parameters
    ----------
    sheets
        Whether to write contact sheets.
    vectors
        What neighbours are found by, besides hashes.
    """

    reads: ClassVar[list[str]] = ["key", "image_hash", "width", "height", "windows"]

    sheets: bool
    vectors: VectorFolders | None = None

    @cached_property
    def state(self) -> str:
        """The digest of all measures, vectors and clusters."""
        code = code_fingerprint(("annotation.duplicates.duplicates",), ("numpy", "scipy"))
        state = f"{code} {self.measured.state()}"
        if self.vectors is not None:
            state += f" {self.vectors.state(self.measured)}"
        return hashlib.sha256(state.encode()).hexdigest()

    @cached_property
    def pairs(self) -> Pairs:
        """The pairs of images that were compared, each once."""
        images = self.images
        leaders = later = np.zeros(0, np.int64)
        if self.measured.header.unit == "figure":  # of panels, the bytes are not known
            leaders, later = _equal(images["image_hash"])
        is_wanted = images["windows"].is_valid().to_numpy()
        is_wanted[later] = False
        found = [Pairs.of("bytes", leaders, later, np.ones(len(later))), self._near(is_wanted)]
        if self.vectors is not None:
            found.append(self._neighbours(self.vectors, is_wanted))
        return Pairs.best(found)

    def _near(self, is_wanted: np.ndarray[Any, Any]) -> Pairs:
        """Return the pairs of images with near hashes."""
        places = np.flatnonzero(is_wanted)
        near = near_pairs(unpacked(self.images["windows"].take(places).to_pylist()))
        near = replace(near, first=places[near.first], second=places[near.second])
        alike = similarities(near, partial(thumbnails, self.measured))
        return Pairs.of("hash", near.first, near.second, alike, distance=near.distance)

    def _neighbours(self, vectors: VectorFolders, is_wanted: np.ndarray[Any, Any]) -> Pairs:
        """Return the pairs of images with near vectors."""
        opened = vectors.open(self.measured)
        neighbours = Neighbours(self.measured, *opened, is_wanted, vectors.least)
        if is_wanted.any() and not (neighbours.clusters >= 0).any():
            msg = (
                f"{vectors.embeddings} and {vectors.assignments} have no image of {self.look} in "
                "common: measure, embed and assign the same archive, all with its panels or all "
                "without"
            )
            raise UsageError(msg)
        first, second, cosine = neighbours.pairs()
        alike = aligned_similarities(first, second, partial(thumbnails, self.measured))
        return Pairs.of("vector", first, second, alike, cosine=cosine)

    @cached_property
    def keepers(self) -> Numbers:
        """The image that is kept of the group of each: the largest, then the least PMCID."""
        images = self.images
        groups = groups_of(len(images), *self.pairs.copies())
        area = pc.multiply(images["width"].cast(pa.int64()), images["height"]).to_numpy()
        articles = np.fromiter(map(pmcid, images["key"].to_pylist()), np.int64, len(images))
        order = np.lexsort((np.arange(len(images)), articles, -area, groups))
        leaders, firsts = np.unique(groups[order], return_index=True)
        kept: Numbers = order[firsts][np.searchsorted(leaders, groups)]
        return kept

    @cached_property
    def sizes(self) -> Numbers:
        """Images of the group of each keeper."""
        return np.bincount(self.keepers, minlength=len(self.images))

    def begin(self, lock: RunLock) -> None:
        """Begin the folder of duplicates."""
        Duplicates.begin(self.output, DuplicatesHeader(self.measured.width))

    def make(self, task: int, context: WorkerContext) -> None:
        """Write the groups of a block's images."""
        keys, places = self.places(task)
        keepers = self.keepers[places]
        columns: list[Any] = [
            keys,
            self.images["key"].take(keepers),
            pa.array(self.sizes[keepers]),
            pa.array(keepers == places),
        ]
        kept = int((keepers == places).sum())
        table = pa.Table.from_arrays(columns, schema=SCHEMA)
        self.write(task, table, {"kept": kept, "copy": len(keys) - kept})
        context.progress.tick(1, len(keys), 0)

    def finish(self, run: StageRun[BlockRecord, None]) -> None:
        """Write the pairs and the sheets, and remove blocks that are no longer measured."""
        if run.made or not self.output.exists(PAIRS):
            table = self.pairs.as_table(self.images["key"])
            Duplicates.open(self.url).write_beside(PAIRS, table)
        if self.sheets:
            pairs, keys = Duplicates.open(self.url).pairs(), self.images["key"].combine_chunks()
            write_sheets(self.output, self.measured, keys, pairs)
        super().finish(run)


def _equal(hashes: pa.ChunkedArray) -> tuple[Numbers, Numbers]:
    """Return each image that has the same bytes as an earlier one, after the first of these."""
    digests = np.array([int(text[:_DIGEST], 16) for text in hashes.to_pylist()], np.uint64)
    _, firsts, inverse = np.unique(digests, return_index=True, return_inverse=True)
    leaders = firsts[inverse]
    later = np.flatnonzero(leaders != np.arange(len(digests)))
    return leaders[later], later


def duplicates(  # noqa: PLR0913 - each is given by name
    look: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    embeddings: str | os.PathLike[str] | None = None,
    assignments: str | os.PathLike[str] | None = None,
    cosine: float = LEAST_COSINE,
    sheets: bool = False,
    take_over: bool = False,
    progress: Progress | None = None,
) -> DuplicatesReport:
    """Find copies among measured images, or bring what was found up to date.

    Two images are compared if the hash of a window of one differs in at most 8 bits from that of a
    window of the other or of its mirror image. They are copies if their bytes are equal, or if 0.85
    of the cells of their thumbnails that have something in them are alike. With vectors, an image
    is also compared with its nearest 16 of the same cluster, wherever they fit best. Copies are
    connected to groups. Of a group the largest image is kept, of those the one with the least
    PMCID, then the first of its article.

    Parameters
    ----------
    look
        What `look` wrote.
    embeddings, assignments
        Vectors of the same images, and their clusters: both or neither.
    cosine
        Cosine of vectors that are compared, at least; 0 to 1. Thumbnails decide, so that a lesser
        one costs time, and a greater one misses copies.
    sheets
        Write contact sheets of up to 240 copies whose bytes differ, the least similar first.
    take_over
        Take the output over from another run.

    Raises
    ------
    UsageError
        There are no such measures, vectors or clusters, they have no image in common, or the output
        is something else.

    Examples
    --------
    >>> duplicates("none", "duplicates")
    Traceback (most recent call last):
        ...
    biomedica_dataset.errors.UsageError: none is not a folder of measures: it has no ...
    """
    vectors = vector_folders(embeddings, assignments, cosine)
    stage = DuplicatesStage(os.fspath(output), os.fspath(look), sheets, vectors)
    measured = Look.open(look)
    if vectors is not None:
        vectors.open(measured)
    run = stage.run(Launch(take_over=take_over), workers=1, progress=progress)
    found = Duplicates.open(output)
    pairs = found.pairs()
    same = pairs.filter(pc.field("similarity") >= LEAST)
    groups = found.read_all(["size", "is_keeper"])
    sizes = groups.filter(groups["is_keeper"])["size"].to_numpy()
    return DuplicatesReport(
        images=int(sizes.sum()),
        groups=int((sizes > 1).sum()),
        copies=int(sizes.sum()) - len(sizes),
        largest=int(sizes.max(initial=0)),
        pairs=Tally.of({"kept": len(same), "different": len(pairs) - len(same)}),
        found_by={one: pc.sum(pc.equal(same["measure"], one)).as_py() or 0 for one in MEASURES},
        blocks=run.blocks,
        written=len(run.made),
        left=run.left,
    )
