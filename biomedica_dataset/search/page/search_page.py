"""The search page, and what it asks of its server."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, cast

from biomedica_dataset.annotation.review.page import PAGE_FILES
from biomedica_dataset.annotation.review.server import Page
from biomedica_dataset.annotation.review.work_handlers import text_of
from biomedica_dataset.errors import UsageError
from biomedica_dataset.search.documents import STORED
from biomedica_dataset.streaming.choice import Choice

if TYPE_CHECKING:
    from biomedica_dataset.search.result import SearchResult
    from biomedica_dataset.search.search import Search
    from biomedica_dataset.search.searched_rows import Mode, SearchedRows
    from biomedica_dataset.search.words import Phrase

_DATA = Path(__file__).with_name("data")
_MOST, _COUNTED, _VALUES = 200, 200, 8
_FACETS = {
    "license_group": ("license_group",),
    "image_kind": ("image_kind",),
    "concept": ("image_primary_label", "image_secondary_label"),
    "article_journal": ("article_journal",),
}
_YEARS = {"from": ">=", "to": "<="}
_DETAILS = ["caption", "article_title", "article_citation", "article_license_url", "figure_label"]


def search_page(search: Search) -> Page:
    """Return the page that searches a dataset."""
    asked = SearchHandlers(search)
    return Page(
        (_DATA / "search.html").read_text(encoding="utf-8"),
        (*PAGE_FILES, _DATA / "search.css", _DATA / "search.js"),
        {"/about": asked.about, "/search": asked.search, "/figure": asked.figure},
    )


class SearchHandlers:
    """Answers the requests of the page with what JSON can hold.

    Each method takes what a browser sent, which may be anything, and raises `UsageError` if it
    cannot be meant.
    """

    def __init__(self, search: Search) -> None:
        self._search, self._modes = search, search.modes()
        self._one_by_one = threading.Lock()

    def about(self, _sent: dict[str, Any]) -> dict[str, Any]:
        """Return what can be searched, and how."""
        index = self._search.index
        counts = {"figure": index.rows, "panel": index.panels}
        return {
            "dataset": PurePosixPath(self._search.place.url).name,
            "counts": {unit: count for unit, count in counts.items() if count},
            "has_images": index.image_model is not None,
            "modes": self._modes,
        }

    def search(self, sent: dict[str, Any]) -> dict[str, Any]:
        """Find figures or panels; count the values of the best of them, to choose by."""
        limit, choice = sent.get("limit"), _choice(sent)
        if not isinstance(limit, int) or not 1 <= limit <= _MOST:
            msg = f"limit is {str(limit)[:40]!r}; it must be 1 to {_MOST}"
            raise UsageError(msg)
        with self._one_by_one:
            rows = self._search.figures if "similar" in sent else self._rows(sent)
            allowed, deep = rows.allowed(choice), max(limit + 1, _COUNTED)
            phrases: list[Phrase] = []
            if "similar" in sent:
                hits = self._search.find_similar(text_of(sent, "similar"), allowed, deep)
            else:
                mode = cast("Mode", text_of(sent, "mode"))
                phrases, hits = rows.find(text_of(sent, "query"), mode, allowed, deep)
            found = rows.found.results(hits[:limit], phrases, images=False)
            return {
                "results": [_shown(one) for one in found],
                "has_more": len(hits) > limit and limit < _MOST,
                "facets": _facets([rows.found.index_row(hit) for hit in hits[:_COUNTED]]),
            }

    def _rows(self, sent: dict[str, Any]) -> SearchedRows:
        return self._search.of(text_of(sent, "unit") if "unit" in sent else "figure")

    def figure(self, sent: dict[str, Any]) -> dict[str, Any]:
        """Return what is shown of one figure or panel alone: its caption and how to cite it."""
        found = self._rows(sent).found
        table = found.rows([found.hit(text_of(sent, "key"))])
        (row,), (texts,) = table.to_pylist(), found.read(table, [*_DETAILS, *found.own], [0])
        parts = [texts["article_title"], texts["article_citation"] or row["article_journal"]]
        year = row["article_year"]
        parts += [str(year)] if year and not texts["article_citation"] else []
        label = texts["figure_label"]
        if texts.get("letter") is not None:
            label = f"{label or 'Figure'}, panel {texts['letter']}"
        parts += [row["article_accession_id"], label, row["image_license"]]
        return {
            "caption": texts["caption"],
            "label": label,
            "citation": ". ".join(part.rstrip(". ") for part in parts if part) + ".",
            "license_url": texts["article_license_url"]
            if row["image_license"] == row["article_license"]
            else None,
        }


def _facets(found: Sequence[list[Any]]) -> dict[str, list[tuple[str, int]]]:
    """Return the values of rows of the index, each with how many have it."""
    rows = [dict(zip(STORED, row, strict=True)) for row in found]
    counts = {
        name: Counter(value for row in rows for value in _values(row, columns))
        for name, columns in _FACETS.items()
    }
    return {name: count.most_common(_VALUES) for name, count in counts.items()}


def _values(row: dict[str, Any], columns: Sequence[str]) -> list[str]:
    values: list[str] = []
    for name in columns:
        value = row[name]
        values += value if isinstance(value, list) else [value] if value else []
    return values


def _choice(sent: dict[str, Any]) -> Choice:
    """Return the conditions that a browser sent."""
    chosen = {name: sent.get(name) or [] for name in _FACETS}
    for name, values in chosen.items():
        if not isinstance(values, list) or not all(isinstance(one, str) for one in values):
            msg = f"{name} is {str(values)[:40]!r}; expected a list of texts"
            raise UsageError(msg)
    columns = ("image_kind", "article_journal")
    filters: list[tuple[str, str, Any]] = [(c, "in", chosen[c]) for c in columns if chosen[c]]
    for name, operator in _YEARS.items():
        year = sent.get(name)
        if year is None:
            continue
        if not isinstance(year, int):
            msg = f"the year is {str(year)[:40]!r}; expected a number such as 2015"
            raise UsageError(msg)
        filters.append(("article_year", operator, year))
    return Choice(
        licenses=chosen["license_group"] or None,
        concepts=chosen["concept"] or None,
        filters=filters or None,
    )


def _shown(one: SearchResult) -> dict[str, Any]:
    row = one.row
    return {
        "key": one.key,
        "pieces": one.snippet.pieces(),
        "matched": [name for name in one.matched[:1] if name != "caption"],
        "journal": row["article_journal"],
        "year": row["article_year"],
        "article": row["article_accession_id"],
        "url": one.article_url,
        "license": one.license,
        "kind": row["image_kind"],
        "size": [row["image_width"], row["image_height"]],
        "letter": row.get("letter"),
        "box": row.get("box"),
        "figure": row.get("figure_key", one.key),
        "caption": one.caption,
    }
