"""The settings of a training, as frozen dataclasses that check themselves."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from biomedica_dataset.clip.models.model_config import ModelConfig  # noqa: TC001 - pydantic asks for its type
from biomedica_dataset.errors import UsageError
from biomedica_dataset.images.device_decode import DECODERS
from biomedica_dataset.streaming.reading.panels import MIN_SCORE, check_unit
from biomedica_dataset.suggest import at_least, one_of


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """The choice of rows, as `open_dataset` takes it, and how a row becomes a pair.

    Parameters
    ----------
    unit, min_score, margin
        ``figure``, or ``panel`` with a least score and a margin, as `open_dataset` explains them.
    text
        ``caption``, or ``caption_context``: the caption, after it the sentences that cite the
        figure, and then the rest of their paragraphs, as far as the model reads, none twice. Of a
        panel, its part of the caption, and the sentences that cite it.
    decode
        The scale of JPEGs. ``full``: their own; ``draft``: twice what the model sees, or more;
        ``draft-1x``: what it sees, or more, which is faster and blurs.
    decoder
        ``cpu``, or ``gpu``: JPEGs are decoded, and all images transformed, on the GPU that trains,
        by each process that decodes. Pixels differ by a few of 255 levels. Their scale is ``full``.
    on_error
        What to do about an image that cannot be decoded: ``skip`` its pair, and count it, or
        ``raise`` an error that names its key.
    workers
        Processes that decode, for each process that trains; 0 decodes in the latter.
    """

    path: str
    licenses: Any = None
    concepts: Any = None
    filters: Any = None
    without: str | None = None
    deduplicate: bool = False
    recipe: str | None = None
    limit: int | None = None
    split: str | None = None
    unit: str = "figure"
    min_score: float = MIN_SCORE
    margin: float = 0.0
    text: str = "caption"
    decode: str = "full"
    decoder: str = "cpu"
    on_error: str = "skip"
    workers: int = 0

    def __post_init__(self) -> None:
        """Refuse what is not known here; the choice is looked at by `open_dataset`."""
        check_unit(self.unit, self.min_score, self.margin, "data.")
        one_of("data.text", self.text, ("caption", "caption_context"))
        one_of("data.decode", self.decode, ("full", "draft", "draft-1x"))
        one_of("data.decoder", self.decoder, DECODERS)
        if self.decoder == "gpu" and self.decode != "full":
            msg = (
                f"data.decode must be full with data.decoder gpu, not {self.decode}: a GPU decodes "
                "JPEGs at their own scale"
            )
            raise UsageError(msg)
        one_of("data.on_error", self.on_error, ("skip", "raise"))
        at_least(0, "data.workers", self.workers)
        for name in ("licenses", "concepts"):
            names = getattr(self, name)
            if names is not None and not (
                isinstance(names, str)
                or (isinstance(names, list | tuple) and all(isinstance(n, str) for n in names))
            ):
                msg = f"data.{name} must be a name or a list of names, not {names!r}"
                raise UsageError(msg)


@dataclass(frozen=True, kw_only=True)
class OptimizerConfig:
    """AdamW, a linear warmup and a cosine to 0; steps are those of the optimizer.

    Parameters
    ----------
    clip
        The greatest norm of the gradient; None for any.
    """

    lr: float = 1e-6
    betas: tuple[float, float] = (0.9, 0.95)
    eps: float = 1e-6
    weight_decay: float = 0.2
    warmup: int = 1000
    clip: float | None = 1.0

    def __post_init__(self) -> None:
        """Refuse numbers that AdamW does not take."""
        for name in ("lr", "eps", "weight_decay", "warmup"):
            at_least(0, f"optimizer.{name}", getattr(self, name))
        if not all(0 <= beta < 1 for beta in self.betas):
            msg = f"optimizer.betas must be at least 0 and below 1, not {list(self.betas)}"
            raise UsageError(msg)
        if self.clip is not None and not self.clip > 0:
            msg = f"optimizer.clip must be above 0, or null, not {self.clip}"
            raise UsageError(msg)


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """A training.

    Parameters
    ----------
    output
        A folder for checkpoints, TensorBoard's events, and at last the model.
    samples
        Pairs to train on; a last step is filled up.
    global_batch
        Pairs of a step, over all processes and micro-batches.
    micro_batch
        Pairs that a process holds at once.
    checkpoint_every, log_every
        Steps.
    keep
        Checkpoints that stay.
    """

    output: str
    model: ModelConfig
    data: DataConfig
    samples: int
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    global_batch: int = 8192
    micro_batch: int = 1024
    precision: str = "fp32"
    seed: int = 0
    checkpoint_every: int = 500
    keep: int = 2
    log_every: int = 10

    def __post_init__(self) -> None:
        """Refuse what cannot be trained."""
        at_least(0, "seed", self.seed)
        for name in ("samples", "global_batch", "micro_batch", "checkpoint_every", "keep",
                     "log_every"):  # fmt: skip
            at_least(1, name, getattr(self, name))
        one_of("precision", self.precision, ("fp32", "bf16", "fp16"))

    @property
    def steps(self) -> int:
        """Steps of the optimizer."""
        return -(-self.samples // self.global_batch)

    @property
    def decisive(self) -> dict[str, Any]:
        """What the weights depend on, by dotted name: all but places, pace and helpers."""
        free = {"output", "keep", "checkpoint_every", "log_every", "data.path", "data.workers",
                "data.on_error"}  # fmt: skip
        if self.data.unit == "figure":  # as checkpoints were that knew no panels
            free |= {"data.unit", "data.min_score", "data.margin"}
        if self.data.decoder == "cpu":  # as it was when there was no other
            free |= {"data.decoder"}
        flat: dict[str, Any] = {}
        for name, value in asdict(self).items():
            if isinstance(value, dict):
                flat |= {f"{name}.{key}": inner for key, inner in value.items()}
            else:
                flat[name] = value
        return {name: value for name, value in sorted(flat.items()) if name not in free}
