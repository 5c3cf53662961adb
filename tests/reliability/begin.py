"""Six launchers that begin one new output in the same moment: how each ends, and what is left.

::

    python -m tests.reliability.begin --times 100 --where s3

``alone``: one does it, and the others are told that it is held. ``take-over``: all try to take it
over; the last has it, and those that had it say so. ``run-id``: members of one run. ``parts``: each
makes a sixth. Whoever ends how, there is one result, that of an undisturbed run.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biomedica_dataset.engine.launch import Launch, Part
from biomedica_dataset.errors import BiomedicaError, RunEndedError, TakenOverError
from biomedica_dataset.io.folders import Folder

from ..servers.moto import credentials, s3_server
from .laboratory import Laboratory, differing
from .stages import BLOCKS, Place, do, quiet

if TYPE_CHECKING:
    from collections.abc import Iterator

COUNT = 6
HOW = ("alone", "take-over", "run-id", "parts")
_HELD = "is held by another run"
_WAIT = 60  # seconds


def launcher(number: int, stage: str, place: Place, barrier: Any, orders: Any, ends: Any) -> None:
    """Do a stage whenever told to, at the same moment as others; tell how it ended."""
    quiet()
    for output, how in iter(orders.get, None):
        launch = {
            "alone": Launch(),
            "take-over": Launch(take_over=True),
            "run-id": Launch(run_id="together"),
            "parts": Launch(run_id="together", part=Part(number + 1, COUNT)),
        }[how]
        barrier.wait(_WAIT)
        try:
            do(stage, place, output, 1, launch)
        except BiomedicaError as error:
            ends.put((type(error), str(error)))
        else:
            ends.put((None, ""))


def allowed(how: str, kind: type[BiomedicaError] | None, said: str) -> bool:
    """Whether a launcher may end so."""
    if how == "alone":
        return kind is None or _HELD in said
    return kind in ((None, TakenOverError) if how == "take-over" else (None, RunEndedError))


def objects(url: str) -> dict[str, str]:
    """Return the SHA-256 of every file or object of an output."""
    folder = Folder(url)
    found = folder.filesystem.find(folder.root)
    names = (name.removeprefix(f"{folder.root}/") for name in found)
    return {name: folder.sha256(name) for name in names}


class Launchers:
    """Six processes that wait to begin a stage."""

    def __init__(self, laboratory: Laboratory, stage: str) -> None:
        context = laboratory.processes
        self._barrier, self._ends = context.Barrier(COUNT), context.Queue()
        self._orders = [context.Queue() for _ in range(COUNT)]
        self._started = [
            laboratory.start(
                launcher, number, stage, laboratory.place, self._barrier, orders, self._ends
            )
            for number, orders in enumerate(self._orders)
        ]

    def begin(self, output: str, how: str) -> list[str]:
        """Let all begin, and return what those say that end as they must not."""
        for orders in self._orders:
            orders.put((output, how))
        ends = [self._ends.get(timeout=_WAIT) for _ in range(COUNT)]
        wrong = [f"{kind}: {said}" for kind, said in ends if not allowed(how, kind, said)]
        return wrong if any(kind is None for kind, _said in ends) else [*wrong, "nobody ended well"]

    def close(self) -> None:
        """Let the processes end."""
        for orders in self._orders:
            orders.put(None)
        for process in self._started:
            process.join()


def begin(laboratory: Laboratory, stage: str, how: str, root: str, times: int) -> list[str]:
    """Begin so many outputs below an address; return what came out other."""
    wrong = []
    do(stage, laboratory.place, f"{root}/{stage}-calm", 1)
    expected = objects(f"{root}/{stage}-calm")
    with contextlib.closing(Launchers(laboratory, stage)) as launchers:
        for number in range(times):
            output = f"{root}/{stage}-{how}-{number}"
            told = launchers.begin(output, how)
            names = differing(objects(output), expected)
            if told or names:
                wrong.append(f"{stage}, {how}, number {number}: {names} {told}")
            Folder(output).filesystem.rm(Folder(output).root, recursive=True)
    return wrong


@contextlib.contextmanager
def root(where: str, folder: Path) -> Iterator[str]:
    """Yield where outputs go: a folder, or a bucket of a server of ours."""
    if where == "disk":
        yield str(folder / "outputs")
        return
    with s3_server(folder / "s3.log") as address:
        os.environ |= credentials(address)
        Folder("s3://outputs").filesystem.mkdir("outputs")
        yield "s3://outputs"


def main() -> None:
    """Begin so many outputs in each way, and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--where", choices=["disk", "s3"], default="disk")
    parser.add_argument("--how", nargs="+", choices=HOW, default=list(HOW))
    parser.add_argument("--stages", nargs="+", choices=BLOCKS, default=["extract", "serialize"])
    given, failed = parser.parse_args(), False
    with (
        tempfile.TemporaryDirectory() as folder,
        root(given.where, Path(folder)) as outputs,
        Laboratory(Path(folder), given.stages) as laboratory,
    ):
        for stage in given.stages:
            for how in given.how:
                wrong = begin(laboratory, stage, how, outputs, given.times)
                what = f"{stage}, {given.where}, {how}: {given.times} times"
                print(f"{what}, {len(wrong)} came out other", flush=True)
                print(*wrong, sep="\n", end="\n" if wrong else "", flush=True)
                failed = failed or bool(wrong)
    sys.exit(failed)


if __name__ == "__main__":
    main()
