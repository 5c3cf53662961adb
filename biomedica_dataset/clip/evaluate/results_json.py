"""Results as JSON: every metric of every task, every mean, every difference."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from .summary import lines
from .task import METRICS

if TYPE_CHECKING:
    from .bootstrap import Draws
    from .results import Results, TaskResult

_LIBRARIES = ("biomedica-dataset", "numpy", "open_clip_torch", "pillow", "torch")


def as_json(results: Results) -> bytes:
    """Return ``results.json``: every metric of every task and mean, without times or paths."""
    models = zip(results.models, results.digests, strict=True)
    stored = {
        "models": [{"name": name, "digest": digest} for name, digest in models],
        "tasks": [_task(results, one) for one in results.tasks],
        "means": {
            metric: dict(_means(results, metric))
            for metric in METRICS["classification"]
            if any(not one.is_retrieval for one in results.tasks)
        },
        "images": asdict(results.images),
        "bootstrap": {"draws": results.draws, "seed": results.seed, "interval": 0.95},
        "versions": {name: version(name) for name in _LIBRARIES},
    }
    return (json.dumps(stored, indent=1, ensure_ascii=False) + "\n").encode()


def _task(results: Results, one: TaskResult) -> dict[str, Any]:
    return {
        "name": one.task.name,
        "domain": one.task.domain,
        "protocol": one.task.protocol,
        "metric": one.shown,
        "images": asdict(one.tally),
        "metrics": _metrics(results, one, one.metrics),
        "in_training_data": one.flagged,
        "metrics_without": _metrics(results, one, one.clean) if one.clean else None,
    }


def _metrics(
    results: Results, one: TaskResult, models: list[dict[str, Draws]]
) -> dict[str, dict[str, Any]]:
    """Return each metric with what chance gives and what each model has."""
    return {
        metric: {
            "chance": one.chance.get(metric),
            "models": _cells(results, [model[metric] for model in models]),
        }
        for metric in models[0]
    }


def _means(results: Results, metric: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for line in lines(results, metric):
        if line.kind != "task":
            name = line.name if line.kind == "mean" else f"{line.name} of {line.domain}"
            yield name, {"chance": line.chance, "models": _cells(results, line.cells)}


def _cells(results: Results, cells: list[Draws]) -> dict[str, Any]:
    """Return values with intervals; those after the first with the difference to the first."""
    made: dict[str, Any] = {}
    for name, cell in zip(results.models, cells, strict=True):
        made[name] = _value(cell)
        if cell is not cells[0]:
            made[name]["difference"] = _value(cell.minus(cells[0]))
    return made


def _value(cell: Draws) -> dict[str, Any]:
    low, high = cell.interval() or (None, None)
    return {"value": None if np.isnan(cell.value) else cell.value, "low": low, "high": high}
