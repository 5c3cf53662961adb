"""Writes the votes of two made-up annotators on the clusters of the sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

from biomedica_dataset.annotation.labels.taxonomy import Taxonomy
from biomedica_dataset.annotation.labels.votes import VoteFile

if TYPE_CHECKING:
    from pathlib import Path

    from biomedica_dataset.annotation.review.sheets import Review

_WORDS = {
    "Microscopy": ("stain", "microscop", "micrograph", "cells", "colonies"),
    "Clinical Imaging": ("fundus", "radiograph", "tomograph", "lesion", "ultrasound", "ct "),
    "Immuno Assays": ("blot", "immuno"),
    "Tables": ("table", "characteristics"),
    "Chemical Structures": ("structure", "compound"),
    "Maps": ("map",),
    "Illustrative Diagrams": ("flow", "scheme", "diagram", "pathway"),
}
_ELSE = "Plots and Charts"


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
            concept = _concept(captions)
            if annotator == "ben" and number == 0:
                concept = "Graphs and Networks"
            file.answer(cluster, "panel_type", "single")
            file.answer(cluster, "panel_subtype", "single panel")
            file.answer(cluster, "primary", [concept])
        file.close()
        paths.append(file.path)
    return paths


def _concept(captions: list[str]) -> str:
    """Return the concept that most captions of a cluster mention."""
    counts = {
        concept: sum(any(word in caption for word in words) for caption in captions)
        for concept, words in _WORDS.items()
    }
    best = max(counts, key=lambda concept: counts[concept])
    return best if 3 * counts[best] >= len(captions) else _ELSE
