"""The invented articles, in order of their ids."""

from __future__ import annotations

from tools.make_sample.texts import (
    cases,
    cells,
    microbes,
    molecules,
    population,
    sections_scans,
    skin_eye,
    trials,
)

__all__ = ["ARTICLES"]

ARTICLES = tuple(
    sorted(
        (
            *cases.ARTICLES,
            *cells.ARTICLES,
            *microbes.ARTICLES,
            *molecules.ARTICLES,
            *population.ARTICLES,
            *sections_scans.ARTICLES,
            *skin_eye.ARTICLES,
            *trials.ARTICLES,
        ),
        key=lambda article: (article.pmcid, article.version),
    )
)
