"""`duplicates`: finds copies among the images that were measured, and keeps one of each group."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from biomedica_dataset.annotation.block_stage import BlocksReport, BlockStage
from biomedica_dataset.annotation.blocks import BlockRecord, write_block
from biomedica_dataset.annotation.look.measured import Look
from biomedica_dataset.engine.fingerprint import code_fingerprint
from biomedica_dataset.engine.launch import Launch
from biomedica_dataset.keys import pmcid

from .copies import SCHEMA, Duplicates, DuplicatesHeader
from .pairs import groups_of, near_pairs

if TYPE_CHECKING:
    from biomedica_dataset.engine.lock import RunLock
    from biomedica_dataset.engine.outcome import StageRun
    from biomedica_dataset.engine.progress import Progress
    from biomedica_dataset.engine.stage import WorkerContext

    from .pairs import Numbers

PAIRS = "pairs.parquet"
_LEAST_ENTROPY = 1.0  # bits: the hashes of nearly blank images are chance
_READ = ["key", "image_hash", "width", "height", "entropy", "hash", "mirror_hash"]
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
    """

    what: ClassVar[str] = "the duplicates"

    images: int
    groups: int
    copies: int
    largest: int

    def lines(self) -> list[str]:
        """Return the groups of the images."""
        return [
            f"images: {self.images:,} seen = {self.images - self.copies:,} kept + "
            f"{self.copies:,} copies; {self.groups:,} groups, {self.largest:,} images in the "
            "largest"
        ]


@dataclass(frozen=True)
class DuplicatesStage(BlockStage[int, None]):
    """Writes the groups of the images of each block."""

    look: str

    @cached_property
    def measured(self) -> Look:
        """The measures of the images."""
        return Look.open(self.look)

    @cached_property
    def state(self) -> str:
        """The digest of all measures: a new image may be a copy of any other."""
        code = code_fingerprint(("annotation.duplicates.duplicates",), ("numpy", "scipy"))
        return hashlib.sha256(f"{code} {self.measured.state()}".encode()).hexdigest()

    @cached_property
    def images(self) -> pa.Table:
        """What copies are found by, of all images in order."""
        found = self.measured
        tables = (found.read(block, _READ) for block in found.blocks())
        empty = pa.schema([(name, found.columns[name].type) for name in _READ]).empty_table()
        return pa.concat_tables([empty, *tables])

    @cached_property
    def pairs(self) -> tuple[Numbers, Numbers, Numbers]:
        """First, second and distance of each pair; 0 for equal bytes."""
        images = self.images
        entropy = pc.fill_null(images["entropy"], 0.0).to_numpy()
        places = np.flatnonzero(entropy >= _LEAST_ENTROPY)
        both = [images[name].take(places).to_numpy().view(np.uint64) for name in _READ[-2:]]
        near = near_pairs(*both)
        equal = _equal(images["image_hash"]) if self.measured.header.unit == "figure" else None
        parts = [(places[near[0]], places[near[1]], near[2]), *([equal] if equal else [])]
        first, second, distance = (np.concatenate(part) for part in zip(*parts, strict=True))
        return first, second, distance

    @cached_property
    def keepers(self) -> Numbers:
        """The image that is kept of the group of each: the largest, then the least PMCID."""
        images = self.images
        groups = groups_of(len(images), *self.pairs[:2])
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

    def tasks(self) -> list[int]:
        """Return the blocks that were measured."""
        return self.measured.blocks()

    def fingerprint(self, task: int) -> str:
        """Return the fingerprint of all blocks."""
        return self.state

    def make(self, task: int, context: WorkerContext) -> None:
        """Write the groups of a block's images."""
        keys = self.measured.read(task, ["key"])["key"]
        places = pc.index_in(keys, value_set=self.images["key"].combine_chunks()).to_numpy()
        keepers = self.keepers[places]
        columns: list[Any] = [
            keys,
            self.images["key"].take(keepers),
            pa.array(self.sizes[keepers]),
            pa.array(keepers == places),
        ]
        kept = int((keepers == places).sum())
        counts = {"kept": kept, "copy": len(keys) - kept}
        record = BlockRecord(fingerprint=self.state, counts=counts)
        write_block(self.output, task, pa.Table.from_arrays(columns, schema=SCHEMA), record)
        context.progress.tick(1, len(keys), 0)

    def finish(self, run: StageRun[BlockRecord, None]) -> None:
        """Write the pairs, and remove blocks that are no longer measured."""
        if run.made or not self.output.exists(PAIRS):
            first, second, distance = self.pairs
            keys = self.images["key"]
            table = pa.table(
                {"first": keys.take(first), "second": keys.take(second), "distance": distance}
            )
            with self.output.create() as file:
                pq.write_table(table, file, compression="zstd", write_page_checksum=True)
                file.publish(PAIRS)
        super().finish(run)


def _equal(hashes: pa.ChunkedArray) -> tuple[Numbers, Numbers, Numbers]:
    """Return each image with the first that has the same bytes."""
    digests = [int(text[:_DIGEST], 16) for text in hashes.to_pylist()]
    _, firsts, inverse = np.unique(
        np.array(digests, np.uint64), return_index=True, return_inverse=True
    )
    leaders = firsts[inverse]
    later = np.flatnonzero(leaders != np.arange(len(digests)))
    return leaders[later], later, np.zeros(len(later), np.int64)


def duplicates(
    look: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    take_over: bool = False,
    progress: Progress | None = None,
) -> DuplicatesReport:
    """Find copies among measured images, or bring what was found up to date.

    Two images are a pair if their bytes are equal, or if the hash of one differs in at most 8 bits
    from that of the other or of its mirror image. Pairs connect groups. Of a group the largest
    image is kept, of those the one with the least PMCID, then the first of its article.

    Parameters
    ----------
    look
        What `look` wrote.
    take_over
        Take the output over from another run.

    Raises
    ------
    UsageError
        There are no such measures, or the output is something else.

    Examples
    --------
    >>> duplicates("none", "duplicates")
    Traceback (most recent call last):
        ...
    biomedica_dataset.errors.UsageError: none is not a folder of measures: it has no ...
    """
    stage = DuplicatesStage(os.fspath(output), os.fspath(look))
    Look.open(look)
    run = stage.run(Launch(take_over=take_over), workers=1, progress=progress)
    found = Duplicates.open(output)
    sizes = pa.concat_arrays(
        [
            pa.array([], pa.int64()),
            *(_sizes_of_keepers(found.read(block)) for block in found.blocks()),
        ]
    ).to_numpy()
    return DuplicatesReport(
        images=int(sizes.sum()),
        groups=int((sizes > 1).sum()),
        copies=int(sizes.sum()) - len(sizes),
        largest=int(sizes.max(initial=0)),
        blocks=run.blocks,
        written=len(run.made),
        left=run.left,
    )


def _sizes_of_keepers(table: pa.Table) -> pa.Array:
    return table.filter(table["is_keeper"])["size"].combine_chunks()
