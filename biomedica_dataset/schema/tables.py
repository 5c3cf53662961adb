"""The columns of every published table: the fields of a dataclass, in order.

A missing value is ``None``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from biomedica_dataset.licenses import LICENSE_GROUPS

from .columns import CONFIGS, IMAGE_KINDS, column


@dataclass(frozen=True, kw_only=True)
class _ArticleColumns:
    article_accession_id: str = column("string", "PMCID with its prefix")
    article_version: int = column("int32", "version of the article in PMC")
    article_pmid: int | None = column("int64", "PubMed id")
    article_doi: str | None = column("string", "DOI")
    article_title: str | None = column("string", "title as clean text")
    article_journal: str | None = column("string", "full journal title")
    article_date: str | None = column("string", "ISO 8601, as precise as the source")
    article_citation: str | None = column("string", "citation line of PMC")
    article_abstract: str | None = column("string", "abstract, section headings in front")
    article_type: str | None = column("string", "`article/@article-type`")
    article_language: str | None = column("string", "`article/@xml:lang`")
    article_keywords: list[str] | None = column("list<string>", "author keywords")
    article_subject: list[str] | None = column("list<string>", "subjects given by the journal")
    article_mesh_terms: list[str] | None = column("list<string>", "MeSH descriptors of PubMed")
    article_license: str | None = column("string", "such as `CC BY 4.0`; null where unknown")
    article_license_url: str | None = column("string", "address of the licence")
    article_reference_count: int | None = column("int32", "entries of the reference list")


@dataclass(frozen=True, kw_only=True)
class _FigureColumns:
    caption: str = column("string", "title and paragraphs as clean text")
    image_file_name: str = column("string", "name of the file in PMC")
    image_hash: str = column("string", "SHA-256 of the original bytes")
    image_size: list[int] = column("list<int32>", "width and height in pixels, as displayed")
    image_decodes: bool | None = column(
        "bool", "whether the image can be decoded; null where not checked", since="2"
    )
    image_kind: str = column("string", f"one of {', '.join(IMAGE_KINDS)}")
    figure_id: str | None = column("string", "`fig/@id`")
    figure_label: str | None = column("string", "label as printed: `Figure 2`")
    image_panels: list[str] | None = column("list<string>", "panel letters named in the caption")
    panels: list[dict[str, Any]] | None = column(
        "list<panel>", "panels found in the image; null where it was not split", since="3"
    )
    image_context: list[str] | None = column("list<string>", "paragraphs that cite this figure")
    image_license: str | None = column("string", "licence of this image; null where unknown")
    image_credit: str | None = column("string", "sentence that credits a third party, if any")
    image_alt_text: str | None = column(
        "string", "`alt-text`: what the image is to those who do not see it", since="3"
    )
    image_long_desc: str | None = column(
        "string", "`long-desc`: a longer description than `alt-text`", since="3"
    )


@dataclass(frozen=True, kw_only=True)
class _LabelColumns:
    image_label_id: int | None = column("int32", "cluster of the image")
    image_panel_type: str | None = column("string", "single or multiple panels, by experts")
    image_panel_subtype: str | None = column("string", "kind of panels, by experts")
    image_primary_label: list[str] | None = column("list<string>", "global concepts, by experts")
    image_secondary_label: list[str] | None = column("list<string>", "local concepts, by experts")


@dataclass(frozen=True, kw_only=True)
class _ImageColumn:
    image: Mapping[str, Any] | None = column("image", "the original bytes, untouched")


@dataclass(frozen=True, kw_only=True)
class _KeyColumn:
    key: str = column("string", "stable id: PMCID, `_`, file stem; `[A-Za-z0-9_-]+`")


@dataclass(frozen=True, kw_only=True)
class Pair(_ArticleColumns, _LabelColumns, _FigureColumns, _ImageColumn, _KeyColumn):
    """One image with its caption: a row of the image configs."""


@dataclass(frozen=True, kw_only=True)
class CaptionRow(_ArticleColumns, _LabelColumns, _FigureColumns, _KeyColumn):
    """The row of a pair without its image, or of a figure whose image was not fetched."""

    image_hash: str | None = column("string", "null where it was not fetched")  # type: ignore[assignment]
    image_size: list[int] | None = column("list<int32>", "the same")  # type: ignore[assignment]


@dataclass(frozen=True, kw_only=True)
class ArticleRow(_ArticleColumns):
    """One article: a row of the ``articles`` config."""

    article_text: str | None = column("string", "headings and paragraphs of the body")
    article_references: list[dict[str, Any]] | None = column(
        "list<reference>", "citation, pmid and doi of each entry"
    )
    article_mesh_headings: list[dict[str, Any]] | None = column(
        "list<heading>", "MeSH descriptors of PubMed with UI, qualifiers and major topics"
    )
    article_keys: list[str] = column(
        "list<string>", "keys of its pairs, whatever their licence group"
    )


@dataclass(frozen=True, kw_only=True)
class IndexRow:
    """The location of one image and the columns to select it by: a row of the ``index`` config."""

    key: str = column("string", "stable id of the pair")
    license_group: str = column("string", f"one of {', '.join(LICENSE_GROUPS)}")
    split: str = column("string", "split of the row")
    article_accession_id: str = column("string", "PMCID with its prefix")
    article_pmid: int | None = column("int64", "PubMed id")
    article_year: int | None = column("int32", "year of publication")
    article_journal: str | None = column("string", "full journal title")
    article_license: str | None = column("string", "licence of the article")
    article_mesh_terms: list[str] | None = column("list<string>", "MeSH descriptors of PubMed")
    image_license: str | None = column("string", "licence of this image; null where unknown")
    image_kind: str = column("string", f"one of {', '.join(IMAGE_KINDS)}")
    image_panel_count: int | None = column("int32", "panel letters named in the caption")
    panel_count_found: int | None = column("int32", "panels found in the image", since="3")
    panel_scores: list[float] | None = column("list<float32>", "scores of `panels`", since="3")
    image_width: int = column("int32", "pixels, as displayed")
    image_height: int = column("int32", "pixels, as displayed")
    image_decodes: bool | None = column(
        "bool", "whether the image can be decoded; null where not checked", since="2"
    )
    caption_length: int = column("int32", "characters")
    image_label_id: int | None = column("int32", "cluster of the image")
    image_panel_type: str | None = column("string", "single or multiple panels, by experts")
    image_primary_label: list[str] | None = column("list<string>", "global concepts, by experts")
    image_secondary_label: list[str] | None = column("list<string>", "local concepts, by experts")
    file: str = column("string", "shard, relative to the dataset folder")
    row: int = column("int32", "row of the pair in the shard, from 0")
    image_offset: int = column("int64", "first byte of the image in the shard")
    image_length: int = column("int64", "bytes of the image")
    caption_offset: int = column("int64", "first byte of the caption in the shard")
    caption_bytes: int = column("int32", "bytes of the caption, in UTF-8")
    caption_digest: int | None = column(
        "int64", "first 8 bytes of the SHA-256 of these bytes, as a signed number", since="2"
    )


@dataclass(frozen=True, kw_only=True)
class VectorRow(_KeyColumn):
    """The vector of one image: a row of the ``embeddings`` config."""

    image_embedding: Any = column(
        "list<float16>", "vector of the image; null where it could not be decoded"
    )
    image_embedding_model: str | None = column(
        "string", "what made the vector: model, revision or weights, preprocessing"
    )


@dataclass(frozen=True, kw_only=True)
class _PanelColumns:
    key: str = column("string", "stable id of the panel: key of its figure, `-`, letter")
    figure_key: str = column("string", "stable id of the pair of its figure")
    letter: str = column("string", "its letter in upper case; without letters its place or number")
    box: list[int] = column("list<int32>", "left, top, right, bottom in pixels, as displayed")
    score: float = column("float32", "how well letters and cut agree, from 0 to 1")
    subcaption: str | None = column("string", "what the caption says of it and of all panels")
    contexts: list[str] | None = column("list<string>", "sentences that cite this panel")
    article_accession_id: str = column("string", "PMCID with its prefix")
    article_license: str | None = column("string", "licence of the article")
    article_license_url: str | None = column("string", "address of the licence")
    image_license: str | None = column("string", "licence of the image; null where unknown")
    image_credit: str | None = column("string", "sentence that credits a third party, if any")
    image_hash: str = column("string", "SHA-256 of the image that it is a part of")
    file: str = column("string", "shard of the image, relative to the dataset folder")
    image_offset: int = column("int64", "first byte of the image in the shard")
    image_length: int = column("int64", "bytes of the image")


@dataclass(frozen=True, kw_only=True)
class PanelRow(_LabelColumns, _PanelColumns):
    """One panel of a figure, without its image: a row of the ``panels`` config."""


@dataclass(frozen=True, kw_only=True)
class DocumentRow:
    """An article as blocks in reading order: a row of the config ``documents``."""

    article_accession_id: str = column("string", "PMCID with its prefix")
    text_license_group: str = column(
        "string", f"licence group of the article, one of {', '.join(LICENSE_GROUPS)}"
    )
    article_version: int = column("int32", "version of the article in PMC")
    article_pmid: int | None = column("int64", "PubMed id")
    article_doi: str | None = column("string", "DOI")
    article_title: str | None = column("string", "title as clean text")
    article_abstract: str | None = column("string", "abstract, section headings in front")
    article_journal: str | None = column("string", "full journal title")
    article_date: str | None = column("string", "ISO 8601, as precise as the source")
    article_citation: str | None = column("string", "citation line of PMC")
    article_type: str | None = column("string", "`article/@article-type`")
    article_language: str | None = column("string", "`article/@xml:lang`")
    article_license: str | None = column("string", "such as `CC BY 4.0`; null where unknown")
    article_license_url: str | None = column("string", "address of the licence")
    blocks: list[dict[str, Any]] = column(
        "list<block>",
        "headings, paragraphs, lists, formulas, figures by their key, and tables with their rows "
        "as HTML",
    )


TABLES: dict[str, type] = {
    **dict.fromkeys(CONFIGS, Pair),
    "articles": ArticleRow,
    "documents": DocumentRow,
    "captions": CaptionRow,
    "panels": PanelRow,
    "index": IndexRow,
    "embeddings": VectorRow,
}
"""The table of each config."""
