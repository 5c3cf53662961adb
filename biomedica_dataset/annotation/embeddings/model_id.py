"""What vectors depend on: a model, its weights and its preprocessing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelId:
    """What vectors depend on besides the picture; those of different ones cannot be compared.

    Parameters
    ----------
    name
        Its id on the Hub, or the name of its folder.
    revision
        Commit on the Hub.
    weights
        SHA-256 of its parameters.
    dim
        Length of a vector.
    size
        Pixels of the square that it sees.
    preprocess
        ``fit``: aspect kept, normalized; ``paper``: squashed to 224 x 224, not normalized.
    mean, std
        What colours are normalized with; ``None`` where they are not.
    dtype
        In which it computes.
    pictures
        Version of how files become pixels, see `DECODER_VERSION`.
    """

    name: str
    revision: str | None
    weights: str
    dim: int
    size: int
    preprocess: str
    mean: tuple[float, ...] | None
    std: tuple[float, ...] | None
    dtype: str
    pictures: int

    def __str__(self) -> str:
        """Return it in a few words."""
        at = f"@{self.revision[:12]}" if self.revision else f" {self.weights[:12]}"
        return f"{self.name}{at}, {self.preprocess} {self.size} px, {self.dtype}"
