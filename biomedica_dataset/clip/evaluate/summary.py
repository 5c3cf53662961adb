"""The lines of a table: tasks by domain, the means of domains, and those over all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from .bootstrap import Draws, mean

if TYPE_CHECKING:
    from .results import Results, TaskResult

Kind = Literal["task", "domain", "mean"]


@dataclass(frozen=True, slots=True)
class Line:
    """A task, or a mean over tasks.

    Parameters
    ----------
    kept
        Images.
    chance
        None where guessing is not defined.
    cells
        For each model.
    """

    kind: Kind
    name: str
    domain: str
    kept: int
    chance: float | None
    cells: list[Draws]


def lines(results: Results, metric: str | None = None) -> list[Line]:
    """Return the lines of all tasks but retrieval.

    Parameters
    ----------
    metric
        One for all; each task's own by default.
    """
    tasks = [one for one in results.tasks if not one.is_retrieval]
    by_domain: dict[str, list[Line]] = {}
    for one in tasks:
        by_domain.setdefault(one.task.domain, []).append(_line(one, metric or one.shown))
    made: list[Line] = []
    means: list[Line] = []
    for domain, several in by_domain.items():
        means.append(_mean("domain", "mean", domain, several))
        made += [*several, means[-1]] if len(several) > 1 else several
    single = [line for several in by_domain.values() for line in several]
    if len(single) > 1:
        made.append(_mean("mean", "mean over tasks", "", single))
    if len(means) > 1:
        made.append(_mean("mean", "mean over domains", "", means))
    return made


def _line(one: TaskResult, metric: str) -> Line:
    cells = [model[metric] for model in one.metrics]
    name, domain = one.task.name, one.task.domain
    return Line("task", name, domain, one.images.get("kept", 0), one.chance.get(metric), cells)


def _mean(kind: Kind, name: str, domain: str, several: Sequence[Line]) -> Line:
    chances = [line.chance for line in several]
    known = [chance for chance in chances if chance is not None]
    return Line(
        kind, name, domain, sum(line.kept for line in several),
        float(np.mean(known)) if len(known) == len(chances) else None,
        [mean(cells) for cells in zip(*(line.cells for line in several), strict=True)],
    )  # fmt: skip
