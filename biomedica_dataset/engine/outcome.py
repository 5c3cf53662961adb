"""What a run of a stage comes to: its blocks, made, left or failed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

Record = TypeVar("Record")
Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class FailedBlock:
    """A block that could not be made; the same call retries it."""

    number: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StageRun(Generic[Record, Made]):
    """The outcome for the blocks of a stage.

    Parameters
    ----------
    blocks
        The number of blocks of the stage.
    records
        Records of the blocks that are now up to date, by number, ascending.
    made
        The results of `Stage.make` in this run.
    failed
        Why blocks could not be made, by number.
    left
        Blocks of other parts of the run that are not done.
    done
        Blocks of this part that this run brought up to date.
    finished
        What `Stage.finish` returned; ``None`` if it was not called.
    """

    blocks: int
    records: dict[int, Record]
    made: list[Made]
    failed: dict[int, str] = field(default_factory=dict)
    left: int = 0
    done: int = 0
    finished: Any = None
