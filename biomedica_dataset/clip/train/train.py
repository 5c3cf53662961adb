"""`train`: continual pre-training of a CLIP model on streamed pairs."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from biomedica_dataset.engine.launch import Launch
from biomedica_dataset.engine.lock import RunLock, acquire
from biomedica_dataset.engine.report import Shown
from biomedica_dataset.engine.timings import Timings
from biomedica_dataset.errors import BiomedicaError, UsageError
from biomedica_dataset.io.folders import Folder

from .config import TrainConfig
from .processes import Processes
from .read_config import load_config
from .tensorboard import nothing
from .training import Training


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class TrainReport(Shown):
    """What a training has done, earlier runs of it included.

    Parameters
    ----------
    pairs
        Pairs seen; one that was seen in two epochs counts twice.
    loss
        Of the last step.
    """

    output: str
    steps: int
    pairs: int
    loss: float | None

    def __str__(self) -> str:
        """Return the report in words."""
        loss = "" if self.loss is None else f", loss {self.loss:.4f}"
        return f"{self.pairs:,} pairs in {self.steps:,} steps{loss}; the model is in {self.output}"


def train(
    config: TrainConfig | str | os.PathLike[str],
    output: str | os.PathLike[str] | None = None,
    *,
    changes: Mapping[str, Any] | None = None,
    take_over: bool = False,
    profile: bool = False,
    log: Callable[[str], None] = nothing,
) -> TrainReport:
    """Train a CLIP model on streamed pairs, or resume where it stopped.

    Parameters
    ----------
    config
        A YAML file, a recipe (``full``, ``balanced``, ``filtered``, ``long``), or a configuration.
    output
        Folder of the model, in place of the one in ``config``.
    changes
        Values by dotted key, such as ``{"data.path": "org/name"}``, for a file or a recipe.
    take_over
        Take the output over from another run.
    profile
        Log at the end, however it comes, where the time went: `Timings` of the first process and
        of those that decode for it.
    log
        Takes lines for a terminal.

    Raises
    ------
    UsageError
        The configuration, model or data cannot be used.
    DivergedError
        The loss or the gradient is not finite.
    PreemptedError
        SIGTERM came; a checkpoint is written.
    SourceError
        The data cannot be read any more; a checkpoint is written.

    Examples
    --------
    >>> train("full", "tuned", changes={"data.pth": "org/name"})
    Traceback (most recent call last):
        ...
    biomedica_dataset.errors.UsageError: ...did you mean 'path'?...
    """
    if not isinstance(config, TrainConfig):
        given = {} if output is None else {"output": os.fspath(output)}
        config = load_config(os.fspath(config), {**(changes or {}), **given})
    elif output is not None:
        config = replace(config, output=os.fspath(output))
    with contextlib.ExitStack() as stack:
        group = Processes()
        stack.callback(group.close)
        log = log if group.rank == 0 else nothing
        timings = Timings() if profile else None
        if timings is not None:
            stack.callback(_say_all, log, timings)
        training = Training(config, group, log, timings)
        stack.callback(training.close)
        stack.enter_context(_told_to_end(training.stop))
        lock = stack.enter_context(_locked(Folder(config.output), group, take_over=take_over))
        training.resume()
        training.run(lock)
        steps, pairs = training.step, training.step * config.global_batch
        return TrainReport(output=config.output, steps=steps, pairs=pairs, loss=training.loss)


def _say_all(log: Callable[[str], None], timings: Timings) -> None:
    for line in str(timings).splitlines():
        log(line)


@contextlib.contextmanager
def _locked(folder: Folder, group: Processes, *, take_over: bool) -> Iterator[RunLock | None]:
    """Lock the output in the first process; all end if it cannot."""
    with contextlib.ExitStack() as stack:
        lock, failure = None, None
        if group.rank == 0:
            try:
                lock = stack.enter_context(acquire(folder, Launch(take_over=take_over)))
            except BiomedicaError as error:
                failure = error
        if any(group.any(failure is not None)):
            msg = f"the first process cannot write to {folder.url}: see its error"
            raise failure or UsageError(msg)
        yield lock


@contextlib.contextmanager
def _told_to_end(stop: Callable[[], None]) -> Iterator[None]:
    before = signal.signal(signal.SIGTERM, lambda *_: stop())
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
