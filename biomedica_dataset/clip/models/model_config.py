"""Which CLIP model is meant."""

from __future__ import annotations

from dataclasses import dataclass

from biomedica_dataset.errors import UsageError

OWN = "own"


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """The model: OpenCLIP's name, ``hf-hub:org/name`` or ``local-dir:FOLDER``.

    Parameters
    ----------
    pretrained
        A tag of OpenCLIP or a file of weights; ``own`` for the weights of a folder or repository;
        None for random ones.
    lock_image, lock_text
        Leave a tower as it is.
    grad_checkpointing
        Compute activations again instead of keeping them: less memory, more time, equal gradients.
    """

    name: str
    pretrained: str | None = OWN
    lock_image: bool = False
    lock_text: bool = False
    grad_checkpointing: bool = False

    def __post_init__(self) -> None:
        """Refuse weights that nobody named."""
        if ":" not in self.name and self.pretrained == OWN:
            msg = (
                f"model.pretrained must name a tag for {self.name!r}, or be null for random "
                f"weights; a folder is local-dir:{self.name}"
            )
            raise UsageError(msg)
        if ":" in self.name and self.pretrained not in (OWN, None):
            msg = (
                f"model.pretrained must be {OWN}, or null for random weights, not "
                f"{self.pretrained!r}: {self.name!r} has weights of its own"
            )
            raise UsageError(msg)
