"""The report of a selection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from biomedica_dataset.engine.report import Shown, part_message

if TYPE_CHECKING:
    from biomedica_dataset.streaming.choice import Chosen


@dataclass(frozen=True, slots=True, repr=False)
class SelectReport(Shown):
    """The contents and the cost of a selection.

    Parameters
    ----------
    requests, moved
        Requests for images and the bytes they transfer; texts and footers are extra.
    written, left
        Slices of up to some thousand rows that this run wrote, and those of other parts that are
        not done.
    """

    chosen: Chosen
    requests: int
    moved: int
    output: str | None
    written: int = 0
    left: int = 0

    def __str__(self) -> str:
        cost = f"{self.requests:,} requests for {self.moved / 1e6:,.1f} MB of images, plus texts"
        if self.left:
            end = part_message(self.written, self.left, "slices")
        elif self.output is None:
            end = "nothing was written"
        elif self.written:
            end = f"written to {self.output}"
        else:
            end = f"nothing to do: {self.output} is up to date"
        return f"{self.chosen}\n{cost}; {end}"


@dataclass(frozen=True, slots=True, repr=False)
class KeysReport(Shown):
    """The keys that a selection chose.

    Parameters
    ----------
    chosen
        The rows, of figures with and without an image.
    output
        The file of the keys; ``None`` if none was written.
    """

    chosen: Chosen
    output: str | None

    def __str__(self) -> str:
        chosen = self.chosen
        keys = f"{len(chosen.table):,} of {len(chosen.index.table):,} keys"
        end = "nothing was written" if self.output is None else f"written to {self.output}"
        return "\n".join([*chosen.notes(), f"{keys}; {end}"])
