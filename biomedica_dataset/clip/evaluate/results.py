"""What models got right in tasks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from biomedica_dataset.engine.report import Shown, Tally, total

if TYPE_CHECKING:
    from .bootstrap import Draws
    from .measures import Values
    from .task import Task


@dataclass(slots=True)
class TaskResult:
    """What the models got right in a task.

    Parameters
    ----------
    shown
        The metric that tables show.
    images
        Images by what became of them: ``kept`` or why not.
    chance
        What guessing gives, by metric.
    metrics
        For each model each metric.
    flagged
        Images that are in the training data; ``None`` if that was not looked at.
    clean
        For each model each metric without these; empty if there are none, or no others.
    """

    task: Task
    shown: str
    images: dict[str, int]
    chance: Values
    metrics: list[dict[str, Draws]] = field(default_factory=list)
    flagged: int | None = None
    clean: list[dict[str, Draws]] = field(default_factory=list)

    @property
    def tally(self) -> Tally:
        """Its images: seen = kept + dropped."""
        return Tally.of(self.images)

    @property
    def is_retrieval(self) -> bool:
        """Whether it has recalls, which are shown by themselves and are in no mean."""
        return self.task.protocol == "retrieval"


@dataclass(slots=True, repr=False)
class Results(Shown):
    """What some models got right in some tasks."""

    models: list[str]
    digests: list[str]
    tasks: list[TaskResult]
    draws: int
    seed: int
    missing: dict[str, str] = field(default_factory=dict)
    """Why tasks were left out, by name."""

    def __str__(self) -> str:
        """Return the metric shown of each task and model, in percent, with what guessing gives."""
        lines = [self.images.lines("images")[0]]
        for one in self.tasks:
            values = [
                f"{model} {100 * metrics[one.shown].value:.1f}"
                for model, metrics in zip(self.models, one.metrics, strict=True)
            ]
            chance = f"chance {100 * one.chance[one.shown]:.1f}"
            lines.append(f"{one.task.name}: {one.shown} {', '.join([*values, chance])}")
        return "\n".join(lines)

    @property
    def images(self) -> Tally:
        """All images of all tasks, by what became of them."""
        return Tally.of(total(one.images for one in self.tasks))
