"""Joins MeSH terms, clusters, labels and vectors to the rows of an archive."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .annotation.attribute_tables import open_attribute_tables
from .annotation.clusters.assignments import Assignments
from .annotation.duplicates.copies import Duplicates
from .annotation.embeddings.vectors import Embeddings
from .annotation.labels.labels import Labels
from .annotation.panels.figure_panels import FigurePanels, read_figure_panels
from .annotation.panels.panels import Panels
from .annotation.probe.probabilities import Probe
from .errors import UsageError
from .images.stored_image import image_length
from .io.folders import Folder
from .pubmed.mesh.table import MeshTable
from .rows import ArticleRows, rows_of

if TYPE_CHECKING:
    from .annotation.blocks import BlockTables
    from .annotation.labels.audit import Purity
    from .archive.entries import LedgerRow
    from .archive.ledger import Archive

    Path = str | os.PathLike[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinFolders:
    """The folders to join, which can be sent to another process.

    Parameters
    ----------
    mesh
        A MeSH table.
    clusters
        Assignments of images to clusters.
    labels
        Labels of those clusters, or a probe of their images, which becomes an attribute too.
    embeddings
        Vectors of the images, which become a separate table.
    panels
        Panels of the figures, which become a column and a separate table.
    attributes
        Block tables of what is known of the images, each of which becomes a separate table.
    """

    mesh: Path | None = None
    clusters: Path | None = None
    labels: Path | None = None
    embeddings: Path | None = None
    panels: Path | None = None
    attributes: Sequence[Path] = ()


@dataclass(frozen=True, slots=True)
class Joins:
    """The opened folders to join."""

    mesh: MeshTable | None = None
    clusters: Assignments | None = None
    labels: Labels | Probe | None = None
    embeddings: Embeddings | None = None
    panels: Panels | None = None
    attributes: tuple[BlockTables[Any], ...] = ()

    @classmethod
    def open(cls, folders: JoinFolders) -> Joins:
        """Open the folders to join.

        Raises
        ------
        UsageError
            A folder is something else, or labels are given without clusters or for other clusters.
        """
        mesh = None if folders.mesh is None else MeshTable.open(folders.mesh)
        clusters = None if folders.clusters is None else Assignments.open(folders.clusters)
        labels = None if folders.labels is None else _open_labels(folders.labels)
        if labels is not None and clusters is None:
            msg = f"{folders.labels} needs the clusters of the images; name them too"
            raise UsageError(msg)
        if isinstance(labels, Labels) and clusters and labels.model != clusters.model:
            msg = (
                f"{folders.labels} has labels of clusters other than those of {folders.clusters}; "
                "images would get wrong labels"
            )
            raise UsageError(msg)
        vectors = None if folders.embeddings is None else Embeddings.open(folders.embeddings)
        panels = None if folders.panels is None else Panels.open(folders.panels)
        attributes = list(map(open_attribute_tables, folders.attributes))
        attributes += [labels] if isinstance(labels, Probe) else []
        return cls(mesh, clusters, labels, vectors, panels, tuple(attributes))

    def check(self, archive: Archive) -> None:
        """Refuse vectors, panels and attributes of another archive.

        Raises
        ------
        UsageError
            Their blocks differ from those of the archive.
        """
        for made, again in (
            (self.embeddings, "embed this archive"),
            (self.panels, "find the panels of this archive"),
            *((tables, "make them from this archive") for tables in self.attributes),
        ):
            if made is not None:
                made.check_width(archive.width, again)

    def duplicates(self) -> Duplicates:
        """Return the groups of copies among the attributes.

        Raises
        ------
        UsageError
            There are none.
        """
        for tables in self.attributes:
            if isinstance(tables, Duplicates):
                return tables
        msg = (
            "the split is by duplicates, but no folder of them is among the attributes; name what "
            "`biomedica annotate duplicates` wrote"
        )
        raise UsageError(msg)

    def describe(self) -> dict[str, str]:
        """Describe what is joined, without paths."""
        described = {}
        if self.mesh is not None:
            described["mesh"] = f"{self.mesh.header['source']}, {self.mesh.header['date']}"
        if self.clusters is not None:
            described["clusters"] = (
                f"{self.clusters.clusters:,} clusters, {self.clusters.model[:16]}"
            )
        if isinstance(self.labels, Probe):
            described["probe"] = self.labels.made
        elif self.labels is not None:
            annotators = len(self.labels.header.annotators)
            described["labels"] = f"labels by {annotators} annotators, {self.labels.digest[:16]}"
        if self.embeddings is not None:
            described["embeddings"] = f"vectors of {self.embeddings.model}"
        if self.panels is not None:
            described["panels"] = f"panels by letters that {self.panels.header.reader} read"
        return described

    def audit(self) -> list[Purity]:
        """Return the audit of the labels: for how many images they are correct."""
        if isinstance(self.labels, Probe):
            return self.labels.audit()
        return [] if self.labels is None else self.labels.header.audit

    def digest(self, first: int, after: int) -> str:
        """Return a digest of what is joined to rows of PMCIDs ``first`` <= PMCID < ``after``."""
        parts = [] if self.mesh is None else [self.mesh.digest(first, after)]
        if self.clusters is not None:
            parts.append(self.clusters.digest(first, after))
            if isinstance(self.labels, Labels):
                own = self.clusters.of_pmcids(first, after)
                parts.append(self.labels.digest_of(own.values(), own))
        if isinstance(self.labels, Probe):
            parts.append(self.labels.digest(first, after))
        if self.panels is not None:
            parts.append(read_figure_panels(self.panels, first, after).digest())
        return hashlib.sha256(" ".join(parts).encode()).hexdigest()

    def figure_panels(self, first: int, after: int) -> FigurePanels | None:
        """Return the panels of articles ``first`` <= PMCID < ``after``, if any are joined."""
        return None if self.panels is None else read_figure_panels(self.panels, first, after)

    def rows(
        self,
        articles: Iterable[tuple[LedgerRow, Mapping[str, bytes]]],
        first: int,
        after: int,
        *,
        full_text: bool = False,
        documents: bool = False,
        panels: FigurePanels | None = None,
    ) -> Iterator[tuple[ArticleRows, int]]:
        """Yield the rows of articles with what is joined, and the bytes of their images.

        Parameters
        ----------
        articles
            Articles of ``first`` <= PMCID < ``after``, with their images by file name.
        full_text, documents, panels
            See `rows_of`; the panels are those of their figures.
        """
        terms = {} if self.mesh is None else self.mesh.articles(first, after)
        clusters = None if self.clusters is None else self.clusters.of_pmcids(first, after)
        labels = None if clusters is None else self._label_columns(clusters, first, after)
        for row, images in articles:
            own = terms.get(row.pmcid)
            take = None if panels is None else panels.take
            rows = rows_of(
                row, images, full_text=full_text, documents=documents, terms=own, labels=labels,
                panels=take,
            )  # fmt: skip
            yield rows, sum(image_length(pair.image) for _group, pair in rows.pairs)

    def _label_columns(
        self, clusters: Mapping[str, int], first: int, after: int
    ) -> Callable[[str], dict[str, Any]]:
        """Return what gives the label columns of a key."""
        known, own = self.labels, dict[str, dict[str, Any]]()
        if isinstance(known, Probe):
            own = known.labels(first, after)

        def columns(key: str) -> dict[str, Any]:
            cluster = clusters.get(key)
            label = known.of(cluster, key) if isinstance(known, Labels) else None
            labels = (
                own.get(key, {})
                if label is None
                else {
                    "image_panel_type": label.panel_type,
                    "image_panel_subtype": label.panel_subtype,
                    "image_primary_label": label.primary,
                    "image_secondary_label": label.secondary,
                }
            )
            return {"image_label_id": cluster, **labels}

        return columns


def _open_labels(url: Path) -> Labels | Probe:
    return Probe.open(url) if Folder(url).exists(Probe.name) else Labels.open(url)
