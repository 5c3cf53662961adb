"""What is joined to the rows of an archive: MeSH terms, clusters, labels and vectors."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .annotation.clusters.assignments import Assignments
from .annotation.embeddings.vectors import Embeddings
from .annotation.labels.labels import Labels
from .errors import UsageError
from .pubmed.mesh.table import MeshTable
from .rows import rows_of
from .schema import image_length

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Mapping

    from .annotation.labels.labels import ClusterLabel
    from .archive.entries import LedgerRow
    from .archive.ledger import Archive
    from .rows import ArticleRows
    from .schema import Pair

    Path = str | os.PathLike[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinFolders:
    """Where what is joined lies, as another process can be told.

    Parameters
    ----------
    mesh
        A MeSH table.
    clusters
        Assignments of images to clusters.
    labels
        Labels of those clusters.
    embeddings
        Vectors of the images; they become a table of their own, and no row has them.
    """

    mesh: Path | None = None
    clusters: Path | None = None
    labels: Path | None = None
    embeddings: Path | None = None


@dataclass(frozen=True, slots=True)
class Joins:
    """What is joined, opened."""

    mesh: MeshTable | None = None
    clusters: Assignments | None = None
    labels: Labels | None = None
    embeddings: Embeddings | None = None

    @classmethod
    def open(cls, folders: JoinFolders) -> Joins:
        """Open what is to be joined.

        Raises
        ------
        UsageError
            A folder holds something else, labels are given without clusters, or are of others.
        """
        mesh = None if folders.mesh is None else MeshTable.open(folders.mesh)
        clusters = None if folders.clusters is None else Assignments.open(folders.clusters)
        labels = None if folders.labels is None else Labels.open(folders.labels)
        if labels is not None and clusters is None:
            msg = f"{folders.labels} are labels of clusters; name the clusters of the images too"
            raise UsageError(msg)
        if labels is not None and clusters is not None and labels.model != clusters.model:
            msg = (
                f"{folders.labels} are labels of other clusters than those of {folders.clusters}; "
                "images would be labelled wrong"
            )
            raise UsageError(msg)
        vectors = None if folders.embeddings is None else Embeddings.open(folders.embeddings)
        return cls(mesh, clusters, labels, vectors)

    def check(self, archive: Archive) -> None:
        """Refuse vectors of another archive.

        Raises
        ------
        UsageError
            Their blocks are not those of the archive.
        """
        vectors = self.embeddings
        if vectors is not None and vectors.width != archive.width:
            msg = (
                f"{vectors.folder.url} was made of an archive with blocks of {vectors.width} "
                f"PMCIDs, this one has {archive.width}; embed this archive"
            )
            raise UsageError(msg)

    def describe(self) -> dict[str, str]:
        """Return what is joined, in words that name no path."""
        told = {}
        if self.mesh is not None:
            told["mesh"] = f"{self.mesh.header['source']}, {self.mesh.header['date']}"
        if self.clusters is not None:
            told["clusters"] = f"{self.clusters.clusters:,} clusters, {self.clusters.model[:16]}"
        if self.labels is not None:
            annotators = len(self.labels.header["annotators"])
            told["labels"] = f"labels by {annotators} annotators, {self.labels.digest[:16]}"
        if self.embeddings is not None:
            told["embeddings"] = f"vectors of {self.embeddings.model}"
        return told

    def audit(self) -> list[dict[str, Any]]:
        """Return what an audit found of the labels: of how many images they are true."""
        return [] if self.labels is None else list(self.labels.header["audit"])

    def digest(self, first: int, after: int) -> str:
        """Return a digest of what rows of PMCIDs from ``first`` to before ``after`` are given."""
        parts = [] if self.mesh is None else [self.mesh.digest(first, after)]
        if self.clusters is not None:
            parts.append(self.clusters.digest(first, after))
            if self.labels is not None:
                own = self.clusters.of_pmcids(first, after)
                parts.append(self.labels.digest_of(own.values(), own))
        return hashlib.sha256(" ".join(parts).encode()).hexdigest()

    def rows(
        self,
        articles: Iterable[tuple[LedgerRow, Mapping[str, bytes]]],
        first: int,
        after: int,
        *,
        full_text: bool = False,
    ) -> Iterator[tuple[ArticleRows, int]]:
        """Yield the rows of articles with what is joined, and the bytes of their images.

        Parameters
        ----------
        articles
            Of PMCIDs from ``first`` to before ``after``, with their images by file name.
        """
        terms = {} if self.mesh is None else self.mesh.articles(first, after)
        clusters = None if self.clusters is None else self.clusters.of_pmcids(first, after)
        for row, images in articles:
            rows = rows_of(row, images, full_text=full_text, terms=terms.get(row.pmcid))
            if clusters is not None:
                pairs = [(group, self._labelled(pair, clusters)) for group, pair in rows.pairs]
                rows = replace(rows, pairs=pairs)
            yield rows, sum(image_length(pair.image) for _group, pair in rows.pairs)

    def _labelled(self, pair: Pair, clusters: Mapping[str, int]) -> Pair:
        cluster = clusters.get(pair.key)
        label: ClusterLabel | None = self.labels.of(cluster, pair.key) if self.labels else None
        if label is None:
            return replace(pair, image_label_id=cluster)
        return replace(
            pair,
            image_label_id=cluster,
            image_panel_type=label.panel_type,
            image_panel_subtype=label.panel_subtype,
            image_primary_label=label.primary,
            image_secondary_label=label.secondary,
        )
