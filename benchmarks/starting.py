"""What a second process costs or saves: extract and serialize, by the command, from its start.

    python benchmarks/starting.py [BUCKET ...]

Each BUCKET is a folder laid out as PMC's bucket; the time of two processes beside that of one
depends on how many samples it has. One and two take turns; the best round of each counts.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from options import BUCKET, ROOT, check


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("buckets", **BUCKET | {"nargs": "*", "default": [BUCKET["default"]]})
    parser.add_argument("--rounds", type=int, default=3)
    return parser


if __name__ == "__main__":
    check(arguments())


from biomedica_dataset.folder.manifest import read_manifest
from biomedica_dataset.io.folders import Folder


def main() -> None:
    options = arguments().parse_args()
    for bucket in options.buckets:
        with tempfile.TemporaryDirectory() as scratch:
            compare(bucket, Path(scratch), options.rounds)


def compare(bucket: Path, scratch: Path, rounds: int) -> None:
    best: dict[tuple[str, int], tuple[float, float]] = {}
    for number in range(rounds):
        for workers in (1, 2):
            place = scratch / f"{number}-{workers}"
            sources = {"extract": bucket, "serialize": place / "extract"}
            for stage, source in sources.items():
                took = seconds(stage, source, place / stage, "--workers", workers)
                known = best.get((stage, workers), took)
                best[stage, workers] = min(took[0], known[0]), min(took[1], known[1])
    samples = read_manifest(Folder(place / "serialize")).rows("all")
    for stage in sources:
        (wall, cpu), (wall_of_two, cpu_of_two) = best[stage, 1], best[stage, 2]
        print(
            f"{samples:,} samples, {stage}: one process {wall:.1f} s, {cpu:.1f} s of CPU; "
            f"two {wall_of_two / wall:.2f} of the time, {cpu_of_two / cpu:.2f} of the CPU"
        )


def seconds(stage: str, source: Path, output: Path, *rest: object) -> tuple[float, float]:
    """Return wall and CPU seconds of a command and of the processes it starts."""
    module = [sys.executable, "-m", "biomedica_dataset", stage, source, "-o", output, "--quiet"]
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    started = time.perf_counter()
    process = subprocess.Popen([*map(str, [*module, *rest])], env=env, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{stage} of {source} failed")
    return time.perf_counter() - started, used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
