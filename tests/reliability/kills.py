"""Runs that are killed at random moments, and what the next run makes of it.

::

    python -m tests.reliability.kills --times 50

A run goes its way undisturbed; then it is killed so many times, each time from the beginning and
at another moment, and done again. What it leaves is compared byte by byte.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import shutil
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

STAGES = ("extract", "embed", "serialize", "push")
_INVENTORY = "2026-11-20T01-00Z"
_LATENCY = 0.03  # seconds: without any, extract would be over before it is well begun
# A process that has these already begins at once, and is killed in its work, not in its imports.
_LOADED = [
    "biomedica_dataset.extraction.extract", "biomedica_dataset.annotation.embeddings.embed",
    "biomedica_dataset.serialization.serialize", "biomedica_dataset.hub.staging",
    "obstore", "torch", "transformers",
]  # fmt: skip


@dataclass(frozen=True)
class Place:
    """Where a stage finds what it needs, as text for another process."""

    bucket: str
    archive: str
    encoder: str
    dataset: str


def do(stage: str, place: Place, output: str, workers: int) -> None:
    """Do a stage, in a process of its own."""
    if stage == "extract":
        from biomedica_dataset.extraction.extract import extract

        extract(place.bucket, output, inventory=_INVENTORY, workers=workers)
    elif stage == "embed":
        from biomedica_dataset.annotation.embeddings.embed import embed

        embed(place.archive, output, model=place.encoder, workers=workers - 1)
    elif stage == "serialize":
        from biomedica_dataset.serialization.serialize import serialize

        serialize(place.archive, output, workers=workers)
    else:
        from biomedica_dataset.hub.push import push_to_hub

        push_to_hub(place.dataset, "me/biomedica")


def tree(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file below a folder, unfinished ones too."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


class Experiment:
    """Kills runs of one stage.

    Parameters
    ----------
    clear, result
        Make room for a run from the beginning, and say what one has left.
    """

    def __init__(
        self,
        stage: str,
        place: Place,
        output: Path,
        clear: Callable[[], object],
        result: Callable[[], Mapping[str, object]],
    ) -> None:
        self.stage, self._place, self._output = stage, place, output
        self._clear, self._result = clear, result
        self._processes = get_context("forkserver")
        self._processes.set_forkserver_preload(_LOADED)

    def run(self, times: int, seed: int) -> tuple[int, list[str]]:
        """Kill so many runs; return how many more ended before they could be, and what is wrong.

        A moment is drawn from the time that an undisturbed run took, or the last that ended before.
        """
        rng, early, struck, wrong = random.Random(f"{self.stage} {seed}"), 0, 0, list[str]()
        whole = {workers: self._undisturbed(workers) for workers in (1, 2)}
        expected = self._result()
        while struck < times:
            workers = 2 if struck % 5 == 4 else 1  # two take long to begin
            self._clear()
            moment, started = rng.uniform(0, whole[workers]), time.monotonic()
            process = self._begin(workers)
            process.join(moment)
            process.kill()
            process.join()
            if process.exitcode == 0:
                whole[workers], early = time.monotonic() - started, early + 1
                continue
            struck += 1
            again = self._begin(workers)
            again.join()
            if again.exitcode or self._result() != expected:
                wrong.append(f"{self.stage}, {workers} workers, killed after {moment:.3f} s")
        return early, wrong

    def _undisturbed(self, workers: int) -> float:
        self._clear()
        started = time.monotonic()
        process = self._begin(workers)
        process.join()
        if process.exitcode:
            msg = f"{self.stage} ends with {process.exitcode} without being disturbed"
            raise RuntimeError(msg)
        return time.monotonic() - started

    def _begin(self, workers: int):
        arguments = (self.stage, self._place, str(self._output), workers)
        process = self._processes.Process(target=do, args=arguments)
        process.start()
        return process


def kill(
    folder: Path, stages: list[str], times: int, seed: int
) -> dict[str, tuple[int, list[str]]]:
    """Return by stage how many runs ended before they could be killed, and what came out other."""
    from biomedica_dataset.sample.bucket import write_bucket
    from biomedica_dataset.sample.encoder import write_encoder

    from ..hub.server import Hub
    from ..servers import BucketServer

    write_bucket(folder / "bucket")
    hub, found = Hub(), {}
    threading.Thread(target=hub.serve_forever, daemon=True).start()
    os.environ |= {
        "HF_ENDPOINT": hub.url, "HF_TOKEN": "hf_writer", "HF_HUB_DISABLE_XET": "1",
        "HF_HOME": str(folder / "home"), "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    with BucketServer(folder / "bucket", latency=_LATENCY) as server:
        places = [str(folder / name) for name in ("archive", "encoder", "dataset")]
        place = Place(server.url, *places)
        if set(stages) != {"extract"}:
            do("extract", place, place.archive, 1)
            write_encoder(Path(place.encoder))
            do("serialize", place, place.dataset, 1)
        for stage in stages:
            output = folder / f"{stage}-output"
            if stage == "push":
                experiment = Experiment(stage, place, output, hub.reset, lambda: _published(hub))
            else:
                experiment = Experiment(
                    stage, place, output,
                    lambda output=output: shutil.rmtree(output, ignore_errors=True),
                    lambda output=output: tree(output),
                )  # fmt: skip
            found[stage] = experiment.run(times, seed)
    hub.shutdown()
    hub.server_close()
    return found


def _published(hub) -> dict[str, bytes]:
    return dict(hub.repos["me/biomedica"].files)


def main() -> None:
    """Kill so many runs of each stage, and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=list(STAGES))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = kill(Path(folder), given.stages, given.times, given.seed)
    for stage, (early, wrong) in found.items():
        told = f"{early} more had ended before, {len(wrong)} came out other"
        print(f"{stage}: {given.times} runs killed, {told}")
        print(*wrong, sep="\n", end="\n" if wrong else "")
    sys.exit(any(wrong for _early, wrong in found.values()))


if __name__ == "__main__":
    main()
