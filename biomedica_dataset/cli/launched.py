"""Options that every stage over blocks has: how it is launched."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

import click

from biomedica_dataset.engine.launch import ENGINES, Launch

from .options import TAKE_OVER

_OPTIONS = [
    click.option(
        "--part", metavar="I/N",
        help="Do only part I of N. [default: the task of a Slurm array]",
    ),
    click.option(
        "--engine", type=click.Choice(ENGINES), default="processes", show_default=True,
        help="Processes on this machine, or the Ray cluster at RAY_ADDRESS or on this machine.",
    ),
    click.option(
        "--run-id", metavar="NAME",
        help="Name shared by all parts of a run. [default: the job of a Slurm array]",
    ),
    TAKE_OVER,
]  # fmt: skip


def was_requeued(environment: Mapping[str, str]) -> bool:
    """Whether this is a job that Slurm starts again, so that its earlier run is over.

    Examples
    --------
    >>> was_requeued({}), was_requeued({"SLURM_RESTART_COUNT": "2"})
    (False, True)
    """
    return environment.get("SLURM_RESTART_COUNT", "0") != "0"


def launched(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the launch options to a command, which receives them as ``launch``."""

    @wraps(command)
    def with_launch(
        *args: Any, part: str | None, engine: str, run_id: str | None, take_over: bool, **rest: Any
    ) -> Any:
        launch = Launch.of(os.environ, part=part, run_id=run_id, engine=engine, take_over=take_over)
        return command(*args, launch=launch, **rest)

    for option in reversed(_OPTIONS):
        with_launch = option(with_launch)
    return with_launch
