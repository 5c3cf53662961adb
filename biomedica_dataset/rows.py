"""Makes the rows of one archived article: a pure function of the archive and of this code."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from .archive.entries import NOT_WANTED, LedgerRow
from .documents import Document, make_document
from .engine.fingerprint import code_fingerprint
from .errors import ArticleError, ReaderDefectError
from .images.probe import probe
from .images.stored_image import StoredImage
from .jats.reader import read_article
from .keys import panel_key
from .licenses import License, license_group, resolved_license, stricter_group
from .pmc.matching import Match, match_figures
from .pmc.metadata import Metadata, parse_metadata
from .schema import ArticleRow, CaptionRow, Pair

if TYPE_CHECKING:
    from .jats.records import Article, Figure
    from .pubmed.mesh.table import ArticleTerms

    TakePanels = Callable[[str, str, Sequence[int], Sequence[str]], list[dict[str, Any]]]

logger = logging.getLogger(__name__)

UNLABELLED: dict[str, Any] = {
    "image_label_id": None,
    "image_panel_type": None,
    "image_panel_subtype": None,
    "image_primary_label": None,
    "image_secondary_label": None,
}
"""The label columns of an image without labels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleRows:
    """All rows of one article.

    Parameters
    ----------
    pairs
        The pairs with their licence groups, in document order.
    captions
        The rows of figures whose images were not wanted, with their licence groups.
    article
        The row of the article itself, in the group of its own licence; ``None`` if it is
        unreadable.
    document
        The article as a document, if it was asked for.
    figures
        Number of figures by outcome: ``kept``, or the reason why there is no row.
    problem
        Why the whole article has no rows, if so.
    licenses_disagree
        Whether PMC and the XML name different licences; PMC's applies.
    panels
        Of each panel, by its key: the columns of `PanelRow` that its pair does not have.
    """

    pairs: list[tuple[str, Pair]] = field(default_factory=list)
    captions: list[tuple[str, CaptionRow]] = field(default_factory=list)
    article: tuple[str, ArticleRow] | None = None
    document: Document | None = None
    figures: Counter[str] = field(default_factory=Counter)
    problem: str | None = None
    licenses_disagree: bool = False
    panels: dict[str, dict[str, Any]] = field(default_factory=dict)


def rows_of(
    row: LedgerRow,
    images: Mapping[str, bytes],
    *,
    full_text: bool = False,
    documents: bool = False,
    terms: ArticleTerms | None = None,
    labels: Callable[[str], Mapping[str, Any]] | None = None,
    panels: TakePanels | None = None,
) -> ArticleRows:
    """Return the rows of one kept article version.

    Parameters
    ----------
    row
        Its ledger row, with metadata and XML.
    images
        Bytes by file name; rows have them unchanged.
    full_text
        Also return the row of the article, with its text and references.
    documents
        Also return the article as a document.
    terms
        PubMed's terms, abstract and keywords of the article.
    labels
        Returns the label columns of a key, of a figure or a panel; without it they are null.
    panels
        Returns letter, box and score of the panels of a key, the SHA-256 and size of its image, and
        the letters in its caption; without it no figure is split.
    """
    try:
        metadata = parse_metadata(row.metadata or b"", row.name)
        article = read_article(row.xml or b"", full_text=full_text, blocks=documents)
    except ArticleError as error:
        return ArticleRows(problem=f"{row.name}: {error}")
    licensed = resolved_license(metadata.license_code, article.license)
    named = article.license.code
    common = _article_columns(row, metadata, article, licensed, terms)
    reasons = {entry.name: _word(entry.status, entry.reason) for entry in row.images if entry.name}
    result = ArticleRows(
        licenses_disagree=bool(named and metadata.license_code and named != metadata.license_code)
    )
    keys: dict[int | None, str] = {}
    matches = match_figures(f"PMC{row.pmcid}", article.figures, metadata.media)
    for number, match in enumerate(matches):
        problem = match.dropped
        if problem is None and match.name not in images:
            problem = reasons.get(match.name or "", "not_fetched")
        if problem == NOT_WANTED:
            columns = {**UNLABELLED, **common, **_figure_columns(match, licensed)}
            row_without = CaptionRow(**columns, image_hash=None, image_size=None)
            result.captions.append((_group(match, licensed), row_without))
        if problem is None:
            try:
                own = labels(match.key or "") if labels else {}
                group, pair = _pair(match, images, licensed, {**common, **own}, panels)
                of_panels = dict(_panel_columns(match.figure, pair, labels))
                if pair.image_label_id is None:
                    pair = replace(pair, **_labels_of_figure(of_panels.values()))
                result.pairs.append((group, pair))
                result.panels.update(of_panels)
                keys[number] = pair.key
            except ReaderDefectError as error:
                logger.warning("%s: %s", row.name, error)
                problem = "reader failed"
            except ArticleError as error:
                problem = str(error)
        result.figures[problem or "kept"] += 1
    if full_text:
        text = _article_row(common, article, list(keys.values()), terms)
        result = replace(result, article=(license_group(licensed.code), text))
    if documents:
        result = replace(result, document=make_document(common, article, keys, licensed))
    return result


def _article_row(
    common: dict[str, Any], article: Article, keys: list[str], terms: ArticleTerms | None
) -> ArticleRow:
    references = [
        {"citation": r.citation, "pmid": r.pmid, "doi": r.doi} for r in article.references or ()
    ]
    return ArticleRow(
        **common,
        article_text=article.text,
        article_references=references or None,
        article_mesh_headings=terms.mesh if terms else None,
        article_keys=keys,
    )


def _pair(
    match: Match,
    images: Mapping[str, bytes],
    licensed: License,
    common: dict[str, Any],
    panels: TakePanels | None,
) -> tuple[str, Pair]:
    name = match.name or ""
    image = images[name]
    facts = probe(image)
    size, letters = [facts.width, facts.height], match.figure.panels
    found = panels(match.key or "", facts.sha256, size, letters) if panels else []
    texts = match.figure.subcaptions if found else {}
    pair = Pair(
        image=StoredImage(name, len(image), images),
        image_hash=facts.sha256,
        image_size=size,
        panels=[{**one, "subcaption": texts.get(one["letter"])} for one in found] or None,
        **{**UNLABELLED, **common, **_figure_columns(match, licensed)},
    )
    return _group(match, licensed), pair


def _figure_columns(match: Match, licensed: License) -> dict[str, Any]:
    """Return what the article says of a figure."""
    figure: Figure = match.figure
    return {
        "key": match.key or "",
        "caption": figure.caption or "",
        "image_file_name": match.name or "",
        "image_kind": figure.kind,
        "figure_id": figure.figure_id,
        "figure_label": figure.label,
        "image_panels": list(figure.panels) or None,
        "image_context": list(figure.context) or None,
        "image_license": (figure.own_license or licensed).name,
        "image_credit": figure.credit,
        "image_alt_text": figure.alt_text,
        "image_long_desc": figure.long_desc,
    }


def _group(match: Match, licensed: License) -> str:
    return stricter_group(licensed, match.figure.own_license)


def _panel_columns(
    figure: Figure, pair: Pair, labels: Callable[[str], Mapping[str, Any]] | None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the key of each panel, with its contexts, and its labels if it has its own."""
    sentences = figure.panel_contexts if pair.panels else ()
    for panel in pair.panels or ():
        key = panel_key(pair.key, panel["letter"])
        contexts = [
            figure.context[one.paragraph][one.start : one.end]
            for one in sentences
            if panel["letter"] in one.letters
        ]
        own = labels(key) if labels else {}
        labelled = {**UNLABELLED, **own} if own.get("image_label_id") is not None else {}
        yield key, {"contexts": contexts or None, **labelled}


def _labels_of_figure(panels: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the labels of a figure whose panels have labels: theirs, each once.

    A type is that of the figure if all of its labelled panels share it.
    """
    labelled = [panel for panel in panels if panel.get("image_label_id") is not None]
    found: dict[str, Any] = {}
    for name in ("image_primary_label", "image_secondary_label"):
        found[name] = (
            list(dict.fromkeys(c for panel in labelled for c in panel[name] or ())) or None
        )
    for name in ("image_panel_type", "image_panel_subtype"):
        types = {panel[name] for panel in labelled}
        found[name] = types.pop() if len(types) == 1 else None
    return found


def _article_columns(
    row: LedgerRow,
    metadata: Metadata,
    article: Article,
    licensed: License,
    terms: ArticleTerms | None,
) -> dict[str, Any]:
    abstract, keywords = article.abstract, list(article.keywords) or None
    if terms is not None:  # PubMed's, if the article has none of its own
        abstract, keywords = abstract or terms.abstract_text, keywords or terms.keywords
    return {
        "article_accession_id": f"PMC{row.pmcid}",
        "article_version": row.version,
        "article_pmid": metadata.pmid or article.pmid,
        "article_doi": metadata.doi or article.doi,
        "article_title": article.title or metadata.title,
        "article_journal": article.journal,
        "article_date": article.date,
        "article_citation": metadata.citation,
        "article_abstract": abstract,
        "article_type": article.type,
        "article_language": article.language,
        "article_keywords": keywords,
        "article_subject": list(article.subjects) or None,
        "article_mesh_terms": terms.names if terms else None,
        "article_license": licensed.name,
        "article_license_url": licensed.url,
        "article_reference_count": article.reference_count,
    }


def _word(status: str, reason: str | None) -> str:
    if status == "kept":
        return "not_fetched"
    if reason is None:
        return status
    return reason if status == "rejected" else f"{status}: {reason}"


def rows_fingerprint() -> str:
    """Return the fingerprint of the code that makes rows; when it changes, rows are remade."""
    return code_fingerprint(("rows",), ("lxml", "pillow"))
