"""The panels that a folder of panels has of some figures, checked against each figure's image."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from biomedica_dataset.annotation.blocks import AGAIN, block_name, read_record
from biomedica_dataset.io.failures import reading
from biomedica_dataset.io.rules import shown
from biomedica_dataset.keys import panel_key, pmcid

from .panels import FEWEST, Panels

_BOX = ("x0", "y0", "x1", "y1")


class FigurePanels:
    """The panels of figures, of which each figure takes its own once.

    Parameters
    ----------
    found
        Rows of the panels by the key of their figure.
    whole
        Why a figure was not split, by its key.

    Attributes
    ----------
    figures
        Number of figures by outcome: ``kept`` was split, others stay whole.
    panels
        Number of panels by the outcome of their figure.
    """

    def __init__(self, found: Mapping[str, list[dict[str, Any]]], whole: Mapping[str, str]) -> None:
        self._left, self._whole = dict(found), whole
        self.figures: Counter[str] = Counter()
        self.panels: Counter[str] = Counter()

    def take(
        self, key: str, image_hash: str, size: Sequence[int], named: Sequence[str]
    ) -> list[dict[str, Any]]:
        """Return letter, box and score of the panels of a figure; none if it stays whole.

        Parameters
        ----------
        image_hash, size
            Of its image. Panels of another image are not used, nor those that exceed it.
        named
            Letters in its caption.

        Examples
        --------
        >>> row = {"letter": "A", "x0": 0, "y0": 0, "x1": 9, "y1": 9, "score": 1.0}
        >>> panels = FigurePanels({"PMC1_g1": [{**row, "image_hash": "ab"}]}, {})
        >>> panels.take("PMC1_g1", "ab", [20, 10], ["A", "B"])
        [{'letter': 'A', 'box': [0, 0, 9, 9], 'score': 1.0}]
        >>> panels.take("PMC1_g2", "cd", [20, 10], []), panels.figures
        ([], Counter({'kept': 1, 'names_no_panels': 1}))
        """
        rows = self._left.pop(key, [])
        panels = [
            {"letter": row["letter"], "box": [row[side] for side in _BOX], "score": row["score"]}
            for row in rows
        ]
        if not rows:
            unknown = "names_no_panels" if len(named) < FEWEST else "not_searched"
            outcome = self._whole.get(key, unknown)
        elif any(row["image_hash"] != image_hash for row in rows):
            outcome = "panels_of_another_image"
        elif not all(is_within(panel["box"], size) for panel in panels):
            outcome = "panel_beyond_the_image"
        else:
            outcome = "kept"
        self.figures[outcome] += 1
        if rows:
            self.panels[outcome] += len(rows)
        return panels if outcome == "kept" else []

    def close(self) -> None:
        """Count the panels of figures that were not there."""
        if left := sum(map(len, self._left.values())):
            self.panels["unknown_figure"] += left

    def digest(self) -> str:
        """Return a digest that changes when any panel changes."""
        return hashlib.sha256(json.dumps([self._left, self._whole]).encode()).hexdigest()


def panel_hash(image_hash: str, box: Sequence[int]) -> str:
    """Return what tells the pixels of a panel: the SHA-256 of that of its image and of its box.

    Examples
    --------
    >>> panel_hash("ab", [0, 0, 9, 9])[:8]
    '7999311e'
    """
    return hashlib.sha256(f"{image_hash} {','.join(map(str, box))}".encode()).hexdigest()


def is_within(box: Sequence[int], size: Sequence[int]) -> bool:
    """Whether a list is a box, and a part of an image.

    Examples
    --------
    >>> is_within([0, 0, 9, 9], [9, 9]), is_within([0, 0, 10, 9], [9, 9])
    (True, False)
    """
    if len(box) != len(_BOX):
        return False
    x0, y0, x1, y1 = box
    return 0 <= x0 < x1 <= size[0] and 0 <= y0 < y1 <= size[1]


def read_figure_panels(panels: Panels, first: int, after: int) -> FigurePanels:
    """Return the panels of the figures of articles ``first`` <= PMCID < ``after``.

    Raises
    ------
    ArchiveError
        A block is damaged.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    whole: dict[str, str] = {}
    wanted = range(first // panels.width, -(-after // panels.width))
    for block in panels.blocks() if len(wanted) > 1 else wanted:
        record = read_record(panels.folder, block) if block in wanted else None
        for row in panels.read(block).to_pylist() if record else []:
            if row["key"] != panel_key(row["figure"], row["letter"]):
                with reading(panels.folder.path(block_name(block)), AGAIN):
                    msg = f"{shown(row['key'])} is not a panel of {row['figure']}"
                    raise ValueError(msg)
            if first <= pmcid(row["figure"]) < after:
                found.setdefault(row["figure"], []).append(row)
        for problem in record.problems if record else []:
            key, _, reason = problem.partition(": ")
            whole[key] = reason
    return FigurePanels(found, whole)
