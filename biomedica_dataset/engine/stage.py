"""A stage: brings every block of an output up to date with its inputs.

A stage defines which blocks there are, when one is up to date, how one is made, and how the output
is finished. Everything else is here, once: the lock on the output, parts of a run, processes and
Ray, progress, and resuming. The files alone decide what is done, so that the same call resumes
a run that was killed, updates an output, or does nothing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from .launch import Launch
from .lock import RunLock, acquire
from .outcome import FailedBlock, Made, Record, StageRun
from .pool import cpu_count, run_tasks
from .progress import Counters, Progress

if TYPE_CHECKING:
    from biomedica_dataset.io.folders import Folder


Task = TypeVar("Task")


@dataclass(frozen=True, slots=True)
class WorkerContext:
    """The lock and the progress that a process uses while it makes blocks."""

    lock: RunLock
    progress: Progress


class Stage(ABC, Generic[Task, Record, Made]):
    """One stage over blocks; a subclass is a frozen dataclass whose fields are sent to processes.

    A subclass opens resources in a `functools.cached_property`, so that each process opens its own.

    Attributes
    ----------
    unit
        The unit of `size`, as progress shows it.
    on_gpu
        Whether each process needs its own GPU, if a cluster has GPUs.
    survives
        Errors that end the run and mark the unfinished blocks as failed.

    Examples
    --------
    >>> import tempfile
    >>> from biomedica_dataset.io.folders import Folder
    >>> @dataclass(frozen=True)
    ... class Squares(Stage[int, bytes, int]):
    ...     url: str
    ...
    ...     @property
    ...     def output(self):
    ...         return Folder(self.url)
    ...
    ...     def tasks(self):
    ...         return range(4)
    ...
    ...     def record(self, task):
    ...         name = f"{task}.txt"
    ...         return self.output.read_bytes(name) if self.output.exists(name) else None
    ...
    ...     def make(self, task, context):
    ...         self.output.write_bytes(f"{task}.txt", str(task**2).encode())
    ...         return task
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     first = Squares(folder).run(workers=1)
    ...     second = Squares(folder).run(workers=1)
    >>> first.made, second.made, second.records[3]
    ([0, 1, 2, 3], [], b'9')
    """

    unit: ClassVar[str] = "blocks"
    on_gpu: ClassVar[bool] = False
    survives: ClassVar[tuple[type[Exception], ...]] = ()

    @property
    @abstractmethod
    def output(self) -> Folder:
        """The folder that the stage writes."""

    @abstractmethod
    def tasks(self) -> Iterable[Task]:
        """Return the blocks that the output should have."""

    @abstractmethod
    def record(self, task: Task) -> Record | None:
        """Return the record of a block that is up to date; ``None`` if it is stale."""

    @abstractmethod
    def make(self, task: Task, context: WorkerContext) -> Made:
        """Write a block, in any process."""

    def begin(self, lock: RunLock) -> None:
        """Begin the output, or refuse one that is something else."""

    def number(self, task: Task) -> int:
        """Return the number of a block, which decides the part it belongs to."""
        return int(task)  # type: ignore[call-overload, no-any-return]

    def size(self, task: Task) -> int:
        """Return the units of a block, as progress counts them."""
        return 1

    def records(self, tasks: Sequence[Task]) -> list[Record | None]:
        """Return the `record` of each block."""
        return self.output.map(self.record, tasks)

    def records_before(self, tasks: Sequence[Task]) -> list[Record | None]:
        """Return the records of all blocks as they are when the run starts."""
        return self.records(tasks)

    def is_made_again(self, record: Record) -> bool:
        """Whether to make a block again although it is up to date."""
        return False

    def batches(self, tasks: list[Task], engine: str, workers: int) -> list[list[Task]]:
        """Group the blocks of this part into batches, each done by one process."""
        return [[task] for task in tasks]

    def make_all(self, tasks: list[Task], context: WorkerContext) -> Iterator[Made | FailedBlock]:
        """Make blocks, except those that another run has made in the meantime."""
        for task in tasks:
            context.lock.check()
            if self.record(task) is None:
                yield self.make(task, context)
            else:
                context.progress.tick(self.size(task), 0, 0)

    def retract(self) -> None:
        """Remove the files that mark the output as finished, before blocks change."""

    def sweep(self) -> None:
        """Remove files that stopped processes left; the lock removes unfinished ones."""

    def finish(self, run: StageRun[Record, Made]) -> Any:
        """Write the files that finish the output, when all blocks are up to date."""

    def run(
        self,
        launch: Launch | None = None,
        *,
        workers: int | None = None,
        progress: Progress | None = None,
    ) -> StageRun[Record, Made]:
        """Make the stale blocks of this part; the part that finds all done finishes the output.

        Parameters
        ----------
        launch
            Where it runs, and as which part of a run; alone by default.
        workers
            Processes; as many as there are processors by default.

        Raises
        ------
        UsageError
            Another run holds the output, or the output is something else.
        TakenOverError
            Another run took the output over.
        WorkerDiedError
            A process was killed.
        """
        launch, progress = launch or Launch(), progress or Progress()
        with acquire(self.output, launch) as lock:
            self.begin(lock)
            tasks = list(self.tasks())
            records = self._by_number(tasks, self.records_before(tasks))
            stale = [task for task in tasks if self._is_stale(task, records)]
            mine = [task for task in stale if launch.takes(self.number(task))]
            if mine:
                lock.check()  # another run may have finished the output since
                self.retract()
            made, failed = self._make(mine, lock, launch, workers, progress)
            kept = {n: r for n, r in records.items() if not self.is_made_again(r)}
            records = dict(sorted((kept | self._known(stale)).items()))
            left = len({self.number(task) for task in tasks} - records.keys() - failed.keys())
            run = StageRun(
                blocks=len(tasks), records=records, made=made, failed=failed, left=left,
                done=len(mine) - len(failed),
            )  # fmt: skip
            if not left and not (failed and launch.part):
                lock.check()
                run = replace(run, finished=self.finish(run))
                lock.release()
        return run

    def _known(self, tasks: list[Task]) -> dict[int, Record]:
        """Return the records of the blocks that are up to date now, by number."""
        return self._by_number(tasks, self.records(tasks))

    def _by_number(self, tasks: list[Task], records: Sequence[Record | None]) -> dict[int, Record]:
        found = zip(tasks, records, strict=True)
        return {self.number(task): record for task, record in found if record is not None}

    def _is_stale(self, task: Task, records: dict[int, Record]) -> bool:
        record = records.get(self.number(task))
        return record is None or self.is_made_again(record)

    def _make(
        self,
        tasks: list[Task],
        lock: RunLock,
        launch: Launch,
        workers: int | None,
        progress: Progress,
    ) -> tuple[list[Made], dict[int, str]]:
        """Make blocks; return the results, and the reasons of failed blocks."""
        progress.start(sum(map(self.size, tasks)), self.unit)
        made: list[Made] = []
        failed: dict[int, str] = {}
        batches = self.batches(tasks, launch.engine, workers or cpu_count()) if tasks else []
        try:
            for _batch, done in run_tasks(
                _work, batches, workers=workers, start=_start_worker, args=(self, lock),
                progress=progress, engine=launch.engine, on_gpu=self.on_gpu,
            ):  # fmt: skip
                made += [one for one in done if not isinstance(one, FailedBlock)]
                failed |= {one.number: one.reason for one in done if isinstance(one, FailedBlock)}
        except self.survives as error:  # blocks that were not tried fail for the same reason
            done_numbers = self._known(tasks)
            numbers = [self.number(task) for task in tasks]
            failed = {n: str(error) for n in numbers if n not in done_numbers} | failed
        finally:
            # Another run that has taken the output over may be writing what no record names yet.
            if tasks and not lock.shared and lock.is_held():
                self.sweep()
        return made, dict(sorted(failed.items()))

    def __getstate__(self) -> dict[str, Any]:
        """Return the fields alone: another process opens its own resources."""
        return {one.name: getattr(self, one.name) for one in fields(self)}  # type: ignore[arg-type]

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore the fields."""
        self.__dict__.update(state)


_worker: tuple[Stage[Any, Any, Any], WorkerContext] | None = None


def _start_worker(stage: Stage[Any, Any, Any], lock: RunLock, counters: Counters) -> None:
    global _worker  # noqa: PLW0603 - kept by a process of the pool between batches
    _worker = stage, WorkerContext(lock, Progress(counters=counters))


def _work(tasks: list[Any]) -> list[Any]:
    if _worker is None:
        msg = "the worker was not started by its pool"
        raise RuntimeError(msg)
    stage, context = _worker
    return list(stage.make_all(tasks, context))
