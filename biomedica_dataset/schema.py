"""The columns of every published table, defined only here.

A table is a dataclass; its fields are its columns, in order, with their type and meaning. A missing
value is ``None``. `features` and `arrow_schema` convert a table for `datasets` and `pyarrow`, which
are loaded only then.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from .licenses import LICENSE_GROUPS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from datasets import Features

SCHEMA_VERSION = "3"
"""Written into every file; changes when a column is new or changes its name, type or meaning."""

VERSIONS = ("1", "2", SCHEMA_VERSION)
"""Versions of dataset folders that are read: the columns that an older one lacks are null."""

CONFIGS = (*LICENSE_GROUPS, "all")
"""The image configs of the dataset; ``all`` combines the three groups."""

IMAGE_KINDS = (
    "figure", "table", "scheme", "chemical_structure", "graphical_abstract", "supplementary",
    "box", "response",
)  # fmt: skip
"""The values of ``image_kind``: what the element is in the article, not what it shows."""

_TERM = {"name": "string", "ui": "string", "is_major": "bool"}
_STRUCTURES = {
    "reference": {"citation": "string", "pmid": "int64", "doi": "string"},
    "term": _TERM,
    "heading": {**_TERM, "qualifiers": "list<term>"},
    "panel": {"letter": "string", "box": "list<int32>", "subcaption": "string", "score": "float32"},
}


def _column(kind: str, meaning: str, since: str = "1") -> Any:
    default: Any = dataclasses.MISSING if since == VERSIONS[0] else None
    metadata = {"type": kind, "meaning": meaning, "since": since}
    return dataclasses.field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class _ArticleColumns:
    article_accession_id: str = _column("string", "PMCID with its prefix")
    article_version: int = _column("int32", "version of the article in PMC")
    article_pmid: int | None = _column("int64", "PubMed id")
    article_doi: str | None = _column("string", "DOI")
    article_title: str | None = _column("string", "title as clean text")
    article_journal: str | None = _column("string", "full journal title")
    article_date: str | None = _column("string", "ISO 8601, as precise as the source")
    article_citation: str | None = _column("string", "citation line of PMC")
    article_abstract: str | None = _column("string", "abstract, section headings in front")
    article_type: str | None = _column("string", "`article/@article-type`")
    article_language: str | None = _column("string", "`article/@xml:lang`")
    article_keywords: list[str] | None = _column("list<string>", "author keywords")
    article_subject: list[str] | None = _column("list<string>", "subjects given by the journal")
    article_mesh_terms: list[str] | None = _column("list<string>", "MeSH descriptors of PubMed")
    article_license: str | None = _column("string", "such as `CC BY 4.0`; null where unknown")
    article_license_url: str | None = _column("string", "address of the licence")
    article_reference_count: int | None = _column("int32", "entries of the reference list")


@dataclass(frozen=True, kw_only=True)
class _FigureColumns:
    caption: str = _column("string", "title and paragraphs as clean text")
    image_file_name: str = _column("string", "name of the file in PMC")
    image_hash: str = _column("string", "SHA-256 of the original bytes")
    image_size: list[int] = _column("list<int32>", "width and height in pixels, as displayed")
    image_decodes: bool | None = _column(
        "bool", "whether the image can be decoded; null where not checked", since="2"
    )
    image_kind: str = _column("string", f"one of {', '.join(IMAGE_KINDS)}")
    figure_id: str | None = _column("string", "`fig/@id`")
    figure_label: str | None = _column("string", "label as printed: `Figure 2`")
    image_panels: list[str] | None = _column("list<string>", "panel letters named in the caption")
    panels: list[dict[str, Any]] | None = _column(
        "list<panel>", "panels found in the image; null where it was not split", since="3"
    )
    image_context: list[str] | None = _column("list<string>", "paragraphs that cite this figure")
    image_license: str | None = _column("string", "licence of this image; null where unknown")
    image_credit: str | None = _column("string", "sentence that credits a third party, if any")


@dataclass(frozen=True, kw_only=True)
class _LabelColumns:
    image_label_id: int | None = _column("int32", "cluster of the image")
    image_panel_type: str | None = _column("string", "single or multiple panels, by experts")
    image_panel_subtype: str | None = _column("string", "kind of panels, by experts")
    image_primary_label: list[str] | None = _column("list<string>", "global concepts, by experts")
    image_secondary_label: list[str] | None = _column("list<string>", "local concepts, by experts")


@dataclass(frozen=True, kw_only=True)
class _ImageColumn:
    image: Mapping[str, Any] | None = _column("image", "the original bytes, untouched")


@dataclass(frozen=True, kw_only=True)
class _KeyColumn:
    key: str = _column("string", "stable id: PMCID, `_`, file stem; `[A-Za-z0-9_-]+`")


@dataclass(frozen=True, kw_only=True)
class Pair(_ArticleColumns, _LabelColumns, _FigureColumns, _ImageColumn, _KeyColumn):
    """One image with its caption: a row of the image configs."""


@dataclass(frozen=True, kw_only=True)
class CaptionRow(_ArticleColumns, _LabelColumns, _FigureColumns, _KeyColumn):
    """The row of a pair without its image, or of a figure whose image was not fetched."""

    image_hash: str | None = _column("string", "null where it was not fetched")  # type: ignore[assignment]
    image_size: list[int] | None = _column("list<int32>", "the same")  # type: ignore[assignment]


@dataclass(frozen=True, kw_only=True)
class ArticleRow(_ArticleColumns):
    """One article: a row of the ``articles`` config."""

    article_text: str | None = _column("string", "headings and paragraphs of the body")
    article_references: list[dict[str, Any]] | None = _column(
        "list<reference>", "citation, pmid and doi of each entry"
    )
    article_mesh_headings: list[dict[str, Any]] | None = _column(
        "list<heading>", "MeSH descriptors of PubMed with UI, qualifiers and major topics"
    )
    article_keys: list[str] = _column(
        "list<string>", "keys of its pairs, whatever their licence group"
    )


@dataclass(frozen=True, kw_only=True)
class IndexRow:
    """The location of one image and the columns to select it by: a row of the ``index`` config."""

    key: str = _column("string", "stable id of the pair")
    license_group: str = _column("string", f"one of {', '.join(LICENSE_GROUPS)}")
    split: str = _column("string", "split of the row")
    article_accession_id: str = _column("string", "PMCID with its prefix")
    article_pmid: int | None = _column("int64", "PubMed id")
    article_year: int | None = _column("int32", "year of publication")
    article_journal: str | None = _column("string", "full journal title")
    article_license: str | None = _column("string", "licence of the article")
    article_mesh_terms: list[str] | None = _column("list<string>", "MeSH descriptors of PubMed")
    image_license: str | None = _column("string", "licence of this image; null where unknown")
    image_kind: str = _column("string", f"one of {', '.join(IMAGE_KINDS)}")
    image_panel_count: int | None = _column("int32", "panel letters named in the caption")
    panel_count_found: int | None = _column("int32", "panels found in the image", since="3")
    panel_scores: list[float] | None = _column("list<float32>", "scores of `panels`", since="3")
    image_width: int = _column("int32", "pixels, as displayed")
    image_height: int = _column("int32", "pixels, as displayed")
    image_decodes: bool | None = _column(
        "bool", "whether the image can be decoded; null where not checked", since="2"
    )
    caption_length: int = _column("int32", "characters")
    image_label_id: int | None = _column("int32", "cluster of the image")
    image_panel_type: str | None = _column("string", "single or multiple panels, by experts")
    image_primary_label: list[str] | None = _column("list<string>", "global concepts, by experts")
    image_secondary_label: list[str] | None = _column("list<string>", "local concepts, by experts")
    file: str = _column("string", "shard, relative to the dataset folder")
    row: int = _column("int32", "row of the pair in the shard, from 0")
    image_offset: int = _column("int64", "first byte of the image in the shard")
    image_length: int = _column("int64", "bytes of the image")
    caption_offset: int = _column("int64", "first byte of the caption in the shard")
    caption_bytes: int = _column("int32", "bytes of the caption, in UTF-8")
    caption_digest: int | None = _column(
        "int64", "first 8 bytes of the SHA-256 of these bytes, as a signed number", since="2"
    )


@dataclass(frozen=True, kw_only=True)
class VectorRow(_KeyColumn):
    """The vector of one image: a row of the ``embeddings`` config."""

    image_embedding: Any = _column(
        "list<float16>", "vector of the image; null where it could not be decoded"
    )
    image_embedding_model: str | None = _column(
        "string", "what made the vector: model, revision or weights, preprocessing"
    )


@dataclass(frozen=True, kw_only=True)
class _PanelColumns:
    key: str = _column("string", "stable id of the panel: key of its figure, `-`, letter")
    figure_key: str = _column("string", "stable id of the pair of its figure")
    letter: str = _column("string", "its letter in upper case; without letters its place or number")
    box: list[int] = _column("list<int32>", "left, top, right, bottom in pixels, as displayed")
    score: float = _column("float32", "how well letters and cut agree, from 0 to 1")
    subcaption: str | None = _column("string", "what the caption says of it and of all panels")
    contexts: list[str] | None = _column("list<string>", "sentences that cite this panel")
    article_accession_id: str = _column("string", "PMCID with its prefix")
    article_license: str | None = _column("string", "licence of the article")
    article_license_url: str | None = _column("string", "address of the licence")
    image_license: str | None = _column("string", "licence of the image; null where unknown")
    image_credit: str | None = _column("string", "sentence that credits a third party, if any")
    image_hash: str = _column("string", "SHA-256 of the image that it is a part of")
    file: str = _column("string", "shard of the image, relative to the dataset folder")
    image_offset: int = _column("int64", "first byte of the image in the shard")
    image_length: int = _column("int64", "bytes of the image")


@dataclass(frozen=True, kw_only=True)
class PanelRow(_LabelColumns, _PanelColumns):
    """One panel of a figure, without its image: a row of the ``panels`` config."""


TABLES: dict[str, type] = {
    **dict.fromkeys(CONFIGS, Pair),
    "articles": ArticleRow,
    "captions": CaptionRow,
    "panels": PanelRow,
    "index": IndexRow,
    "embeddings": VectorRow,
}
"""The table of each config."""


def column_names(table: type) -> list[str]:
    """Return the names of the columns of a table, in order.

    Examples
    --------
    >>> column_names(Pair)[:3]
    ['key', 'image', 'caption']
    """
    return [field.name for field in dataclasses.fields(table)]


def features(table: type, version: str = SCHEMA_VERSION) -> Features:
    """Return the `datasets.Features` of a table, as a schema version has it."""
    from datasets import Features

    there = (f for f in dataclasses.fields(table) if int(f.metadata["since"]) <= int(version))
    return Features({field.name: _feature(field.metadata["type"]) for field in there})


def _feature(kind: str) -> Any:
    from datasets import Image, List, Value

    if kind.startswith("list<"):
        return List(_feature(kind.removeprefix("list<").removesuffix(">")))
    if kind in _STRUCTURES:
        return {name: _feature(part) for name, part in _STRUCTURES[kind].items()}
    return Image() if kind == "image" else Value(kind)


@cache
def arrow_schema(table: type, version: str = SCHEMA_VERSION) -> pa.Schema:
    """Return the Arrow schema of a table, with the ``huggingface`` and our version metadata."""
    schema = features(table, version).arrow_schema
    return schema.with_metadata(
        {**(schema.metadata or {}), b"biomedica_schema_version": version.encode()}
    )


@cache
def later_columns(table: type) -> set[str]:
    """Return the columns of a table that the first schema version lacks."""
    return {f.name for f in dataclasses.fields(table) if f.metadata["since"] != VERSIONS[0]}


def to_table(table: type, rows: Sequence[Any], **ready: pa.Array) -> pa.Table:
    """Return rows of one table as an Arrow table.

    Parameters
    ----------
    ready
        Columns that already are Arrow arrays.
    """
    import pyarrow as pa

    columns = [
        ready[field.name]
        if field.name in ready
        else pa.array([_plain(getattr(row, field.name)) for row in rows], type=field.type)
        for field in arrow_schema(table)
    ]
    return pa.Table.from_arrays(columns, schema=arrow_schema(table))


def to_dict(row: Any) -> dict[str, Any]:
    """Return a row as a dict of its columns, nested values as they are."""
    return {field.name: _plain(getattr(row, field.name)) for field in dataclasses.fields(row)}


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value
