"""A stage that compares all measured images, whose blocks say what was found of their own."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow.compute as pc

from biomedica_dataset.annotation.block_stage import BlockStage
from biomedica_dataset.annotation.look.measured import Look

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa


@dataclass(frozen=True)
class MeasuredStage(BlockStage[int, None]):
    """Compares measured images; a new one may be a copy of any other, so that all blocks change.

    Parameters
    ----------
    look
        The folder of measures.
    """

    reads: ClassVar[list[str]]
    """Columns of the measures that images are found by."""

    look: str

    @cached_property
    def measured(self) -> Look:
        """The measures of the images."""
        return Look.open(self.look)

    @cached_property
    def images(self) -> pa.Table:
        """What images are found by, in order."""
        return self.measured.read_all(self.reads)

    @property
    @abstractmethod
    def state(self) -> str:
        """The digest of all inputs."""

    def tasks(self) -> list[int]:
        """Return the blocks that were measured."""
        return self.measured.blocks()

    def fingerprint(self, task: int) -> str:
        """Return the fingerprint of all blocks."""
        return self.state

    def places(self, block: int) -> tuple[pa.ChunkedArray, np.ndarray[Any, Any]]:
        """Return the keys of a block's images, and their places among all, int32 (n,)."""
        keys = self.measured.read(block, ["key"])["key"]
        return keys, pc.index_in(keys, value_set=self.images["key"].combine_chunks()).to_numpy()
