"""The folders of vectors and of their clusters, by which copies are found besides hashes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from biomedica_dataset.annotation.clusters.assignments import Assignments
from biomedica_dataset.annotation.embeddings.vectors import Embeddings
from biomedica_dataset.errors import UsageError

if TYPE_CHECKING:
    from biomedica_dataset.annotation.look.measured import Look


@dataclass(frozen=True)
class VectorFolders:
    """Folders of vectors and of their clusters, and the least cosine of neighbours."""

    embeddings: str
    assignments: str
    least: float

    def open(self, measured: Look) -> tuple[Embeddings, Assignments]:
        """Open the folders, or refuse those of another archive."""
        opened = Embeddings.open(self.embeddings), Assignments.open(self.assignments)
        for one in opened:
            one.check_width(measured.width, "name folders of one archive")
        return opened

    def state(self, measured: Look) -> str:
        """Return a digest of all vectors and clusters."""
        states = " ".join(one.state() for one in self.open(measured))
        return f"{states} {self.least}"


def vector_folders(
    embeddings: str | os.PathLike[str] | None,
    assignments: str | os.PathLike[str] | None,
    cosine: float,
) -> VectorFolders | None:
    """Return the folders of vectors and of their clusters, if they are named.

    Raises
    ------
    UsageError
        Only one of them is named, or the cosine is not one.
    """
    if (embeddings is None) != (assignments is None):
        msg = (
            "vectors are compared within their clusters: name both embeddings and assignments, "
            "which `biomedica annotate cluster` and `assign` make of the embeddings, or neither"
        )
        raise UsageError(msg)
    if not 0 <= cosine <= 1:
        msg = f"the cosine must be from 0 to 1, and is {cosine}"
        raise UsageError(msg)
    if embeddings is None or assignments is None:
        return None
    return VectorFolders(os.fspath(embeddings), os.fspath(assignments), cosine)
