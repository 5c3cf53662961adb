"""Packs what an article says of a figure behind its caption, the most telling sentences first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from biomedica_dataset.jats.panels.mentions import citing_sentences
from biomedica_dataset.jats.panels.sentences import sentences

if TYPE_CHECKING:
    from .config import DataConfig

TEXTS = {
    "figure": ("caption", "image_context", "figure_label"),
    "panel": ("subcaption", "contexts"),
}
"""The columns of a text, of what cites it, and of the label by which paragraphs cite it."""


def packed(caption: str, label: str | None, paragraphs: Sequence[str]) -> str:
    """Return a caption, the sentences that cite its figure, then the rest of their paragraphs.

    No sentence comes twice, and none that the caption has. What a model does not read is cut by its
    tokenizer, so that the order decides.

    Parameters
    ----------
    label
        The label of the figure; without one the paragraphs keep their order.

    Examples
    --------
    >>> packed("A cell.", "Figure 1", ["Cells grow. Fig. 1 shows one.", "See Fig. 1. A cell."])
    'A cell. Fig. 1 shows one. See Fig. 1. Cells grow.'
    """
    own = {caption[start:end] for start, end in sentences(caption)}
    citing = [one for text in paragraphs for one in citing_sentences(label, text)]
    every = [text[start:end] for text in paragraphs for start, end in sentences(text)]
    found = (one for one in dict.fromkeys([*citing, *every]) if one not in own)
    return " ".join([caption, *found])


def pair_text(row: dict[str, Any], data: DataConfig) -> str:
    """Return the caption, with what cites the figure or panel packed behind it, if asked for.

    Examples
    --------
    >>> from biomedica_dataset.clip.train.config import DataConfig
    >>> data = DataConfig(path="biomedica", text="caption_context")
    >>> row = {"caption": "A cell.", "image_context": ["See Fig. 1."], "figure_label": "Fig. 1"}
    >>> pair_text(row, data)
    'A cell. See Fig. 1.'
    """
    caption, context, *_ = TEXTS[data.unit]
    text = (row[caption] or "").strip()
    if text and data.text == "caption_context":
        return packed(text, row.get("figure_label"), row[context] or [])
    return text
