"""`select`: writes selected rows of a dataset folder as a smaller one, or in another format."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from biomedica_dataset.engine.progress import Progress
from biomedica_dataset.errors import UsageError
from biomedica_dataset.schema import Pair, column_names
from biomedica_dataset.streaming.choice import Choice
from biomedica_dataset.streaming.dataset import choose_rows
from biomedica_dataset.streaming.in_order import cost_in_order
from biomedica_dataset.streaming.reading.panels import MIN_SCORE, check_unit
from biomedica_dataset.suggest import nearest, one_of

from .conversations import read_templates
from .crops import ENCODINGS
from .keys import refuse_archive, write_keys
from .report import KeysReport, SelectReport
from .write_conversations import ConversationsStage
from .write_figures import CsvStage, FiguresStage
from .write_folder import FolderStage
from .write_images import ImagesStage
from .write_tars import TarsStage

if TYPE_CHECKING:
    from biomedica_dataset.engine.launch import Launch

    from .stage import SelectStage

_STAGES: dict[str, type[SelectStage[Any]]] = {
    "parquet": FolderStage,
    "webdataset": TarsStage,
    "images": FiguresStage,
    "csv": CsvStage,
    "conversations": ConversationsStage,
}
_STAGES_OF_CROPS: dict[str, type[SelectStage[Any]]] = {
    "parquet": ImagesStage,
    "images": ImagesStage,
    "webdataset": TarsStage,
}


def _stage(unit: str, format: str, crop: str | None, margin: float) -> type[SelectStage[Any]]:
    """Return what writes a selection, or refuse what does not go together."""
    if crop is not None:
        one_of("crop", crop, tuple(ENCODINGS))
    if unit == "figure" and crop is not None:
        msg = "crop cuts out panels: set unit to panel too, or omit it"
        raise UsageError(msg)
    if unit == "panel" and crop is None and (margin or format != "parquet"):
        without = f"format {format} has no boxes"
        what = "margin is of images that are cut out" if margin else without
        msg = f"{what}: set crop to png or jpeg, or omit it"
        raise UsageError(msg)
    if crop is None:
        return _STAGES[format]
    one_of("format with a crop", format, tuple(_STAGES_OF_CROPS))
    return _STAGES_OF_CROPS[format]


def _templates(format: str, templates: str | os.PathLike[str] | None) -> dict[str, str]:
    """Return the argument of the stage for templates, after reading them once."""
    if templates is None:
        return {}
    if format != "conversations":
        msg = "templates are of conversations: set format to conversations, or omit them"
        raise UsageError(msg)
    read_templates(templates)
    return {"templates": os.fspath(templates)}


def select(  # noqa: PLR0913 - each is a way to choose, given by name
    source: str | os.PathLike[str],
    output: str | os.PathLike[str] | None = None,
    *,
    licenses: Sequence[str] | str | None = None,
    concepts: Sequence[str] | str | None = None,
    filters: Any = None,
    without: str | os.PathLike[str] | None = None,
    deduplicate: bool = False,
    recipe: str | None = None,
    limit: int | None = None,
    seed: int | None = None,
    split: str | None = None,
    unit: str = "figure",
    min_score: float = MIN_SCORE,
    crop: Literal["png", "jpeg"] | None = None,
    margin: float = 0.0,
    format: Literal["parquet", "webdataset", "images", "csv", "conversations"] = "parquet",
    templates: str | os.PathLike[str] | None = None,
    keys_only: bool = False,
    dry_run: bool = False,
    launch: Launch | None = None,
    progress: Progress | None = None,
) -> SelectReport | KeysReport:
    """Write selected rows as a dataset folder for `open_dataset` and ``load_dataset``.

    Parameters
    ----------
    source, licenses, concepts, filters, without, deduplicate, recipe, limit, seed, split, unit
        See `open_dataset`.
    min_score
        See `open_dataset`. A dataset folder of panels has each figure once, with those panels.
    crop, margin
        Cut panels out, with a margin, and encode them in RGB: as PNG, or as JPEG of quality 95.
        They become image files with a table beside them, which ``load_dataset`` reads, or tars.
    output
        A new or empty folder, or one in which the same selection was begun; its last file makes it
        a dataset folder. Not needed for a dry run.
    format
        A dataset folder, tars in the layout of the published dataset, image files with a table
        ``metadata.jsonl`` beside them, a table in CSV without images, or ``conversations``: image
        files with questions and answers.
    templates
        A file of questions and answers for conversations; by default that of the package.
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
        msg = "give a new folder for the output (--output), or do a dry run (--dry-run)"
        raise UsageError(msg)
    check_unit(unit, min_score, margin)
    if unit == "panel" and keys_only:
        msg = "keys_only writes keys of figures: omit the unit"
        raise UsageError(msg)
    writes = _stage(unit, format, crop, margin)
    own = _templates(format, templates)
    choice = Choice(
        licenses=licenses, concepts=concepts, filters=filters, without=without,
        deduplicate=deduplicate, recipe=recipe, limit=limit, seed=seed, split=split,
        min_score=min_score if unit == "panel" else None,
    )  # fmt: skip
    progress = progress or Progress()
    if keys_only:
        return write_keys(source, choice, None if dry_run else output, progress)
    refuse_archive(source)
    chosen = choose_rows(source, choice, progress.say)
    requests, moved = 0, 0
    if writes is not CsvStage:
        requests, moved = cost_in_order(chosen.index, chosen.table, column_names(Pair))
    if dry_run or output is None:
        return SelectReport(chosen, requests, moved, None)
    stage = writes(chosen, os.fspath(output), crop, margin, **own)
    run = stage.run(launch, workers=1, progress=progress)
    return SelectReport(chosen, requests, moved, stage.url, len(run.made), run.left)
