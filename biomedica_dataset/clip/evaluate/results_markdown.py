"""Results as tables, for a terminal and in Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Literal

import numpy as np

from .summary import Kind, Line, lines
from .task import RANKS

if TYPE_CHECKING:
    from .bootstrap import Draws
    from .results import Results, TaskResult

_WAYS = {"image_to_text": "image to text", "text_to_image": "text to image"}
_LONGEST = 24  # characters of a model's name at the head of a column
METRIC_NAMES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro-F1",
    "auroc": "AUROC",
}


@dataclass(frozen=True, slots=True)
class GridRow:
    """A row of a table; ``best`` are the places of its best cells."""

    kind: Kind | Literal["head"]
    cells: list[str]
    best: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Grid:
    """A table of texts, with notes below it; all columns but the first stand to the right."""

    title: str
    head: list[str]
    rows: list[GridRow]
    notes: list[str]


def grids(results: Results) -> list[Grid]:
    """Return the tables of results."""
    made = []
    board = lines(results)
    if board:
        made.append(_main(results, board))
        if len(results.models) > 1:
            made.append(_differences(results, board))
    made += [_recalls(results, one) for one in results.tasks if one.is_retrieval]
    return [*made, *_without_overlap(results)]


def _heads(results: Results) -> list[str]:
    if max(map(len, results.models)) <= _LONGEST:
        return results.models
    return [f"model {number}" for number in range(1, len(results.models) + 1)]


def _main(results: Results, board: list[Line]) -> Grid:
    shown = {one.task.name: one.shown for one in results.tasks if not one.is_retrieval}
    names = list(dict.fromkeys(METRIC_NAMES[metric] for metric in shown.values()))
    several = len(names) > 1
    rows = []
    for line in board:
        metric = METRIC_NAMES[shown[line.name]] if line.kind == "task" else ""
        before = [_titled(line), *([metric] if several else []), f"{line.kept:,}"]
        rows.append(_row(line.kind, [*before, _percent(line.chance)], line.cells))
    head = ["task", *(["metric"] if several else []), "images", "chance", *_heads(results)]
    notes = [f"In per cent, with the 95 % interval of {results.draws:,} draws of the bootstrap."]
    if len(results.models) > 1:
        notes.append(
            f"▲ better than {_heads(results)[0]}, ▼ worse: the interval of the paired difference "
            "leaves out 0."
        )
    if several:
        notes.append("Means are over the metrics shown.")
    title = " or ".join(names)
    return Grid(title[0].upper() + title[1:], head, _grouped(board, rows), notes)


def _row(kind: Kind, before: list[str], cells: Sequence[Draws]) -> GridRow:
    """Return a row of texts and of the cells of all models."""
    values = [cell.value for cell in cells]
    best = [n for n, value in enumerate(values) if len(values) > 1 and value == max(values)]
    texts = [_cell(cell, cells[0]) for cell in cells]
    return GridRow(kind, before + texts, frozenset(len(before) + n for n in best))


def _grouped(board: list[Line], rows: list[GridRow]) -> list[GridRow]:
    """Return rows with the name of each domain above those of it."""
    made: list[GridRow] = []
    before = ""
    for line, row in zip(board, rows, strict=True):
        if line.domain not in ("", before):
            made.append(GridRow("head", [line.domain, *[""] * (len(row.cells) - 1)]))
        before = line.domain
        made.append(row)
    return made


def _titled(line: Line) -> str:
    return line.name if line.kind == "mean" else f"  {line.name}"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f}"


def _cell(cell: Draws, first: Draws) -> str:
    if np.isnan(cell.value):
        return "–"
    low, high = cell.interval() or (cell.value, cell.value)
    between = None if cell is first else cell.minus(first).interval()
    mark = "" if not between else " ▲" if between[0] > 0 else " ▼" if between[1] < 0 else ""
    return f"{_percent(cell.value)} [{_percent(low)}, {_percent(high)}]{mark}"


def _differences(results: Results, board: list[Line]) -> Grid:
    rows = []
    for line in board:
        cells = []
        for cell in line.cells[1:]:
            apart = cell.minus(line.cells[0])
            low, high = apart.interval() or (apart.value, apart.value)
            cells.append(f"{100 * apart.value:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]")
        rows.append(GridRow(line.kind, [_titled(line), *cells]))
    notes = ["In percentage points; in every draw both models were given the same images."]
    head = ["task", *_heads(results)[1:]]
    return Grid(f"Difference to {_heads(results)[0]}", head, _grouped(board, rows), notes)


def _recalls(results: Results, one: TaskResult) -> Grid:
    rows = []
    for (name, way), k in product(_WAYS.items(), RANKS):
        recall = f"{name}_recall@{k}"
        before = [f"{way} R@{k}", _percent(one.chance[recall])]
        rows.append(_row("task", before, [model[recall] for model in one.metrics]))
    head = ["recall", "chance", *_heads(results)]
    return Grid(f"Retrieval: {one.task.name}, {one.tally.kept:,} images", head, rows, [])


def _without_overlap(results: Results) -> list[Grid]:
    """Return the table of tasks that were looked for in the training data, if there are any."""
    checked = [one for one in results.tasks if one.flagged is not None]
    rows = []
    for one in checked:
        shown = (
            [
                f"{_percent(model[one.shown].value)} → {_percent(clean[one.shown].value)}"
                for model, clean in zip(one.metrics, one.clean, strict=True)
            ]
            if one.clean
            else ["–"] * len(results.models)
        )
        rows.append(
            GridRow("task", [one.task.name, f"{one.flagged:,} of {one.tally.kept:,}", *shown])
        )
    note = "In per cent: of all images, and of those that are not in the training data."
    head = ["task", "images in it", *_heads(results)]
    return [Grid("Images in the training data", head, rows, [note])] if checked else []


def legend(results: Results) -> list[str]:
    """Return the models by their numbers, where names are too long to head a column."""
    heads = _heads(results)
    pairs = zip(heads, results.models, strict=True)
    return [f"{head}  {name}" for head, name in pairs] if heads != results.models else []


def as_text(results: Results) -> str:
    """Return the tables for a terminal."""
    blocks = ["\n".join(legend(results))] if legend(results) else []
    for grid in grids(results):
        columns = zip(grid.head, *(row.cells for row in grid.rows), strict=True)
        widths = [max(map(len, column)) for column in columns]
        rule = "─" * (sum(widths) + 2 * len(widths) - 2)
        made = [grid.title, rule, _padded(grid.head, widths), rule]
        before: str = "mean"
        for row in grid.rows:
            if row.kind == "mean" and before != "mean":
                made.append(rule)
            made.append(_padded(row.cells, widths))
            before = row.kind
        blocks.append("\n".join([*made, rule, *grid.notes]))
    return "\n\n".join([*blocks, "\n".join(results.images.lines("images")), *_missing(results)])


def _missing(results: Results) -> list[str]:
    """Return which tasks were left out, and why, as a block of lines."""
    lines = [f"- {name}: {why}" for name, why in results.missing.items()]
    return ["\n".join(["tasks left out, whose images could not be read:", *lines])] if lines else []


def _padded(row: list[str], widths: list[int]) -> str:
    others = (cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
    return "  ".join([row[0].ljust(widths[0]), *others]).rstrip()


def as_markdown(results: Results) -> str:
    """Return ``results.md``: the tables in Markdown, with the best of each line in bold."""
    blocks = ["# Results"]
    if legend(results):
        blocks.append("\n".join(f"- {_escaped(line)}" for line in legend(results)))
    for grid in grids(results):
        rule = ["---", *["---:"] * (len(grid.head) - 1)]
        rows = [[_escaped(cell) for cell in grid.head], rule, *map(_marked, grid.rows)]
        text = "\n".join(f"| {' | '.join(row)} |" for row in rows)
        blocks += [f"## {_escaped(grid.title)}", text, *map(_escaped, grid.notes)]
    told = results.images.lines("images")
    blocks.append("\n".join(f"- {_escaped(line)}" for line in told))
    blocks += map(_escaped, _missing(results))
    return "\n\n".join(blocks) + "\n"


def _marked(row: GridRow) -> list[str]:
    """Return cells in Markdown: the best in bold, means in italics."""
    marked = []
    for place, cell in enumerate(row.cells):
        strong = place in row.best or (row.kind == "head" and cell)
        mark = "**" if strong else "*" if row.kind in ("domain", "mean") and place == 0 else ""
        marked.append(f"{mark}{_escaped(cell)}{mark}")
    return marked


def _escaped(text: str) -> str:
    r"""Return text in which nothing is Markdown or HTML.

    Examples
    --------
    >>> _escaped("a|<b>_c")
    'a\\|\\<b\\>\\_c'
    """
    return re.sub(r"([\\`*_{}<>#|\[\]~])", r"\\\1", " ".join(text.split()))
