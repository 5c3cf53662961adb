"""WiSE-FT: a model between two of one shape."""

from __future__ import annotations

from typing import TYPE_CHECKING

from biomedica_dataset.clip.models.open_clip import CONFIG, export, make_model
from biomedica_dataset.errors import UsageError
from biomedica_dataset.extras import require
from biomedica_dataset.io.folders import Folder

from .model_card import mixed_card

if TYPE_CHECKING:
    from biomedica_dataset.clip.models.model_config import ModelConfig


def wise_ft(base: ModelConfig, tuned: ModelConfig, alpha: float, output: str) -> None:
    """Write the model between two of one shape: (1 - alpha) base + alpha tuned.

    The weights are mixed as in WiSE-FT (Wortsman et al. 2022, equation 1).

    Raises
    ------
    UsageError
        The two have other weights or shapes, alpha is not from 0 to 1, or there is a model already.
    """
    torch = require("torch", "clip")
    folder = Folder(output)
    if not 0 <= alpha <= 1:
        msg = f"alpha must be from 0 (the base) to 1 (the tuned model), not {alpha}"
        raise UsageError(msg)
    if folder.exists(CONFIG):
        msg = f"{folder.url} already holds a model; choose a new folder"
        raise UsageError(msg)
    first, second = make_model(base), make_model(tuned)
    old, new = first.module.state_dict(), second.module.state_dict()
    shapes = [{name: value.shape for name, value in one.items()} for one in (old, new)]
    differ = sorted({name for name, _shape in shapes[0].items() ^ shapes[1].items()})
    if differ:
        msg = f"{base.name} and {tuned.name} differ in {', '.join(differ[:5])}; mix equal shapes"
        raise UsageError(msg)
    mixed = {
        name: torch.lerp(value, new[name], alpha) if value.is_floating_point() else new[name]
        for name, value in old.items()
    }
    first.module.load_state_dict(mixed)
    export(folder, first, mixed_card(base.name, tuned.name, alpha))
