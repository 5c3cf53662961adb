"""Counts what a shard has, by outcome."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from biomedica_dataset.images.decode import decoding_problem

if TYPE_CHECKING:
    from biomedica_dataset.annotation.panels.figure_panels import FigurePanels
    from biomedica_dataset.rows import ArticleRows
    from biomedica_dataset.schema import Pair


@dataclass(slots=True)
class ShardCounts:
    """What a shard has, by outcome, as its record keeps it."""

    articles: Counter[str] = field(default_factory=Counter)
    figures: Counter[str] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)
    images: Counter[str] = field(default_factory=Counter)
    split_figures: Counter[str] = field(default_factory=Counter)
    panels: Counter[str] = field(default_factory=Counter)
    document_figures: Counter[str] = field(default_factory=Counter)
    document_tables: Counter[str] = field(default_factory=Counter)
    undecodable: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def checked(self, rows: ArticleRows) -> ArticleRows:
        """Return the rows with what decoding their images finds."""
        pairs = []
        for group, pair in rows.pairs:
            problem = decoding_problem((pair.image or {})["bytes"])
            self.images[problem or "kept"] += 1
            if problem:
                self.undecodable.append(f"{pair.key}: {problem}")
            pairs.append((group, replace(pair, image_decodes=problem is None)))
        return replace(rows, pairs=pairs)

    def add(self, rows: ArticleRows) -> None:
        """Count the rows of an article."""
        self.figures.update(rows.figures)
        self.labels.update(_labelled(pair) for _group, pair in rows.pairs)
        self.articles["unreadable" if rows.problem else "kept"] += 1
        self.articles["licences disagree, PMC's counts"] += rows.licenses_disagree
        if rows.document is not None:
            self.document_figures.update(rows.document.figures)
            self.document_tables.update(rows.document.tables)
        if rows.problem:
            self.problems.append(rows.problem)

    def add_panels(self, panels: FigurePanels | None) -> None:
        """Count the panels of a block, all of whose figures have taken theirs."""
        if panels is not None:
            panels.close()
            self.split_figures.update(panels.figures)
            self.panels.update(panels.panels)


def _labelled(pair: Pair) -> str:
    if pair.image_label_id is None:
        return "no cluster"
    labels = (pair.image_panel_type, pair.image_primary_label, pair.image_secondary_label)
    return "kept" if any(label is not None for label in labels) else "cluster without label"
