"""Disks that fill up at a random place in every stage, and what the same command makes of it.

::

    python -m tests.reliability.disks --times 10

A stage writes to a small disk of its own, a tmpfs of a random size below what it needs. It must
end with an error of one line; with room, the same command must leave the bytes of an undisturbed
run. Needs the right to mount.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from biomedica_dataset.errors import BiomedicaError

from .laboratory import Laboratory, differing
from .stages import STAGES, Place, do, quiet

if TYPE_CHECKING:
    from collections.abc import Iterator

_PAGE = 4096
_ROOM = 256 * 2**20


def told(stage: str, place: Place, output: str, errors: str) -> None:
    """Do a stage in this process; write what the command would say, or a traceback."""
    quiet()
    try:
        do(stage, place, output, 1)
    except BiomedicaError as error:
        Path(errors).write_text(str(error))
        sys.exit(error.exit_code)
    except BaseException:
        Path(errors).write_text(traceback.format_exc())
        raise


@contextlib.contextmanager
def disk(folder: Path, size: int) -> Iterator[None]:
    """Put an empty disk of so many bytes at a folder."""
    folder.mkdir(exist_ok=True)
    _mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder)
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


def _mount(*options: object) -> None:
    subprocess.run(["mount", *map(str, options)], check=True, capture_output=True)


def fill(laboratory: Laboratory, stage: str, times: int, seed: int) -> tuple[int, list[str]]:
    """Fill so many disks; return how many were full before the end, and what came out other."""
    rng, wrong, full = random.Random(f"{stage} {seed}"), [], 0
    place = laboratory.temporary if stage == "push" else laboratory.output(stage)
    with disk(place, _ROOM):
        laboratory.clear(stage)
        least = _used(place) + 1
        _run(laboratory, stage)
        expected = laboratory.result(stage)
        most = max(sum(-(-p.stat().st_size // _PAGE) + 1 for p in place.rglob("*")), 8)
    while full < times and least <= most:
        pages = rng.randint(least, most)
        with disk(place, pages * _PAGE):
            laboratory.clear(stage)
            code, said = _run(laboratory, stage)
            if code == 0:
                most = pages - 1  # so much is enough
                continue
            full += 1
            _mount("-o", f"remount,size={_ROOM}", place)
            again, _said = _run(laboratory, stage)
            names = differing(laboratory.result(stage), expected)
        is_told = code == 1 and "No space left" in said and len(said.splitlines()) == 1
        if again or names or not is_told:
            wrong.append(f"{stage}, {pages} pages: exit {code}, then {again}, {names}: {said}")
    return full, wrong


def _used(place: Path) -> int:
    """Return the pages that a disk has in use."""
    found = os.statvfs(place)
    return found.f_blocks - found.f_bfree


def _run(laboratory: Laboratory, stage: str) -> tuple[int, str]:
    errors = laboratory.place.path("errors")
    output = str(laboratory.output(stage))
    Path(errors).write_text("")
    process = laboratory.start(told, stage, laboratory.place, output, errors)
    process.join()
    return process.exitcode or 0, Path(errors).read_text()


def main() -> None:
    """Fill so many disks in each stage, and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=list(STAGES))
    given = parser.parse_args()
    failed = False
    with (
        tempfile.TemporaryDirectory() as folder,
        Laboratory(Path(folder), given.stages) as laboratory,
    ):
        for stage in given.stages:
            full, wrong = fill(laboratory, stage, given.times, given.seed)
            print(f"{stage}: {full} disks full, {len(wrong)} came out other", flush=True)
            print(*wrong, sep="\n", end="\n" if wrong else "", flush=True)
            failed = failed or bool(wrong)
    sys.exit(failed)


if __name__ == "__main__":
    main()
