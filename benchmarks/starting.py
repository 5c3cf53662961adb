"""What a second process costs or saves, from the start of the command; and how soon there are rows.

    python benchmarks/starting.py [BUCKET ...]

Each BUCKET is a folder laid out as PMC's bucket; the time of two processes beside that of one
depends on how many samples it has. One and two take turns; the best round of each counts. Then five
articles are extracted over HTTP on this machine, serialized and loaded, by functions and by
commands, and ``biomedica demo`` runs. `embed` makes the vectors of ``classical``, which needs no
weights; its second process decodes images.
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


from extract import served

from biomedica_dataset.folder.manifest import read_manifest
from biomedica_dataset.io.folders import Folder

_STAGES = {
    "extract": "extract {bucket} -o {place}/extract --workers {workers}",
    "serialize": "serialize {place}/extract -o {place}/serialize --workers {workers}",
    "embed": "annotate embed {place}/extract -o {place}/embed --model classical --workers {more}",
    "assign": "annotate assign {clusters} {place}/embed -o {place}/assign --workers {workers}",
}
_CLUSTER = "annotate cluster {place}/embed -o {clusters} --components 12 --clusters 16"
_ROWS = """
import sys
from datasets import load_dataset
print(len(list(load_dataset(sys.argv[1], "all", split="train", cache_dir=sys.argv[2]))))
"""
_TOGETHER = """
import sys
from biomedica_dataset import extract, serialize
url, inventory, place, *pmcids = sys.argv[1:]
extract(url, f"{place}/archive", pmcids=pmcids, inventory=inventory)
serialize(f"{place}/archive", f"{place}/dataset")
sys.argv[1:] = [f"{place}/dataset", f"{place}/cache"]
"""


def main() -> None:
    options = arguments().parse_args()
    for bucket in options.buckets:
        with tempfile.TemporaryDirectory() as scratch:
            compare(bucket, Path(scratch), options.rounds)
        with tempfile.TemporaryDirectory() as scratch:
            load_five(bucket, Path(scratch), options.rounds)
    with tempfile.TemporaryDirectory() as scratch:
        wall, cpu = seconds(command("demo", f"{scratch}/demo"))
        print(f"demo: {wall:.1f} s, {cpu:.1f} s of CPU")


def compare(bucket: Path, scratch: Path, rounds: int) -> None:
    """Print the time of two processes beside that of one."""
    best: dict[tuple[str, int], tuple[float, float]] = {}
    clusters = scratch / "clusters"
    for number in range(rounds):
        for workers in (1, 2):
            place = scratch / f"{number}-{workers}"
            for stage, words in _STAGES.items():
                if stage == "assign" and not clusters.exists():
                    seconds(command(*_CLUSTER.format(place=place, clusters=clusters).split()))
                filled = words.format(
                    bucket=bucket, place=place, clusters=clusters, workers=workers, more=workers - 1
                )
                took = seconds(command(*filled.split()))
                known = best.get((stage, workers), took)
                best[stage, workers] = min(took[0], known[0]), min(took[1], known[1])
    samples = read_manifest(Folder(place / "serialize")).rows("all")
    for stage in _STAGES:
        (wall, cpu), (wall_of_two, cpu_of_two) = best[stage, 1], best[stage, 2]
        print(
            f"{samples:,} samples, {stage}: one process {wall:.1f} s, {cpu:.1f} s of CPU; "
            f"two {wall_of_two / wall:.2f} of the time, {cpu_of_two / cpu:.2f} of the CPU"
        )


def load_five(bucket: Path, scratch: Path, rounds: int) -> None:
    """Print how long five articles take from the start to loaded rows."""
    inventory = min((bucket / "inventory-reports").glob("*/metadata/*/manifest.json")).parent.name
    with_images = (one.stem for one in sorted(bucket.glob("metadata/*.json")) if _has_images(one))
    names = [name.partition(".")[0] for name, _ in zip(with_images, range(5), strict=False)]
    together, apart = [], []
    with served(bucket, 0) as url:
        for number in range(rounds):
            place = scratch / str(number)
            run = [sys.executable, "-c", _TOGETHER + _ROWS, url, inventory, f"{place}/a", *names]
            together.append(seconds(run))
            ids = [word for name in names for word in ("--pmcids", name)]
            archive, dataset = f"{place}/archive", f"{place}/dataset"
            steps = [
                command("extract", url, "-o", archive, "--inventory", inventory, *ids),
                command("serialize", archive, "-o", dataset),
                [sys.executable, "-c", _ROWS, dataset, f"{place}/cache"],
            ]
            took = [seconds(step) for step in steps]
            apart.append(tuple(map(sum, zip(*took, strict=True))))
    for name, found in (("functions of one process", together), ("commands", apart)):
        wall, cpu = (min(part) for part in zip(*found, strict=True))
        print(f"five articles to loaded rows, by {name}: {wall:.1f} s, {cpu:.1f} s of CPU")


def _has_images(metadata: Path) -> bool:
    folder = metadata.parents[1] / metadata.stem
    return any(path.suffix in (".jpg", ".png") for path in folder.glob("*"))


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "biomedica_dataset", *words, "--quiet"]


def seconds(words: list[str]) -> tuple[float, float]:
    """Return wall and CPU seconds of a command and of the processes it starts."""
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    started = time.perf_counter()
    process = subprocess.Popen(words, env=env, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{' '.join(words)} failed")
    return time.perf_counter() - started, used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
