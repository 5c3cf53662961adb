"""Makes the rows of the config ``panels`` from a pair: one for each of its panels."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from biomedica_dataset.io.rules import COUNT, PAIR_KEY, PMCID, SHA256, Between, Form
from biomedica_dataset.io.tables import Column, columns_of
from biomedica_dataset.keys import panel_key
from biomedica_dataset.rows import UNLABELLED
from biomedica_dataset.schema import TABLES, Pair, PanelRow, column_names

CONFIG = "panels"
PLACE = ("file", "image_offset", "image_length")
"""Columns of the index that say where the image of a panel lies."""

LETTER = Form("[A-Za-z0-9][A-Za-z0-9 _-]{0,19}", "the letter of a panel, such as A, or its place")
_PANEL_RULES = {
    "panels.letter": LETTER,
    "panels.box": COUNT,
    "panels.score": Between(0, 1),
}
"""What the parts of the column ``panels`` of pairs may be."""

_PANEL_ROW_RULES = {
    "key": PAIR_KEY,
    "figure_key": PAIR_KEY,
    "letter": LETTER,
    "box": COUNT,
    "score": Between(0, 1),
    "article_accession_id": PMCID,
    "image_hash": SHA256,
    "image_offset": COUNT,
    "image_length": COUNT,
}
"""What the columns of the config ``panels`` may be."""

SHARED = [name for name in column_names(PanelRow) if name in column_names(Pair) and name != "key"]
"""Columns that a panel has from its pair, unless it has labels of its own."""

OWN = ["contexts", *UNLABELLED]
"""Columns that a panel may have for itself."""


@cache
def config_columns(config: str) -> dict[str, Column]:
    """Return the columns of a config, with what is allowed of panels in them."""
    table = TABLES[config]
    rules = {Pair: _PANEL_RULES, PanelRow: _PANEL_ROW_RULES}
    return columns_of(table, rules.get(table))


def panel_rows(
    pair: Mapping[str, Any], own: Mapping[str, Mapping[str, Any]], place: Mapping[str, Any]
) -> list[PanelRow]:
    """Return the rows of the panels of a pair; none if its figure was not split.

    Parameters
    ----------
    pair
        The columns of the pair.
    own
        By the key of a panel, columns that the pair lacks or that differ from its own.
    place
        The columns `PLACE` of the pair in the index.
    """
    shared = {name: pair[name] for name in SHARED} | {name: place[name] for name in PLACE}
    rows = []
    for panel in pair["panels"] or ():
        key = panel_key(pair["key"], panel["letter"])
        columns = {"contexts": None, **shared, **panel, **own.get(key, {})}
        rows.append(PanelRow(key=key, figure_key=pair["key"], **columns))
    return rows
