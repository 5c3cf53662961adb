"""CLIP's loss and its gradient over a step of several micro-batches and processes."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from biomedica_dataset.extras import require

if TYPE_CHECKING:
    from .processes import Processes

Tensors = tuple[Any, Any]  # images and tokens, or the features of both


class Gradients:
    """Adds the gradient of a step to the weights, as if the step were one batch on one device.

    Features are gathered over the processes, each of which has the loss of its own pairs against
    all. Of several micro-batches, as in OpenCLIP's training, the features of all are computed
    first, without gradients, and then those of each once more, with gradients, beside the others'.

    Parameters
    ----------
    module
        Called with images and tokens; it is on the device of the group.
    precision
        See `TrainConfig`.
    """

    def __init__(self, module: Any, precision: str, group: Processes) -> None:
        self._torch: Any = require("torch", "clip")
        parallel = require("torch.nn.parallel", "clip").DistributedDataParallel
        cuda = group.device.type == "cuda"
        devices = [group.device] if cuda else None
        self._module, self._group = module, group
        self._shared = parallel(module, device_ids=devices) if group.count > 1 else module
        self._half = {"bf16": self._torch.bfloat16, "fp16": self._torch.float16}.get(precision)
        self.scaler = self._torch.amp.GradScaler(group.device.type, enabled=precision == "fp16")
        self._loss = require("open_clip", "clip").ClipLoss(
            local_loss=True, gather_with_grad=True, rank=group.rank, world_size=group.count
        )

    def add(self, batches: Sequence[Tensors]) -> float:
        """Add the gradient of the mean loss over all pairs, and return that loss."""
        known: list[Tensors] = []
        if len(batches) > 1:
            with self._torch.no_grad():
                known = [self._features(self._module, batch)[:2] for batch in batches]
        total = self._torch.zeros((), device=self._group.device)
        for number, batch in enumerate(batches):
            is_last = number + 1 == len(batches)
            is_shared = is_last or self._group.count == 1  # gradients, with other processes
            with contextlib.nullcontext() if is_shared else self._shared.no_sync():
                images, texts, scale = self._features(self._shared, batch)
                parts = [*known[:number], (images, texts), *known[number + 1 :]]
                sides = (self._torch.cat(side) for side in zip(*parts, strict=True))
                # The scale belongs to the loss of the whole step, which each micro-batch repeats.
                loss = self._loss(*sides, scale if is_last else scale.detach())
                self.scaler.scale(loss).backward()
            total += loss.detach() / len(batches)
        return self._group.mean(float(total))

    def clip(self, optimizer: Any, most: float | None) -> float:
        """Limit the norm of the gradient, and return what it was; 0 where a step will be skipped.

        In fp16 a gradient that is too large for it skips a step and lowers the scale of the loss.
        """
        self.scaler.unscale_(optimizer)
        weights = [w for group in optimizer.param_groups for w in group["params"]]
        norm = self._torch.nn.utils.clip_grad_norm_(weights, math.inf if most is None else most)
        return 0.0 if self.scaler.is_enabled() and not norm.isfinite() else float(norm)

    def take_step(self, optimizer: Any) -> None:
        """Change the weights."""
        self.scaler.step(optimizer)
        self.scaler.update()

    def _features(self, module: Any, batch: Tensors) -> tuple[Any, Any, Any]:
        """Return normalised features of images and texts, each (pairs, dim), and the scale."""
        kind = self._group.device.type
        with self._torch.autocast(kind, dtype=self._half, enabled=self._half is not None):
            made = module(*batch)
        images, texts = made["image_features"].float(), made["text_features"].float()
        return images, texts, made["logit_scale"]
