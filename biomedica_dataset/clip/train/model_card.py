"""Model cards: of what a model was made, how it is loaded, and what it is not for."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from huggingface_hub import ModelCardData

from biomedica_dataset.card.markdown import escape
from biomedica_dataset.clip.models.open_clip import shown_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from biomedica_dataset.engine.report import Tally

    from .config import TrainConfig

_USE = """## Use

```python
import open_clip

name = "local-dir:FOLDER"  # or hf-hub:org/name, once it is there
model, preprocess = open_clip.create_model_from_pretrained(name)
tokenizer = open_clip.get_tokenizer(name)
```

For research. Nothing here is for diagnosis.
"""


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
    licences = ", ".join(f"{group} {n:,}" for group, n in sorted(Counter(groups).items()))
    last = "" if loss is None else f" The loss of the last step was {loss:.4g}."
    counted = "\n".join(tally.lines("pairs"))
    return "\n".join(
        [
            _head(config.model.name),
            f"# {escape(name)}, trained on figures and captions\n",
            f"{config.steps:,} steps of {config.global_batch:,} pairs.{last}\n",
            "## Data\n",
            f"Rows chosen, by licence group: {licences}. The dataset's card says what the groups "
            f"permit. SHA-256 of its manifest: `{manifest}`.\n",
            f"```text\n{counted}\n```\n",
            "## Settings\n",
            f"```json\n{json.dumps(settings, indent=2, default=str)}\n```\n",
            _USE,
        ]
    )


def mixed_card(base: str, tuned: str, alpha: float) -> str:
    """Return the card of a model between two."""
    first, second = (escape(shown_name(name)) for name in (base, tuned))
    return "\n".join(
        [
            _head(base),
            f"# {second}, mixed with {first}\n",
            "Weights mixed as in WiSE-FT (Wortsman et al. 2022): "
            f"{1 - alpha:g} x {first} + {alpha:g} x {second}.\n",
            _USE,
        ]
    )


def _head(base: str) -> str:
    known: dict[str, Any] = {}
    if base.startswith("hf-hub:"):
        known["base_model"] = base.removeprefix("hf-hub:")
    data = ModelCardData(
        library_name="open_clip",
        pipeline_tag="zero-shot-image-classification",
        tags=["clip", "biology", "medical"],
        **known,
    )
    return f"---\n{data.to_yaml()}\n---\n"
