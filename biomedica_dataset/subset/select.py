"""`select`: writes selected rows of a dataset folder as a smaller one, or as tars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from biomedica_dataset.engine.progress import Progress
from biomedica_dataset.errors import UsageError
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.schema import Pair, column_names
from biomedica_dataset.streaming.choice import Choice
from biomedica_dataset.streaming.dataset import choose_rows
from biomedica_dataset.streaming.in_order import cost_in_order
from biomedica_dataset.suggest import nearest

from .write_folder import write_folder
from .write_tars import write_chosen_tars

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from biomedica_dataset.streaming.choice import Chosen

_WRITERS = {"parquet": write_folder, "webdataset": write_chosen_tars}


@dataclass(frozen=True, slots=True)
class SelectReport:
    """The contents and the cost of a selection.

    Parameters
    ----------
    requests, moved
        Requests for images and the bytes they transfer; texts and footers are extra.
    """

    chosen: Chosen
    requests: int
    moved: int
    output: str | None

    def __str__(self) -> str:
        """Return the report in words."""
        cost = f"{self.requests:,} requests for {self.moved / 1e6:,.1f} MB of images, plus texts"
        end = "nothing was written" if self.output is None else f"written to {self.output}"
        return f"{self.chosen}\n{cost}; {end}"


def select(  # noqa: PLR0913 - each is a way to choose, given by name
    source: str | os.PathLike[str],
    output: str | os.PathLike[str] | None = None,
    *,
    licenses: Sequence[str] | str | None = None,
    concepts: Sequence[str] | str | None = None,
    filters: Any = None,
    recipe: str | None = None,
    limit: int | None = None,
    seed: int | None = None,
    split: str | None = None,
    format: Literal["parquet", "webdataset"] = "parquet",
    dry_run: bool = False,
    progress: Progress | None = None,
) -> SelectReport:
    """Write selected rows as a dataset folder for `open_dataset` and ``load_dataset``.

    Parameters
    ----------
    source, licenses, concepts, filters, recipe, limit, seed, split
        See `open_dataset`.
    output
        A new or empty folder, which its last file makes a dataset folder. Not needed for a dry run.
    format
        A dataset folder, or tars in the layout of the published dataset.
    dry_run
        Only count rows, bytes and requests.
    progress
        Shown while rows are written; silent by default.

    Raises
    ------
    UsageError
        See `open_dataset`; or the output is not empty, or is missing.
    SourceError
        The source cannot be read. What was written so far is not a dataset folder and can be
        removed.

    Examples
    --------
    >>> print(select("biomedica", licenses="noncommercial", dry_run=True))
    12 of 62 rows...
    """
    if format not in _WRITERS:
        msg = f"format is {format!r}; {nearest(format, _WRITERS)}"
        raise UsageError(msg)
    if not dry_run:
        _check_output(output)
    choice = Choice(
        licenses=licenses, concepts=concepts, filters=filters, recipe=recipe, limit=limit,
        seed=seed, split=split,
    )  # fmt: skip
    progress = progress or Progress()
    chosen = choose_rows(source, choice, progress.say)
    requests, moved = cost_in_order(chosen.index, chosen.table, column_names(Pair))
    if dry_run or output is None:
        return SelectReport(chosen, requests, moved, None)
    folder = Folder(output)
    progress.start(len(chosen.table), "rows")
    with progress.shown():
        _WRITERS[format](folder, chosen, progress)
    return SelectReport(chosen, requests, moved, folder.url)


def _check_output(output: str | os.PathLike[str] | None) -> None:
    if output is None:
        msg = "no output was named; name a new folder, or do a dry run"
        raise UsageError(msg)
    if not Folder(output).is_empty():
        msg = f"{output} is not empty; choose an empty or new folder"
        raise UsageError(msg)
