"""A run of evaluate: every model on every task."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Sequence

from biomedica_dataset.annotation.duplicates.overlaps import Overlap
from biomedica_dataset.clip.models.two_towers import Model, load_model
from biomedica_dataset.engine.progress import Progress
from biomedica_dataset.errors import SourceError, UsageError
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.suggest import at_least, one_of

from .bootstrap import draw
from .cases import Cases, read_cases
from .features import Cache
from .find import ALL, find_tasks
from .protocols import outcome
from .results import Results, TaskResult
from .task import METRICS

logger = logging.getLogger(__name__)


def evaluate(  # noqa: PLR0913 - each is given by name
    models: Sequence[str],
    output: str | os.PathLike[str],
    *,
    tasks: Sequence[str] = ("all",),
    data: str = ".",
    metric: str | None = None,
    draws: int = 1000,
    seed: int = 0,
    device: str | None = None,
    strict: bool = False,
    on_error: str = "skip",
    overlap: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Results:
    """Measure models on tasks, and write what they got right.

    ``results.json``, ``results.md`` and ``forest.png`` are written into the output, and below
    ``features`` the vectors: the same call again encodes only what is not there yet.

    Parameters
    ----------
    models
        See `load_model`; the others are compared with the first.
    tasks
        See `find_tasks`.
    data
        Folder with the files of shipped tasks.
    metric
        Shown for all tasks but retrieval in place of each task's own.
    draws
        Number of bootstrap samples.
    seed
        Seed of the bootstrap and of the order of options.
    strict
        Stop at the first task of ``all`` whose images cannot be read, instead of leaving it out.
    on_error
        What to do about an image that cannot be decoded: ``skip`` and count it, or ``raise`` an
        error that names it.
    overlap
        What `overlap` wrote about the training data: each task that it checked is also measured
        without the images that it found there.

    Raises
    ------
    UsageError
        A model, a task or a source cannot be used.
    SourceError
        The Hub cannot be reached.

    Examples
    --------
    >>> evaluate(["ViT-B-32:openai"], "out", draws=0)
    Traceback (most recent call last):
        ...
    biomedica_dataset.errors.UsageError: draws must be 1 or more, not 0
    """
    from .forest_plot import forest
    from .results_json import as_json
    from .results_markdown import as_markdown

    at_least(1, "draws", draws)
    one_of("on_error", on_error, ("skip", "raise"))
    if metric is not None:
        one_of("metric", metric, METRICS["classification"])
    if not models:
        msg = "no model is named; name at least one"
        raise UsageError(msg)
    found = None if overlap is None else Overlap.open(overlap)
    cases, missing = read_all(tasks, data, seed, strict=strict)
    results = Results([], [], [], draws, seed, missing)
    folder = Folder(output)
    progress = progress or Progress()
    for spec in models:
        model = load_model(spec, device)
        results.models.append(_unlike(model.name, results.models))
        results.digests.append(model.digest)
        cache = Cache(f"{folder.url}/features", model, progress)
        progress.start(sum(len(one.chosen) for one in cases), "images")
        with progress.shown():
            for number, one in enumerate(cases):
                _measure(results, number, one, model, cache, on_error)
                if found is not None and one.task.name in found.header.benchmarks:
                    _measure_clean(results, number, one, model, cache, found)
    for task in results.tasks:
        task.shown = task.task.metric if metric is None or task.is_retrieval else metric
    folder.write_bytes("results.json", as_json(results))
    folder.write_bytes("results.md", as_markdown(results).encode())
    folder.write_bytes("forest.png", forest(results))
    return results


def read_all(
    words: Sequence[str], data: str, seed: int, *, strict: bool
) -> tuple[list[Cases], dict[str, str]]:
    """Return the cases of all tasks, and why those of ``all`` are left out that have none.

    Raises
    ------
    UsageError, SourceError
        A task that is named by itself cannot be read, or none can.
    """
    tasks, named = find_tasks(words, data), [word for word in words if word.lower() != ALL]
    must = {task.name for task in (find_tasks(named, data) if named else [])}
    if strict or len(named) == len(words):
        must = {task.name for task in tasks}
    cases: list[Cases] = []
    missing: dict[str, str] = {}
    for task in tasks:
        try:
            cases.append(read_cases(task, seed))
        except (UsageError, SourceError) as error:
            if task.name in must:
                raise
            missing[task.name] = str(error)
    if not cases:
        first = next(iter(missing.values()))
        msg = f"none of the {len(tasks)} tasks has its images here (see --list); first: {first}"
        raise UsageError(msg)
    return cases, missing


def _unlike(name: str, names: Sequence[str]) -> str:
    """Return a name that no other model has."""
    number = sum(1 for other in names if other == name or other.startswith(f"{name} ("))
    return f"{name} ({number + 1})" if number else name


def _measure(
    results: Results, number: int, cases: Cases, model: Model, cache: Cache, on_error: str
) -> None:
    task = cases.task
    logger.info("%s on %s", model.name, task.name)
    vectors, reasons = cache.images(cases, on_error)
    kept = [index for index, reason in enumerate(reasons) if not reason]
    if not kept:
        why = ", ".join(sorted(set(reasons)))
        msg = f"task {task.name}: none of its {len(reasons):,} images can be read: {why}"
        raise UsageError(msg)
    found = outcome(cases, kept, vectors, cache.texts, model.scale)
    if number == len(results.tasks):
        counts = Counter(reason or "kept" for reason in reasons) + cases.dropped
        images = dict(sorted(counts.items()))
        results.tasks.append(TaskResult(task, task.metric, images, found.chance))
    results.tasks[number].metrics.append(draw(found, task.name, results.draws, results.seed))


def _measure_clean(
    results: Results, number: int, cases: Cases, model: Model, cache: Cache, found: Overlap
) -> None:
    """Measure a task without the images that are in the training data."""
    task, result = cases.task, results.tasks[number]
    flagged = found.images_of(task.name)
    vectors, reasons = cache.images(cases)
    kept = [index for index, reason in enumerate(reasons) if not reason]
    places = [
        place
        for place, index in enumerate(kept)
        if cases.table.keys[cases.chosen[index]] not in flagged
    ]
    result.flagged = len(kept) - len(places)
    if places and result.flagged:
        clean = [kept[place] for place in places]
        measured = outcome(cases, clean, vectors[places], cache.texts, model.scale)
        result.clean.append(draw(measured, task.name, results.draws, results.seed))
