"""Where runs of stages are disturbed: a bucket, a Hub, outputs, processes that begin at once."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from contextlib import ExitStack
from multiprocessing import get_context, util
from typing import TYPE_CHECKING, Any

from .stages import REPOSITORY, Place, before, left, prepare

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

_LOADED = [
    "biomedica_dataset.extraction.extract", "biomedica_dataset.annotation.embeddings.embed",
    "biomedica_dataset.annotation.clusters.cluster", "biomedica_dataset.serialization.serialize",
    "biomedica_dataset.annotation.labels.label", "biomedica_dataset.annotation.review.sheets",
    "biomedica_dataset.annotation.panels.find_stage", "rapidocr",
    "biomedica_dataset.annotation.look.look", "biomedica_dataset.annotation.duplicates.duplicates",
    "biomedica_dataset.search.build", "biomedica_dataset.serialization.add_attribute", "tantivy",
    "biomedica_dataset.webdataset.export", "biomedica_dataset.subset.select",
    "biomedica_dataset.pubmed.mesh.mesh", "biomedica_dataset.clip.train.train",
    "biomedica_dataset.hub.push", "biomedica_dataset.hub.staging",
    "obstore", "torch", "transformers", "open_clip", "open_clip_train.distributed",
    "sklearn.cluster", "matplotlib.pyplot", "torch.utils.tensorboard", "tests.reliability.stages",
]  # fmt: skip
"""A process that has these already begins at once, and ends in its work, not in its imports."""


class Laboratory:
    """What stages need, in a folder; outputs begin from nothing and are compared.

    Parameters
    ----------
    stages
        Those that will be done.
    latency
        Seconds before each answer of the bucket, a server; without it, the bucket is a folder.
    """

    def __init__(self, folder: Path, stages: Sequence[str], latency: float | None = None) -> None:
        self._folder, self._stages, self._latency = folder, stages, latency
        self.temporary = folder / "temporary"
        self.processes = get_context("forkserver")
        self.processes.set_forkserver_preload(_LOADED)
        self._stack = ExitStack()

    def __enter__(self) -> Laboratory:
        from biomedica_dataset.sample.bucket import write_bucket

        from ..hub.server import Hub
        from ..servers import BucketServer

        write_bucket(self._folder / "bucket")
        self.temporary.mkdir()
        util.get_temp_dir()  # made before the processes have another place for what they leave
        self._hub = Hub()
        threading.Thread(target=self._hub.serve_forever, daemon=True).start()
        self._stack.callback(self._hub.server_close)
        self._stack.callback(self._hub.shutdown)
        os.environ |= {
            "HF_ENDPOINT": self._hub.url, "HF_TOKEN": "hf_writer", "HF_HUB_DISABLE_XET": "1",
            "HF_HOME": str(self._folder / "home"), "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "OMP_NUM_THREADS": "1", "TMPDIR": str(self.temporary),
        }  # fmt: skip
        tempfile.tempdir = None
        bucket = str(self._folder / "bucket")
        place = Place(bucket, str(self._folder))
        prepare(place, self._stages)
        if self._latency is not None:
            server = BucketServer(self._folder / "bucket", latency=self._latency)
            place = Place(self._stack.enter_context(server).url, place.root)
        self.place = place
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def output(self, stage: str) -> Path:
        """Return where a stage is disturbed."""
        return self._folder / f"{stage}-output"

    def clear(self, stage: str) -> None:
        """Make room for a run from the beginning."""
        if stage == "push":
            self._hub.reset()
        elif self.output(stage).is_mount():
            for path in self.output(stage).iterdir():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        else:
            shutil.rmtree(self.output(stage), ignore_errors=True)
        before(stage, self.place, str(self.output(stage)))

    def result(self, stage: str) -> dict[str, Any]:
        """Return what a stage has left."""
        if stage == "push":
            return dict(self._hub.repos[REPOSITORY].files)
        return left(stage, self.output(stage))

    def start(self, target: Callable[..., None], *arguments: object) -> Any:
        """Start a function in a process of its own, and return the process."""
        process = self.processes.Process(target=target, args=arguments)
        process.start()
        return process


def differing(found: dict[str, Any], expected: dict[str, Any]) -> list[str]:
    """Return the first names whose content differs."""
    return sorted(n for n in {*found, *expected} if found.get(n) != expected.get(n))[:5]
