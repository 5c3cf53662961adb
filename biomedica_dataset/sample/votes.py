"""Writes the votes of two made-up annotators on the clusters of the sample."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from biomedica_dataset.annotation.labels.taxonomy import Taxonomy
from biomedica_dataset.annotation.labels.votes import VoteFile

if TYPE_CHECKING:
    from biomedica_dataset.annotation.review.sheets import Review

_WORDS = {
    "Tables": ("patients at the start", "blood counts"),
    "Maps": ("map of the island", "mapa"),
    "Chemical Structures": ("structure of", "synthesis of", "phenol"),
    "Illustrative Diagrams": ("flow chart", "scheme", "schematic", "chain of"),
    "Graphs and Networks": ("network of",),
    "Laboratory Specimens and Cultures": ("colonies", "disc diffusion"),
    "PCR": ("amplification",),
    "Clinical Imaging": ("fundus", "radiograph", "axial", "ultrasound", "dermoscop", "naevus"),
    "Microscopy": ("eosin", "micrograph", "nuclei", "smear", "dish", "particles after", "stain"),
}
"""Words of captions by concept: the first concept with a word in a caption is that of the image."""

_ELSE = "Plots and Charts"
_FEWEST = 0.75
"""Share of the images shown that a concept needs; with less, a cluster is mixed."""


def write_votes(review: Review, folder: Path) -> list[Path]:
    """Write the votes of two annotators, who use the captions and disagree on one cluster.

    Returns
    -------
    list of Path
        Their files.
    """
    taxonomy, paths = Taxonomy.load(), []
    for annotator in ("anna", "ben"):
        file = VoteFile(folder, annotator, taxonomy, review.model)
        for number, (cluster, members) in enumerate(review.clusters.items()):
            captions = [review.cards[key].caption.lower() for key in members.keys]
            counts = Counter(map(_concept, captions))
            concept, count = counts.most_common(1)[0]
            if annotator == "ben" and number == 0:
                concept = "Graphs and Networks"
            file.answer(cluster, "mixed", count < _FEWEST * counts.total() or None)
            file.answer(cluster, "panel_type", "single")
            file.answer(cluster, "panel_subtype", "single panel")
            file.answer(cluster, "primary", [concept])
        file.close()
        paths.append(file.path)
    return paths


def _concept(caption: str) -> str:
    """Return the concept of an image by the words of its caption."""
    found = (name for name, words in _WORDS.items() if any(word in caption for word in words))
    return next(found, _ELSE)
