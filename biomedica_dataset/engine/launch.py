"""How a stage over blocks is launched: the engine, the part of the run, the name of the run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from biomedica_dataset.errors import UsageError

ENGINES = ("processes", "ray")
"""Where work runs: in processes on this machine, or on a Ray cluster."""

_PART = re.compile(r"(\d+)/(\d+)", re.ASCII)
_ARRAY = [f"SLURM_ARRAY_TASK_{name}" for name in ("ID", "MIN", "STEP", "COUNT")]


@dataclass(frozen=True, slots=True)
class Part:
    """One of several parts of a stage, each launched separately.

    The numbers of the blocks alone decide which part has them, so parts of different divisions may
    overlap.

    Parameters
    ----------
    number
        From 1.
    of
        How many parts there are.

    Raises
    ------
    UsageError
        There is no such part.

    Examples
    --------
    >>> Part(2, 3).takes(7), Part(2, 3).takes(8)
    (True, False)
    """

    number: int
    of: int

    def __post_init__(self) -> None:
        """Check the numbers."""
        if not 1 <= self.number <= self.of:
            msg = f"there is no part {self.number} of {self.of}; parts are numbered from 1 to N"
            raise UsageError(msg)

    def __str__(self) -> str:
        return f"part {self.number} of {self.of}"

    def takes(self, block: int) -> bool:
        """Whether this part has the block of that number."""
        return block % self.of == self.number - 1

    @classmethod
    def parse(cls, text: str) -> Part:
        """Return a part written as ``I/N``.

        Raises
        ------
        UsageError
            The text has another form, or there is no such part.
        """
        match = _PART.fullmatch(text)
        if match is None:
            msg = f"the part is {text!r}; expected I/N, such as 1/600"
            raise UsageError(msg)
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def of_array(cls, environment: Mapping[str, str]) -> Part | None:
        """Return the part of a task of a Slurm array; ``None`` outside of one.

        Raises
        ------
        UsageError
            The numbers of the array's tasks are not evenly spaced.

        Examples
        --------
        >>> names = [f"SLURM_ARRAY_TASK_{name}" for name in ("ID", "MIN", "STEP", "COUNT")]
        >>> print(Part.of_array(dict(zip(names, ["20", "0", "10", "5"]))))
        part 3 of 5
        """
        values = [environment.get(name, "") for name in _ARRAY]
        if not all(value.isdecimal() for value in values):
            return None
        task, first, step, count = map(int, values)
        number, rest = divmod(task - first, step or 1)
        if rest or not 0 <= number < count:
            msg = (
                f"task {task} of a Slurm array of {count} tasks from {first} in steps of {step} is "
                "not evenly spaced; submit --array=1-N, or give --part I/N"
            )
            raise UsageError(msg)
        return cls(number + 1, count)


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How a stage over blocks is launched.

    Parameters
    ----------
    part
        The part whose blocks to do; all blocks by default.
    engine
        One of `ENGINES`.
    run_id
        Name of the run; launchers with the same name work on one output together. By default, a
        launcher works alone.
    take_over
        Take the output over from another run.

    Raises
    ------
    UsageError
        There is no such engine, the name of the run is empty, or a part has no run.
    """

    part: Part | None = None
    engine: str = "processes"
    run_id: str | None = None
    take_over: bool = False

    def __post_init__(self) -> None:
        """Check the options."""
        if self.engine not in ENGINES:
            msg = f"unknown engine {self.engine!r}; choose {' or '.join(ENGINES)}"
            raise UsageError(msg)
        if self.run_id is not None and not self.run_id.strip():
            msg = "the name of the run is empty; give a name, or omit --run-id"
            raise UsageError(msg)
        if self.part is not None and not self.run_id:
            msg = (
                f"{self.part} needs the name of its run: give all parts the same --run-id NAME "
                "(a Slurm array has one already)"
            )
            raise UsageError(msg)

    def takes(self, block: int) -> bool:
        """Whether this launcher does the block of that number."""
        return self.part is None or self.part.takes(block)

    @classmethod
    def of(
        cls, environment: Mapping[str, str], *, part: str | None, run_id: str | None, **rest: object
    ) -> Launch:
        """Return a launch from its options; a Slurm array supplies those not given.

        Raises
        ------
        UsageError
            See `Part.parse`, `Part.of_array` and `Launch`.
        """
        found = Part.parse(part) if part is not None else Part.of_array(environment)
        array = environment.get("SLURM_ARRAY_JOB_ID")
        if run_id is None and found is not None and array:
            run_id = f"slurm-{array}"
        return cls(part=found, run_id=run_id, **rest)  # type: ignore[arg-type]
