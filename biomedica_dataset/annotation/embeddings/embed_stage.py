"""The stage that encodes the images of an archive."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, ClassVar

from biomedica_dataset.annotation.block_stage import ArchiveStage
from biomedica_dataset.annotation.panels.panels import Panels

from .block_encoder import BlockEncoder, EncodedBlock, block_fingerprint
from .vectors import Embeddings, EmbeddingsHeader

if TYPE_CHECKING:
    from biomedica_dataset.annotation.blocks import BlockRecord
    from biomedica_dataset.annotation.look.look import LookStage
    from biomedica_dataset.engine.lock import RunLock
    from biomedica_dataset.engine.stage import WorkerContext

    from .encoder import Encoder, EncoderSpec
    from .model_id import ModelId

_TOGETHER = 4  # blocks per Ray task: the next one is read while the model works


@dataclass(frozen=True)
class EmbedStage(ArchiveStage[EncodedBlock]):
    """Encodes the images of each block.

    Parameters
    ----------
    panels_url
        Folder of panels by which figures are split.
    identity
        The model identity that the vectors depend on.
    decoders
        Decoding processes, shared by all encoders of a process.
    encoders
        The encoders of this process; other processes load the model themselves.
    on_error
        Whether to ``skip`` an image that cannot be decoded, or ``raise`` an error.
    look
        Writes the measures of the same images on the way.
    decode_on
        The device of each encoder that decodes JPEGs for it; none if this package's decoder does.
    """

    on_gpu: ClassVar[bool] = True

    model: EncoderSpec
    identity: ModelId
    decoders: int
    panels_url: str | None = None
    encoders: tuple[Encoder, ...] = field(default=(), compare=False)
    on_error: str = "skip"
    look: LookStage | None = None
    decode_on: tuple[str, ...] = ()

    @cached_property
    def panels(self) -> Panels | None:
        """The panels by which figures are split."""
        return None if self.panels_url is None else Panels.open(self.panels_url)

    @cached_property
    def loaded(self) -> tuple[Encoder, ...]:
        """The encoders of this process."""
        return self.encoders or (self.model.load(),)

    def begin(self, lock: RunLock) -> None:
        """Begin the folder of vectors."""
        Embeddings.begin(self.output, EmbeddingsHeader(self.archive.width, self.identity))

    def fingerprint(self, task: int) -> str:
        """Return the fingerprint of a block's articles, and of their panels."""
        return block_fingerprint(self.archive, self.panels, task)

    def record(self, task: int) -> BlockRecord | None:
        """Return the record of a block whose articles have not changed, nor their measures."""
        record = super().record(task)
        if self.look is not None and self.look.record(task) is None:
            return None
        is_refused = record is not None and record.problems and self.on_error == "raise"
        return None if is_refused else record

    def batches(self, tasks: list[int], engine: str, workers: int) -> list[list[int]]:
        """Group blocks into batches for one model; without Ray, one batch has all."""
        step = _TOGETHER if engine == "ray" else len(tasks)
        return [tasks[start : start + step] for start in range(0, len(tasks), step)]

    def make(self, task: int, context: WorkerContext) -> EncodedBlock:
        """Encode one block."""
        encoder = self._block_encoders(context)[0]
        return next(made for _block, made in encoder.blocks([task], self.decoders))

    def make_all(self, tasks: list[int], context: WorkerContext) -> Iterator[EncodedBlock]:
        """Encode blocks; each device takes the next block that no other device has taken."""
        stale = filter(partial(self._is_still_stale, context=context), tasks)
        encoders = self._block_encoders(context)
        each = -(-self.decoders // len(encoders))
        if len(encoders) == 1:
            yield from (made for _block, made in encoders[0].blocks(stale, each))
        else:
            yield from _share_out(encoders, stale, each)

    def _block_encoders(self, context: WorkerContext) -> list[BlockEncoder]:
        there = Embeddings.open(self.url)
        return [
            BlockEncoder(
                archive=self.archive,
                panels=self.panels,
                output=there,
                encoder=encoder,
                progress=context.progress,
                on_error=self.on_error,
                look=self.look,
                device=device,
            )
            for encoder, device in zip_longest(self.loaded, self.decode_on)
        ]

    def _is_still_stale(self, task: int, context: WorkerContext) -> bool:
        """Whether a block is still stale; another run may have encoded it in the meantime."""
        context.lock.check()
        if self.record(task) is None:
            return True
        context.progress.tick(1, 0, 0)
        return False

    def __getstate__(self) -> dict[str, Any]:
        """Return the state for another process, which loads the model itself."""
        return {**super().__getstate__(), "encoders": ()}


def _share_out(
    encoders: Sequence[BlockEncoder], blocks: Iterator[int], decoders: int
) -> Iterator[EncodedBlock]:
    ended, taking = threading.Event(), threading.Lock()

    def mine() -> Iterator[int]:
        while not ended.is_set():
            with taking:
                block = next(blocks, None)
            if block is None:
                return
            yield block

    def work(encoder: BlockEncoder) -> list[EncodedBlock]:
        with ExitStack() as failed:
            failed.callback(ended.set)  # end the others as well
            done = [made for _block, made in encoder.blocks(mine(), decoders)]
            failed.pop_all()
        return done

    with ThreadPoolExecutor(len(encoders)) as pool:
        try:
            for made in pool.map(work, encoders):
                yield from made
        finally:
            ended.set()
