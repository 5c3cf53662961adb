"""A run of embed: brings the vectors of every block into agreement with the archive."""

from __future__ import annotations

import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from biomedica_dataset.annotation.blocks import block_name, read_record, stale_blocks
from biomedica_dataset.archive.ledger import Archive
from biomedica_dataset.engine.launch import Launch
from biomedica_dataset.engine.lock import acquire
from biomedica_dataset.engine.pool import cpu_count
from biomedica_dataset.engine.progress import Progress
from biomedica_dataset.engine.report import Tally, told_part, total
from biomedica_dataset.errors import UsageError
from biomedica_dataset.extras import require
from biomedica_dataset.io.folders import Folder

from .block_encoder import BlockEncoder, is_stale, made_of
from .encoder import DEFAULT_MODEL
from .on_ray import Model, encode_with_ray, identify
from .vectors import Embeddings

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Sequence

    from .block_encoder import EncodedBlock
    from .encoder import Encoder, Preprocess


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedReport:
    """What a run of embed made.

    Parameters
    ----------
    counts
        Images by what became of them, of all blocks.
    written
        Blocks written by this run, of ``blocks``.
    left
        Blocks of other parts of the run that are not done.
    encoded
        Images that went through the model in this run.
    waited
        Share of the run in which the model did not work; ``None`` where none was encoded.
    """

    model: str
    counts: dict[str, int]
    blocks: int
    written: int
    left: int = 0
    encoded: int
    waited: float | None
    problems: list[str]

    def __str__(self) -> str:
        """Return the report in words."""
        lines = [f"vectors of {self.model}", *Tally.of(self.counts).lines("images")]
        lines += [f"no vector: {problem}" for problem in self.problems[:20]]
        if self.left:
            return "\n".join([*lines, told_part(self.written, self.left, "blocks")])
        if not self.written:
            return "\n".join([*lines, "nothing to do: the vectors agree with the archive"])
        lines.append(
            f"{self.written:,} of {self.blocks:,} blocks written, {self.encoded:,} images encoded"
        )
        if self.waited is not None:
            lines.append(f"the model waited for pictures {self.waited:.0%} of the time")
        return "\n".join(lines)


def embed(  # noqa: PLR0913 - each is given by name
    archive: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    model: str = DEFAULT_MODEL,
    revision: str | None = None,
    preprocess: Preprocess = "fit",
    workers: int | None = None,
    devices: Sequence[str] | None = None,
    launch: Launch | None = None,
    progress: Progress | None = None,
    encoder: Encoder | None = None,
) -> EmbedReport:
    """Write the vectors of an archive's images, or bring those there into agreement with it.

    A vector depends on the bytes of its image and on what `ModelId` names, and on nothing else: a
    caption that changes costs nothing, a new image costs itself.

    Parameters
    ----------
    archive
        An archive.
    output
        New, empty, or written by an earlier run with the same model.
    model, revision, preprocess
        See `load_encoder`.
    workers
        Processes that decode pictures; one less than there are processors by default.
    devices
        Such as ``["cuda:0", "cuda:1"]``: each takes whole blocks. All GPUs by default, else the
        processor.
    launch
        On what it runs, and as which part of a run; alone by default. With Ray, each block has a
        GPU where the cluster has any, and ``workers`` processes that decode, 7 by default.
    encoder
        Another encoder than a model of transformers; it works on one device, its own.

    Raises
    ------
    UsageError
        There is no such archive or model, the output holds something else, or the model gives
        numbers that are none.
    """
    source, folder = Archive.open(archive), Folder(output)
    launch, progress = launch or Launch(), progress or Progress()
    loading = Model(model=model, revision=revision, preprocess=preprocess)
    encoders = _encoders(encoder, loading, devices, launch)
    identity = encoders[0].id if encoders else identify(loading)
    processes = max(1, cpu_count() - 1) if workers is None else workers
    with acquire(folder, launch) as lock:
        there = Embeddings.begin(folder, source.width, identity)
        blocks = source.blocks()
        fingerprint_of = partial(made_of, source)
        todo = stale_blocks(folder, blocks, fingerprint_of)
        mine = [block for block in todo if launch.takes(block)]
        progress.start(len(mine), "blocks")
        started = time.perf_counter()
        if encoders:
            runs = [BlockEncoder(source, there, one, progress) for one in encoders]
            due = partial(is_stale, source, folder, lock=lock, progress=progress)
            with progress.shown():
                made = [one for _block, one in _all(runs, mine, due, processes)]
        else:
            options: Any = {"processes": workers, "lock": lock, "progress": progress}
            done = encode_with_ray(there, source, mine, model=loading, **options)
            made = [one for _block, one in done]
        spent = (time.perf_counter() - started) * len(encoders)
        left = len(stale_blocks(folder, todo, fingerprint_of))
        if not left:
            lock.check()
            for gone in set(there.blocks()) - set(blocks):
                folder.remove(block_name(gone))
            lock.release()
    encoded, worked = sum(one.encoded for one in made), sum(one.seconds for one in made)
    read = folder.map(partial(read_record, folder), blocks)
    records = [record for record in read if record is not None]
    return EmbedReport(
        model=str(identity),
        counts=total(record.counts for record in records),
        blocks=len(blocks),
        written=len(made),
        left=left,
        encoded=encoded,
        waited=max(0.0, 1 - worked / spent) if encoded and spent else None,
        problems=[problem for record in records for problem in record.problems],
    )


def _encoders(
    encoder: Encoder | None, model: Model, devices: Sequence[str] | None, launch: Launch
) -> list[Encoder]:
    """Return the encoders of this process; with Ray each process has one of its own."""
    if launch.engine != "ray":
        return [encoder] if encoder else [model.load(one) for one in devices or _devices()]
    if encoder or devices:
        msg = "encoder and devices are those of this process; with Ray, name a model alone"
        raise UsageError(msg)
    return []


def _devices() -> list[str]:
    torch = require("torch", "embed")
    return [f"cuda:{number}" for number in range(torch.cuda.device_count())] or ["cpu"]


def _all(
    encoders: Sequence[BlockEncoder],
    todo: list[int],
    due: Callable[[int], bool],
    processes: int,
) -> Iterator[tuple[int, EncodedBlock]]:
    """Yield what became of blocks; each device takes the next one that nobody has begun."""
    if not todo:
        return
    waiting, ended = iter(todo), threading.Event()
    each = -(-processes // len(encoders))
    if len(encoders) == 1:
        yield from encoders[0].blocks(filter(due, waiting), each)
        return

    def work(encoder: BlockEncoder) -> list[tuple[int, EncodedBlock]]:
        try:
            own = itertools.takewhile(lambda _block: not ended.is_set(), waiting)
            return list(encoder.blocks(filter(due, own), each))
        except BaseException:
            ended.set()  # the others are to end as well
            raise

    with ThreadPoolExecutor(len(encoders)) as pool:
        try:
            for made in pool.map(work, encoders):
                yield from made
        finally:
            ended.set()
