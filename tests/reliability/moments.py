"""Runs that end at every moment at which a file is made, renamed or removed, and what comes next.

::

    python -m tests.reliability.moments

A stage goes its way undisturbed. Then, for each call that makes, renames or removes a file or a
folder of its output, a run from nothing ends right before that call, without a word, as a killed
one does; the same command is run again, and what it leaves is compared byte by byte.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
from itertools import count
from pathlib import Path
from typing import Any

from .laboratory import Laboratory, differing
from .stages import STAGES, Place, do, quiet

_ENDED = 86
_CALLS = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink")


def do_until(moment: int, stage: str, place: Place, output: str) -> None:
    """Do a stage in this process, and end right before a call of that number."""
    lock, seen = threading.Lock(), count(1)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if _makes(event, arguments, (output, tempfile.gettempdir())):
            with lock:
                if next(seen) == moment:
                    os._exit(_ENDED)

    quiet()
    if moment:
        sys.addaudithook(hook)
    do(stage, place, output, 1)


def _makes(event: str, arguments: tuple[Any, ...], below: tuple[str, ...]) -> bool:
    """Whether a call makes, renames or removes something below these folders."""
    if event == "open":
        if not arguments[2] & os.O_CREAT:
            return False
    elif event not in _CALLS:
        return False
    paths = [os.fspath(one) for one in arguments[:2] if isinstance(one, (str, os.PathLike))]
    return any(str(path).startswith(below) for path in paths)


def try_moments(laboratory: Laboratory, stage: str, every: int) -> tuple[int, list[str]]:
    """Return how many moments were tried, and at which another outcome came."""
    wrong: list[str] = []
    laboratory.clear(stage)
    _end(laboratory, stage, 0)
    expected = laboratory.result(stage)
    tried = 0
    for moment in count(1, every):
        laboratory.clear(stage)
        if _end(laboratory, stage, moment) == 0:
            break
        tried += 1
        again = _end(laboratory, stage, 0)
        names = differing(laboratory.result(stage), expected)
        rest = sorted(path.name for path in laboratory.temporary.glob("*-scratch-*"))
        if again or names or rest:
            wrong.append(f"{stage}, before call {moment}: exit {again}, {names}, {rest}")
    return tried, wrong


def _end(laboratory: Laboratory, stage: str, moment: int) -> int:
    output = str(laboratory.output(stage))
    process = laboratory.start(do_until, moment, stage, laboratory.place, output)
    process.join()
    code = process.exitcode or 0
    process.close()
    if code not in ((0, _ENDED) if moment else (0, 1)):
        msg = f"{stage} ends with {code} at moment {moment}"
        raise RuntimeError(msg)
    return code


def main() -> None:
    """Try every moment of each stage, and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=list(STAGES))
    given = parser.parse_args()
    failed = False
    with (
        tempfile.TemporaryDirectory() as folder,
        Laboratory(Path(folder), given.stages) as laboratory,
    ):
        for stage in given.stages:
            tried, wrong = try_moments(laboratory, stage, given.every)
            print(f"{stage}: ended at {tried} moments, {len(wrong)} came out other", flush=True)
            print(*wrong, sep="\n", end="\n" if wrong else "", flush=True)
            failed = failed or bool(wrong)
    sys.exit(failed)


if __name__ == "__main__":
    main()
