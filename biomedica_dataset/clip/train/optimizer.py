"""AdamW as OpenCLIP sets it up, and the rate of each step."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from biomedica_dataset.extras import require

if TYPE_CHECKING:
    from .config import OptimizerConfig, TrainConfig

_PLAIN = ("bn", "ln", "bias", "logit_scale")


def make_optimizer(module: Any, config: OptimizerConfig) -> Any:
    """Return an AdamW that decays no gains, biases and scales, as OpenCLIP's training does."""
    torch = require("torch", "clip")
    plain: list[Any] = []
    decayed: list[Any] = []
    for name, weight in module.named_parameters():
        if weight.requires_grad:
            is_plain = weight.ndim < 2 or any(part in name for part in _PLAIN)
            (plain if is_plain else decayed).append(weight)
    return torch.optim.AdamW(
        [{"params": plain, "weight_decay": 0.0}, {"params": decayed}],
        lr=config.lr, betas=config.betas, eps=config.eps, weight_decay=config.weight_decay,
    )  # fmt: skip


def learning_rate(step: int, config: TrainConfig) -> float:
    """Return the rate of a step, counted from 0: linear warmup, then a cosine to 0."""
    peak, warmup = config.optimizer.lr, config.optimizer.warmup
    if step < warmup:
        return peak * (step + 1) / warmup
    share = (step - warmup) / max(1, config.steps - warmup)
    return 0.5 * (1 + math.cos(math.pi * share)) * peak
