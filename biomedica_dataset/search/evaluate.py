"""How well a search works: whether a citing paragraph finds the caption of what it cites."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from biomedica_dataset.engine.progress import Progress
from biomedica_dataset.engine.report import Shown
from biomedica_dataset.errors import UsageError
from biomedica_dataset.jats.panels.labels import find_mentions, series_of
from biomedica_dataset.streaming.in_order import rows_in_order
from biomedica_dataset.streaming.reading.index import read_index
from biomedica_dataset.streaming.reading.places import find

from .documents import STORED
from .search import Search, open_search
from .searched_rows import TEXT_MODES, Mode
from .words import MOST_WORDS

_FIELDS = ("caption", "title", "terms")  # the paragraph itself is in the field of contexts
_DEPTH = 100
_DRAWS = 1000
_DIGEST, _KEY = STORED.index("caption_digest"), STORED.index("key")
_COLUMNS = ["key", "caption", "image_context", "figure_label", "article_accession_id"]


@dataclass(frozen=True, slots=True)
class Measure:
    """A share of the questions, with the interval that has 95 % of the draws of articles."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """Return the share and its interval."""
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


@dataclass(frozen=True, slots=True, repr=False)
class SearchScores(Shown):
    """The outcome of an evaluation.

    Parameters
    ----------
    questions, articles
        Paragraphs that were searched for, and the articles that they are from.
    among
        Rows of the index.
    modes
        By mode, ``R@1``, ``R@10`` and ``MRR``.
    """

    questions: int
    articles: int
    among: int
    modes: dict[str, dict[str, Measure]]

    def __str__(self) -> str:
        head = (
            f"{self.questions:,} citing paragraphs of {self.articles:,} articles, each to find its "
            f"caption among {self.among:,}"
        )
        lines = [
            f"{mode:<9} " + "  ".join(f"{name} {value}" for name, value in measures.items())
            for mode, measures in self.modes.items()
        ]
        return "\n".join([head, *lines])


@dataclass(frozen=True, slots=True)
class _Question:
    article: str
    key: str
    text: str


def evaluate_search(
    dataset: str | os.PathLike[str],
    *,
    limit: int = 1000,
    seed: int = 0,
    text_model: str | None = None,
    progress: Progress | None = None,
) -> SearchScores:
    """Measure how often a citing paragraph finds the caption of the figure that it cites.

    Citations of figures are removed from the paragraph, and the field of citing sentences is not
    searched. A figure with the same caption is as good.

    Parameters
    ----------
    dataset
        See `open_search`.
    limit
        Number of paragraphs, at most: one for each figure of articles in an order that the seed
        decides.
    text_model
        See `open_search`.

    Raises
    ------
    UsageError
        There is no such dataset, it has no search index, or no figure is cited.

    Examples
    --------
    >>> evaluate_search("nowhere")
    Traceback (most recent call last):
        ...
    biomedica_dataset.errors.UsageError: nowhere is not a folder; ...
    """
    search = open_search(dataset, text_model=text_model, progress=progress)
    questions = _questions(dataset, limit, seed)
    if not questions:
        msg = f"{dataset}: no figure is cited by a paragraph, so there is nothing to search for"
        raise UsageError(msg)
    modes = TEXT_MODES if search.index.text_model is not None else TEXT_MODES[:1]
    progress = progress or Progress()
    progress.start(len(questions) * len(modes), "questions")
    with progress.shown():
        ranks = {mode: [_rank(search, one, mode, progress) for one in questions] for mode in modes}
    articles = [one.article for one in questions]
    scores = {str(mode): _measures(found, articles, seed) for mode, found in ranks.items()}
    return SearchScores(len(questions), len(set(articles)), search.index.rows, scores)


def _questions(dataset: str | os.PathLike[str], limit: int, seed: int) -> list[_Question]:
    """Return paragraphs of some articles, without the citations of figures."""
    index = read_index(find(dataset))
    articles = index.table["article_accession_id"].to_pylist()
    drawn = sorted(range(len(articles)), key=lambda at: (_hash(seed, articles[at]), at))
    # Some figures are not cited, so a few more are read.
    table = index.table.take(pa.array(sorted(drawn[: 2 * limit])))
    found = [_question(row, seed) for row in rows_in_order(index, table, _COLUMNS)]
    cited = [one for one in found if one is not None]
    return sorted(cited, key=lambda one: (_hash(seed, one.article), one.key))[:limit]


def _hash(seed: int, text: str) -> str:
    return hashlib.sha256(f"{seed} {text}".encode()).hexdigest()


def _question(row: dict[str, Any], seed: int) -> _Question | None:
    paragraphs = row["image_context"]
    if not paragraphs:
        return None
    text = paragraphs[int(_hash(seed, row["key"])[:8], 16) % len(paragraphs)]
    series, _numbers = series_of([row["figure_label"] or ""])
    for mention in sorted(find_mentions(text, [series[0]] if series[0] else ()),
                          key=lambda one: -one.start):  # fmt: skip
        text = f"{text[: mention.start]} {text[mention.end :]}"
    words = " ".join(text.replace('"', " ").replace(":", " ").split()[: MOST_WORDS // 2])
    return _Question(row["article_accession_id"], row["key"], words) if words else None


def _rank(search: Search, question: _Question, mode: Mode, progress: Progress) -> int | None:
    """Return the rank of the right caption, from 1; ``None`` if it was not found."""
    progress.tick(1, 0, 0)
    try:
        _phrases, hits = search.figures.find(question.text, mode, limit=_DEPTH, fields=_FIELDS)
    except UsageError:  # a paragraph of nothing but stop words and citations
        return None
    rows = [search.figures.found.index_row(hit) for hit in hits]
    right = {row[_DIGEST] for row in rows if row[_KEY] == question.key}
    return next((rank for rank, row in enumerate(rows, start=1) if row[_DIGEST] in right), None)


def _measures(
    ranks: Sequence[int | None], articles: Sequence[str], seed: int
) -> dict[str, Measure]:
    """Return what ranks come to, drawn again by article: figures of one are alike."""
    found = np.array([rank or np.inf for rank in ranks])
    values = {"R@1": found <= 1, "R@10": found <= 10, "MRR": 1 / found}
    _names, of = np.unique(articles, return_inverse=True)
    counts = np.bincount(of)
    draws = np.random.default_rng(seed).integers(len(counts), size=(_DRAWS, len(counts)))
    measures = {}
    for name, value in values.items():
        sums = np.bincount(of, value)
        drawn = sums[draws].sum(1) / counts[draws].sum(1)
        low, high = np.quantile(drawn, [0.025, 0.975])
        measures[name] = Measure(float(value.mean()), float(low), float(high))
    return measures
