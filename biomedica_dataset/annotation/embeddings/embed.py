"""`embed`: brings the vectors of every block up to date with the archive."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from biomedica_dataset.annotation.block_stage import BlocksReport
from biomedica_dataset.annotation.blocks import BlockRecord, read_record, remove_blocks_except
from biomedica_dataset.annotation.look.look import LookReport, LookStage
from biomedica_dataset.annotation.panels.panels import Panels
from biomedica_dataset.archive.ledger import Archive
from biomedica_dataset.engine.launch import Launch
from biomedica_dataset.engine.lock import acquire
from biomedica_dataset.engine.pool import cpu_count, run_tasks
from biomedica_dataset.engine.progress import Counters, Progress
from biomedica_dataset.engine.report import Tally, total
from biomedica_dataset.errors import UsageError
from biomedica_dataset.extras import require
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.suggest import one_of

from .embed_stage import EmbedStage
from .encoder import DEFAULT_MODEL, Encoder, EncoderSpec, Preprocess

if TYPE_CHECKING:
    from biomedica_dataset.engine.outcome import StageRun

    from .block_encoder import EncodedBlock
    from .model_id import ModelId

_RAY_DECODERS = 7  # processes that decode images for one model


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class EmbedReport(BlocksReport):
    """The result of a run of embed.

    Parameters
    ----------
    counts
        Number of images in all blocks, by outcome.
    encoded
        Images that this run encoded.
    waited
        Share of the run in which the model was idle; ``None`` if nothing was encoded.
    measured
        The measures that were written on the way, if they were asked for.
    """

    what: ClassVar[str] = "the vectors"

    model: str
    counts: dict[str, int]
    encoded: int
    waited: float | None
    problems: list[str]
    measured: LookReport | None = None

    def lines(self) -> list[str]:
        """Return the images of the finished blocks."""
        lines = [f"vectors of {self.model}", *Tally.of(self.counts).lines("images")]
        lines += [f"no vector: {problem}" for problem in self.problems[:20]]
        return lines + ([] if self.measured is None else self.measured.lines("measured images"))

    def ending(self) -> list[str]:
        """Return what the run has done, what is left, and whether the model waited."""
        lines = super(
            EmbedReport, self
        ).ending()  # a class with slots is another than super() knows
        if self.written and not self.left:
            lines = [f"{lines[0]}, {self.encoded:,} images encoded"]
            if self.waited is not None:
                lines.append(f"the model waited for images {self.waited:.0%} of the time")
        return lines


def embed(  # noqa: PLR0913 - each is given by name
    archive: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    panels: str | os.PathLike[str] | None = None,
    look: str | os.PathLike[str] | None = None,
    model: str = DEFAULT_MODEL,
    revision: str | None = None,
    preprocess: Preprocess = "fit",
    decoder: str = "cpu",
    workers: int | None = None,
    devices: Sequence[str] | None = None,
    launch: Launch | None = None,
    progress: Progress | None = None,
    encoder: Encoder | None = None,
    on_error: str = "skip",
) -> EmbedReport:
    """Write the vectors of an archive's images, or update existing ones.

    A vector depends only on the bytes of its image and on its `ModelId`: a changed caption costs
    nothing, and a run encodes new images alone.

    Parameters
    ----------
    archive
        An archive.
    output
        New, empty, or written by an earlier run with the same model.
    panels
        Panels of the archive: a figure that was split has a vector for each of its panels, under
        the key of the panel, and none of its own.
    look
        Folder for the measures of the same images, which are written on the way: see `look`.
        An image is read once for both, and decoded once unless it is a JPEG of another scale.
    model, revision, preprocess
        See `load_encoder`; ``classical`` is a descriptor without weights, see `Classical`.
    decoder
        ``cpu``, or ``gpu``: JPEGs are decoded, at their own scale, on the GPU of the model, by each
        process that decodes. Vectors are of slightly other pixels, and of another `ModelId`.
    workers
        Processes that decode images; one fewer than there are processors by default, and one with
        the decoder ``gpu``, whose memory each takes.
    devices
        Such as ``["cuda:0", "cuda:1"]``; each takes whole blocks. All GPUs by default, or the
        CPU if there is none.
    launch
        Where it runs, and as which part of a run; alone by default. With Ray, each block uses a GPU
        if the cluster has any, and ``workers`` decoding processes, 7 by default.
    encoder
        An encoder other than a model for transformers; it runs on its own device.

    on_error
        What to do about an image that cannot be decoded: ``skip`` it, which has no vector and is
        counted, or ``raise`` an error that names its key.

    Raises
    ------
    UsageError
        There is no such archive or model, the output is something else, or the model returns NaN or
        infinite values.

    Examples
    --------
    >>> embed("archive", "embeddings", model="no/such-folder")
    Traceback (most recent call last):
        ...
    biomedica_dataset.errors.UsageError: ...
    """
    one_of("on_error", on_error, ("skip", "raise"))
    opened = Archive.open(archive)
    if panels is not None:
        Panels.open(panels).check_width(opened.width, "find the panels of this archive")
    launch = launch or Launch()
    named = EncoderSpec(name=model, revision=revision, preprocess=preprocess, decoder=decoder)
    encoders = _encoders(encoder, named, devices, launch)
    decode_on = _decode_on(decoder, devices, launch)
    stage = EmbedStage(
        source=os.fspath(archive),
        url=os.fspath(output),
        model=named,
        identity=encoders[0].id if encoders else _identify(named),
        decoders=_decoders(launch, decode_on) if workers is None else workers,
        panels_url=None if panels is None else os.fspath(panels),
        encoders=encoders,
        on_error=on_error,
        look=None if look is None else _look_stage(archive, look, output, panels),
        decode_on=decode_on,
    )
    started = time.perf_counter()
    run = _run(stage, launch, progress)
    spent = (time.perf_counter() - started) * len(encoders)
    encoded, worked = sum(one.encoded for one in run.made), sum(one.seconds for one in run.made)
    read = stage.output.map(partial(read_record, stage.output), stage.tasks())
    records = [record for record in read if record is not None]
    return EmbedReport(
        model=str(stage.identity),
        counts=total(record.counts for record in records),
        blocks=run.blocks,
        written=len(run.made),
        left=run.left,
        encoded=encoded,
        waited=max(0.0, 1 - worked / spent) if encoded and spent else None,
        problems=[problem for record in records for problem in record.problems],
        measured=None if stage.look is None else stage.look.report(run),
    )


def _look_stage(
    archive: str | os.PathLike[str],
    look: str | os.PathLike[str],
    output: str | os.PathLike[str],
    panels: str | os.PathLike[str] | None,
) -> LookStage:
    if Folder(look).url == Folder(output).url:
        msg = f"{os.fspath(look)} is the folder of the vectors too; name another for the measures"
        raise UsageError(msg)
    found = None if panels is None else os.fspath(panels)
    return LookStage(source=os.fspath(archive), url=os.fspath(look), panels=found)


def _run(
    stage: EmbedStage, launch: Launch, progress: Progress | None
) -> StageRun[BlockRecord, EncodedBlock]:
    """Run the stage, with a lock on the measures as well if it writes them."""
    if stage.look is None:
        return stage.run(launch, workers=1, progress=progress)
    with acquire(stage.look.output, launch) as lock:
        stage.look.begin(lock)
        run = stage.run(launch, workers=1, progress=progress)
        if not run.left:
            remove_blocks_except(stage.look.output, run.records)
            lock.release()
    return run


def _encoders(
    encoder: Encoder | None, model: EncoderSpec, devices: Sequence[str] | None, launch: Launch
) -> tuple[Encoder, ...]:
    """Return the encoders of this process; with Ray, each process loads its own."""
    if encoder and model.decoder != "cpu":
        msg = f"decoder={model.decoder!r} needs a model given by name; omit encoder"
        raise UsageError(msg)
    if launch.engine != "ray":
        return (encoder,) if encoder else tuple(map(model.load, devices or _devices()))
    if encoder or devices:
        msg = "encoder and devices belong to this process; with Ray, name only a model"
        raise UsageError(msg)
    return ()


def _decode_on(decoder: str, devices: Sequence[str] | None, launch: Launch) -> tuple[str, ...]:
    """Return the device of each model if it decodes JPEGs; on a cluster each process sees one."""
    if decoder == "cpu":
        return ()
    return ("cuda:0",) if launch.engine == "ray" else tuple(devices or _devices())


def _decoders(launch: Launch, decode_on: tuple[str, ...]) -> int:
    """Return how many processes decode images."""
    if decode_on:
        return len(decode_on)
    return _RAY_DECODERS if launch.engine == "ray" else max(1, cpu_count() - 1)


def _devices() -> list[str]:
    torch = require("torch", "embed")
    return [f"cuda:{number}" for number in range(torch.cuda.device_count())] or ["cpu"]


def _identify(model: EncoderSpec) -> ModelId:
    """Return the identity of a model on the cluster, whose machines decide its dtype."""
    asked = run_tasks(
        _load_id, [model], workers=None, start=_start_nothing, args=(), progress=Progress(),
        engine="ray", on_gpu=True,
    )  # fmt: skip
    return next(identity for _model, identity in list(asked))


def _load_id(model: EncoderSpec) -> ModelId:
    return model.load().id


def _start_nothing(_counters: Counters) -> None:
    pass
