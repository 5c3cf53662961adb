"""The log of a training: lines for the terminal, scalars for TensorBoard."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from biomedica_dataset.extras import require

if TYPE_CHECKING:
    from .config import TrainConfig


class TrainingLog:
    """Writes the measures of steps, in the first process.

    Parameters
    ----------
    say
        Takes a line for the terminal.
    step
        After which the training starts or resumes. What an earlier run wrote of later ones is
        hidden.
    """

    def __init__(self, config: TrainConfig, say: Callable[[str], None], step: int) -> None:
        writer = require("torch.utils.tensorboard", "clip").SummaryWriter
        self._config, self._say = config, say
        self._events = writer(config.output, purge_step=step + 1)
        self._begun, self._since, self._waited = time.perf_counter(), step, 0.0

    def write(self, step: int, loss: float, scale: float, rate: float, waited: float) -> None:
        """Write how a step went, and the speed since the last one written.

        Parameters
        ----------
        waited
            Seconds of waiting for data, from the beginning.
        """
        now = time.perf_counter()
        spent, steps = now - self._begun, step - self._since
        values = {
            "loss": loss,
            "logit_scale": scale,
            "lr": rate,
            "samples_per_second": steps * self._config.global_batch / spent,
            "data_wait_share": (waited - self._waited) / spent,
        }
        for name, value in values.items():
            self._events.add_scalar(name, value, step)
        self._events.flush()
        left = (self._config.steps - step) * spent / steps
        self._say(
            f"step {step:,} of {self._config.steps:,}  loss {loss:.4g}  scale {scale:.4g}  "
            f"lr {rate:.3g}  {values['samples_per_second']:,.1f} samples/s  "
            f"waiting for data {values['data_wait_share']:.1%}  {_duration(left)} left"
        )
        self._begun, self._since, self._waited = now, step, waited

    def close(self) -> None:
        """Close the file of events."""
        self._events.close()


def _duration(seconds: float) -> str:
    """Return a time in words.

    Examples
    --------
    >>> _duration(42), _duration(7_500), _duration(400_000)
    ('42 s', '2 h 5 min', '4 d 15 h')
    """
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def nothing(_: Any) -> None:
    """Say nothing."""
