"""Files of ours with one value changed, by the thousand, and how each entry point takes them.

::

    python -m tests.reliability.tamper --seconds 600         # --kept: only files of tests/data

Each place of each file is changed in turn, to values drawn by the seed; digests are made right
again. What reads the file must end well or in an error of one line, and give nothing away. The
time is shared evenly by the ways in: what reads each kind of file, what reads a dataset folder, and
the commands.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
import traceback
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from .tampering import GARBAGE, VALUES, Tampering, sign
from .test_tampering import (
    COMMANDS,
    FILES,
    OLD,
    READERS,
    finishes_or_refuses,
    make_route,
    read_dataset,
    refused,
    tamper,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Way = Callable[[Tampering], object]


def _read(route: Path, scratch: Path, what: str, tampering: Tampering) -> None:
    names = FILES[what]
    tamper(route, scratch / what, what, names[tampering.place % len(names)], tampering)
    refused(READERS[what], scratch / what)


def _do(route: Path, scratch: Path, what: str, command: str, tampering: Tampering) -> None:
    copy = shutil.copytree(route, scratch / "route")
    shutil.rmtree(copy / what)
    names = FILES[what]
    tamper(route, copy / what, what, names[tampering.place % len(names)], tampering)
    finishes_or_refuses(copy, command)


def _open(route: Path, scratch: Path, name: str, tampering: Tampering) -> None:
    (scratch / "secret.parquet").write_bytes(b"secret")
    folder = shutil.copytree(route / "biomedica", scratch / "biomedica")
    tampering.of(next(folder.glob(name)))
    sign(folder)
    read_dataset(folder, scratch)


def readers(route: Path, scratch: Path, kinds: Iterable[str]) -> dict[str, Way]:
    """Return what reads each kind of file, by its name."""
    return {f"files of {what}": partial(_read, route, scratch, what) for what in kinds}


def ways(route: Path, scratch: Path) -> dict[str, Way]:
    """Return each way in by its name: a function that reads what was tampered with."""
    datasets = {
        f"a dataset folder, {name}": partial(_open, route, scratch, name)
        for name in ("manifest.json", "index/*")
    }
    commands = {
        f"{command}, {what}": partial(_do, route, scratch, what, command)
        for what, command in COMMANDS
    }
    return readers(route, scratch, READERS) | datasets | commands


def attempt(way: Way, scratch: Path, seconds: float, seed: str) -> tuple[int, list[str]]:
    """Tamper for so long; return how often, and what ended otherwise than it may."""
    rng, wrong, end = random.Random(seed), [], time.monotonic() + seconds
    for place in count():
        if time.monotonic() > end:
            return place, wrong
        tampering = Tampering(place, rng.randrange(len(VALUES) + len(GARBAGE)))
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        try:
            way(tampering)
        except Exception:  # noqa: BLE001 - any is a finding
            wrong.append(f"{tampering}: {traceback.format_exc(limit=-3)}")
    raise AssertionError


def main() -> None:
    """Tamper with all files, and say how often and what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kept", action="store_true")
    given, total, failed = parser.parse_args(), 0, 0
    with tempfile.TemporaryDirectory() as folder:
        route, scratch = Path(folder, "route"), Path(folder, "scratch")
        if given.kept:
            found = readers(OLD, scratch, [what for what in READERS if (OLD / what).is_dir()])
        else:
            found = ways(make_route(route), scratch)
        for name, way in found.items():
            seed = f"{name} {given.seed}"
            tried, wrong = attempt(way, scratch, given.seconds / len(found), seed)
            total, failed = total + tried, failed + len(wrong)
            print(f"{name}: {tried:,} times, {len(wrong)} wrong", flush=True)
            print(*wrong, sep="\n", end="\n" if wrong else "", flush=True)
    print(f"{total:,} tamperings, {failed} wrong")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
