"""Blocks through models on a cluster of Ray, a model and a GPU, if there are any, a process."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from biomedica_dataset.archive.ledger import Archive
from biomedica_dataset.engine.pool import run_tasks
from biomedica_dataset.engine.progress import Progress

from .block_encoder import BlockEncoder, is_stale
from .encoder import load_encoder
from .vectors import Embeddings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from biomedica_dataset.engine.lock import RunLock
    from biomedica_dataset.engine.progress import Counters

    from .block_encoder import EncodedBlock
    from .encoder import Encoder, Preprocess
    from .model_id import ModelId

_DECODERS = 7  # processes that decode pictures beside a model
_TOGETHER = 4  # blocks a task: the next one is read while the model works


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What a process loads: see `load_encoder`."""

    model: str
    revision: str | None
    preprocess: Preprocess

    def load(self, device: str | None = None) -> Encoder:
        """Return the encoder."""
        options: Any = {"revision": self.revision, "preprocess": self.preprocess}
        return load_encoder(self.model, device=device, **options)


def identify(model: Model) -> ModelId:
    """Return what a model is on the cluster: its type of numbers depends on the machines."""
    asked = run_tasks(
        _identify,
        [model],
        workers=None,
        start=_start_nothing,
        args=(),
        progress=Progress(),
        engine="ray",
        on_gpu=True,
    )
    return next(identity for _model, identity in list(asked))


def encode_with_ray(
    there: Embeddings,
    archive: Archive,
    blocks: list[int],
    *,
    model: Model,
    processes: int | None,
    lock: RunLock,
    progress: Progress,
) -> Iterator[tuple[int, EncodedBlock]]:
    """Yield what became of blocks, as they are done.

    Parameters
    ----------
    processes
        That decode pictures, for each model; 7 by default.
    """
    done = run_tasks(
        _work,
        [blocks[start : start + _TOGETHER] for start in range(0, len(blocks), _TOGETHER)],
        workers=None,
        start=_start_worker,
        args=(
            archive.folder.url,
            there.folder.url,
            model,
            _DECODERS if processes is None else processes,
            lock,
        ),
        progress=progress,
        engine="ray",
        on_gpu=True,
    )
    for _blocks, made in done:
        yield from made


def _identify(model: Model) -> ModelId:
    return model.load().id


def _start_nothing(_counters: Counters) -> None:
    pass


@dataclass(frozen=True, slots=True)
class _Worker:
    archive: Archive
    there: Embeddings
    encoder: BlockEncoder
    processes: int
    lock: RunLock
    progress: Progress


_worker: _Worker | None = None


def _start_worker(
    archive: str, output: str, model: Model, processes: int, lock: RunLock, counters: Counters
) -> None:
    global _worker  # noqa: PLW0603 - what a process keeps between its tasks
    source, there, progress = (
        Archive.open(archive),
        Embeddings.open(output),
        Progress(counters=counters),
    )
    encoder = BlockEncoder(source, there, model.load(), progress)
    _worker = _Worker(source, there, encoder, processes, lock, progress)


def _work(blocks: list[int]) -> list[tuple[int, EncodedBlock]]:
    at = _worker
    if at is None:
        msg = "the worker was not started by its pool"
        raise RuntimeError(msg)
    due = partial(is_stale, at.archive, at.there.folder, lock=at.lock, progress=at.progress)
    return list(at.encoder.blocks(filter(due, blocks), at.processes))
