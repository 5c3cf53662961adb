"""`select`: writes selected rows of a dataset folder as a smaller one, or as tars."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Literal

from biomedica_dataset.engine.progress import Progress
from biomedica_dataset.errors import UsageError
from biomedica_dataset.schema import Pair, column_names
from biomedica_dataset.streaming.choice import Choice
from biomedica_dataset.streaming.dataset import choose_rows
from biomedica_dataset.streaming.in_order import cost_in_order
from biomedica_dataset.suggest import nearest

from .keys import refuse_archive, write_keys
from .report import KeysReport, SelectReport
from .write_folder import FolderStage
from .write_tars import TarsStage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from biomedica_dataset.engine.launch import Launch

    from .stage import SelectStage

_STAGES: dict[str, type[SelectStage[Any]]] = {"parquet": FolderStage, "webdataset": TarsStage}


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
    keys_only: bool = False,
    dry_run: bool = False,
    launch: Launch | None = None,
    progress: Progress | None = None,
) -> SelectReport | KeysReport:
    """Write selected rows as a dataset folder for `open_dataset` and ``load_dataset``.

    Parameters
    ----------
    source, licenses, concepts, filters, recipe, limit, seed, split
        See `open_dataset`.
    output
        A new or empty folder, or one in which the same selection was begun; its last file makes it
        a dataset folder. Not needed for a dry run.
    format
        A dataset folder, or tars in the layout of the published dataset.
    keys_only
        Write no folder but a file, with the key of a row on each line, for ``extract(images=)``.
        The source may also be an archive, and captions count whose images were not fetched.
    dry_run
        Only count rows, bytes and requests.
    launch
        Where it runs, and as which part of a run; alone by default.
    progress
        Shown while rows are written; silent by default.

    Raises
    ------
    UsageError
        See `open_dataset`; or the output is something else, or is missing.
    SourceError
        The source cannot be read; the same call resumes.

    Examples
    --------
    >>> print(select("biomedica", licenses="noncommercial", dry_run=True))
    13 of 62 rows...
    """
    if format not in _STAGES:
        msg = f"format is {format!r}; {nearest(format, _STAGES)}"
        raise UsageError(msg)
    if output is None and not dry_run:
        msg = "no output was named; name a new folder, or do a dry run"
        raise UsageError(msg)
    choice = Choice(
        licenses=licenses, concepts=concepts, filters=filters, recipe=recipe, limit=limit,
        seed=seed, split=split,
    )  # fmt: skip
    progress = progress or Progress()
    if keys_only:
        return write_keys(source, choice, None if dry_run else output, progress)
    refuse_archive(source)
    chosen = choose_rows(source, choice, progress.say)
    requests, moved = cost_in_order(chosen.index, chosen.table, column_names(Pair))
    if dry_run or output is None:
        return SelectReport(chosen, requests, moved, None)
    stage = _STAGES[format](chosen, os.fspath(output))
    run = stage.run(launch, workers=1, progress=progress)
    return SelectReport(chosen, requests, moved, stage.url, len(run.made), run.left)
