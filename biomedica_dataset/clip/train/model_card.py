"""Model cards: of what a model was made, how it is loaded, and what it is not for."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from huggingface_hub import ModelCardData

from biomedica_dataset.card.markdown import render
from biomedica_dataset.clip.models.open_clip import shown_name

if TYPE_CHECKING:
    from biomedica_dataset.engine.report import Tally

    from .config import TrainConfig


def trained_card(
    config: TrainConfig, *, manifest: str, groups: Iterable[str], tally: Tally, loss: float | None
) -> str:
    """Return the card of a model that was trained.

    Parameters
    ----------
    manifest
        The digest of the dataset's manifest.
    groups
        The licence group of every row that was chosen.
    loss
        Of the last step; None if that was made by an earlier run.
    """
    name = shown_name(config.model.name)
    settings = asdict(config)
    del settings["output"]
    settings["model"]["name"] = name
    settings["model"]["pretrained"] = shown_name(config.model.pretrained or "") or None
    settings["data"]["path"] = shown_name(config.data.path)
    return _card(
        config.model.name,
        mixed=False,
        name=name,
        config=config,
        loss=loss,
        groups=sorted(Counter(groups).items()),
        manifest=manifest,
        tally=tally.lines("pairs"),
        settings=json.dumps(settings, indent=2, default=str),  # no line of it can end its block
    )


def mixed_card(base: str, tuned: str, alpha: float) -> str:
    """Return the card of a model between two."""
    return _card(base, mixed=True, name=shown_name(tuned), base=shown_name(base), alpha=alpha)


def _card(made_from: str, **values: Any) -> str:
    known: dict[str, Any] = {}
    if made_from.startswith("hf-hub:"):
        known["base_model"] = made_from.removeprefix("hf-hub:")
    data = ModelCardData(
        library_name="open_clip",
        pipeline_tag="zero-shot-image-classification",
        tags=["clip", "biology", "medical"],
        **known,
    )
    return render("clip/train/model_card.md.jinja", card_data=data.to_yaml(), **values)
