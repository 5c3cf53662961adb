"""The columns of the MeSH table and its parts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from itertools import accumulate, chain
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa

from biomedica_dataset.io.rules import COUNT, POSITIVE, OneOf
from biomedica_dataset.io.tables import Column

from .article_ids import doi_number
from .join import MATCHES

if TYPE_CHECKING:
    from .citation import Citation, Term

Item = TypeVar("Item")
DIGEST_BYTES = 8
_SECTION = ("label", "category", "text")


def _payload() -> list[tuple[str, pa.DataType]]:
    text, flag = pa.string(), pa.bool_()
    term = [("name", text), ("ui", text), ("is_major", flag)]
    qualifiers = pa.list_(pa.struct(term))
    return [
        ("mesh", pa.list_(pa.struct([*term, ("qualifiers", qualifiers)]))),
        ("publication_types", pa.list_(pa.struct(term[:2]))),
        ("abstract", pa.list_(pa.struct([(name, text) for name in _SECTION]))),
        ("keywords", pa.list_(text)),
        ("digest", pa.binary(DIGEST_BYTES)),
    ]


_STATUSES = ("mesh", "no_mesh", "book", "no_pmid", "deleted", "ambiguous", "not_found")
_RULES = {
    "pmcid": POSITIVE, "pmid": POSITIVE, "matched_by": OneOf(MATCHES), "status": OneOf(_STATUSES),
}  # fmt: skip
_PART_RULES = {
    "pmid": COUNT, "version": COUNT, "pmcid": COUNT,
    "kind": OneOf(("article", "book", "deleted")),
}  # fmt: skip
_MISSING = {"ui", "label", "category"}  # what a term or a section may lack

PAYLOAD = tuple(name for name, _type in _payload())


@cache
def part_schema() -> pa.Schema:
    """Return the schema of a part: one row per record or withdrawal, in the order of its source."""
    number = pa.int64()
    ids = [(name, number) for name in ("pmid", "version", "pmcid", "doi")]
    return pa.schema([*ids, ("kind", pa.string()), *_payload()])


@cache
def table_schema() -> pa.Schema:
    """Return the schema of the MeSH table: one row per article of the archive, by PMCID."""
    number, text = pa.int64(), pa.string()
    ids = [("pmcid", number), ("pmid", number), ("matched_by", text), ("status", text)]
    return pa.schema([*ids, *_payload()])


@cache
def table_columns() -> dict[str, Column]:
    """Return what the columns of the MeSH table may hold."""
    always = {"pmcid", "status"}
    return {
        one.name: Column(
            type=one.type,
            rule=_RULES.get(one.name),
            is_nullable=one.name not in always,
            is_unique=one.name == "pmcid",
            parts=_parts(one.type),
        )
        for one in table_schema()
    }


@cache
def part_columns() -> dict[str, Column]:
    """Return what the columns of a part may hold."""
    return {
        one.name: Column(
            type=one.type,
            rule=_PART_RULES.get(one.name),
            is_nullable=one.name in PAYLOAD,
            parts=_parts(one.type),
        )
        for one in part_schema()
    }


def _parts(kind: pa.DataType) -> dict[str, Column]:
    """Return what the structures in a list may hold."""
    if not pa.types.is_list(kind) or not pa.types.is_struct(kind.value_type):
        return {}
    fields = (kind.value_type.field(place) for place in range(kind.value_type.num_fields))
    return {
        one.name: Column(type=one.type, is_nullable=one.name in _MISSING, parts=_parts(one.type))
        for one in fields
    }


def part_table(citations: Sequence[Citation]) -> pa.Table:
    """Return records as a part."""
    number, text = pa.int64(), pa.string()
    sections = [section for c in citations for section in c.abstract]
    columns = [
        pa.array([c.pmid for c in citations], number),
        pa.array([c.version for c in citations], number),
        pa.array([c.pmcid or 0 for c in citations], number),
        pa.array([doi_number(c.doi) for c in citations], number),
        pa.array([c.kind for c in citations], text),
        _headings(citations),
        _types(citations),
        _lists(
            [len(c.abstract) for c in citations],
            [pa.array([getattr(s, name) for s in sections], text) for name in _SECTION],
            part_schema().field("abstract").type,
        ),
        pa.array([c.keywords or None for c in citations], pa.list_(text)),
        pa.array([c.digest or None for c in citations], pa.binary(DIGEST_BYTES)),
    ]
    return pa.Table.from_arrays(columns, schema=part_schema())


def _headings(citations: Sequence[Citation]) -> pa.Array:
    """Return the lists of headings; each unique heading is converted once."""
    kind = part_schema().field("mesh").type
    unique, places = _unique([heading for c in citations for heading in c.headings])
    qualifiers = chain.from_iterable(heading.qualifiers for heading in unique)
    terms, of_terms = _unique([*(heading.descriptor for heading in unique), *qualifiers])
    unique_terms = _terms(terms)
    qualified = _lists(
        [len(heading.qualifiers) for heading in unique],
        [column.take(of_terms[len(unique) :]) for column in unique_terms],
        kind.value_type.field("qualifiers").type,
    )
    columns = [*(column.take(of_terms[: len(unique)]) for column in unique_terms), qualified]
    values = pa.StructArray.from_arrays(columns, fields=list(kind.value_type)).take(places)
    return _as_lists([len(c.headings) for c in citations], values, kind)


def _unique(items: Sequence[Item]) -> tuple[list[Item], pa.Array]:
    """Return unique items, and the place of each among them; most equal ones are identical."""
    by_id = {id(item): item for item in items}
    places = {key: place for place, key in enumerate(by_id)}
    return list(by_id.values()), pa.array([places[id(item)] for item in items], pa.int32())


def _types(citations: Sequence[Citation]) -> pa.Array:
    """Return the lists of publication types; few of them differ."""
    kind = part_schema().field("publication_types").type
    places: dict[tuple[Term, ...], int] = {}
    lists = [c.publication_types for c in citations]
    indices = [places.setdefault(types, len(places)) for types in lists]
    terms = list(chain.from_iterable(places))
    unique = _lists([len(types) for types in places], _terms(terms)[:2], kind)
    return unique.take(pa.array(indices, pa.int32()))


def _terms(terms: Sequence[Term]) -> list[pa.Array]:
    return [
        pa.array([term.name for term in terms], pa.string()),
        pa.array([term.ui for term in terms], pa.string()),
        pa.array([term.is_major for term in terms], pa.bool_()),
    ]


def _lists(lengths: Sequence[int], columns: Sequence[pa.Array], kind: pa.DataType) -> pa.Array:
    values = pa.StructArray.from_arrays(columns, fields=list(kind.value_type))
    return _as_lists(lengths, values, kind)


def _as_lists(lengths: Sequence[int], values: pa.Array, kind: pa.DataType) -> pa.Array:
    """Split values into lists, with null for empty ones: by whole columns, not by dicts."""
    ends = accumulate(lengths, initial=0)
    offsets = [start if length else None for start, length in zip(ends, lengths, strict=False)]
    starts = pa.array([*offsets, len(values)], pa.int32())
    return pa.ListArray.from_arrays(starts, values, type=kind)


def as_metadata(stored: dict[str, Any]) -> bytes:
    """Return metadata of a file as JSON, the same bytes for the same content."""
    return json.dumps(stored, sort_keys=True, ensure_ascii=False).encode()
