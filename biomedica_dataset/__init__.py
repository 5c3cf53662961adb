"""Figures, captions and citing paragraphs of PubMed Central's open-access articles, as a dataset.

Importing this package loads nothing heavy; it makes ``datasets.load_dataset("biomedica")`` find
`BiomedicaBuilder`. The stages are functions of their own rooms:
`biomedica_dataset.extract.extract`, `biomedica_dataset.serialize.serialize`,
`biomedica_dataset.verify.verify`.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from .errors import (
    ArchiveError,
    ArticleError,
    BiomedicaError,
    DivergedError,
    JatsError,
    JatsTooLargeError,
    PreemptedError,
    RunEndedError,
    SourceError,
    StorageError,
    TakenOverError,
    UsageError,
    WorkerDiedError,
)
from .registration import register_when_imported

if TYPE_CHECKING:
    from .annotation.clusters.assign import assign
    from .annotation.clusters.cluster import cluster
    from .annotation.embeddings.embed import embed
    from .annotation.labels.label import label
    from .builder import BiomedicaBuilder, BiomedicaConfig
    from .clip.evaluate.evaluate import evaluate
    from .clip.train.train import train
    from .extraction.extract import extract
    from .hub.push import push_to_hub
    from .jats.reader import read_article
    from .pubmed.mesh.mesh import mesh
    from .serialization.serialize import serialize
    from .streaming.dataset import open_dataset
    from .subset.select import select
    from .verification.verify import verify
    from .webdataset.export import serialize_webdataset

__version__ = version("biomedica-dataset")

__all__ = [
    "ArchiveError",
    "ArticleError",
    "BiomedicaBuilder",
    "BiomedicaConfig",
    "BiomedicaError",
    "DivergedError",
    "JatsError",
    "JatsTooLargeError",
    "PreemptedError",
    "RunEndedError",
    "SourceError",
    "StorageError",
    "TakenOverError",
    "UsageError",
    "WorkerDiedError",
    "__version__",
    "assign",
    "cluster",
    "embed",
    "evaluate",
    "extract",
    "label",
    "mesh",
    "open_dataset",
    "push_to_hub",
    "read_article",
    "select",
    "serialize",
    "serialize_webdataset",
    "train",
    "verify",
]

_HOME = {
    "BiomedicaBuilder": ".builder",
    "BiomedicaConfig": ".builder",
    "open_dataset": ".streaming.dataset",
    "extract": ".extraction.extract",
    "evaluate": ".clip.evaluate.evaluate",
    "train": ".clip.train.train",
    "serialize_webdataset": ".webdataset.export",
    "select": ".subset.select",
    "mesh": ".pubmed.mesh.mesh",
    "label": ".annotation.labels.label",
    "verify": ".verification.verify",
    "serialize": ".serialization.serialize",
    "embed": ".annotation.embeddings.embed",
    "cluster": ".annotation.clusters.cluster",
    "assign": ".annotation.clusters.assign",
    "push_to_hub": ".hub.push",
    "read_article": ".jats.reader",
}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used."""
    if name in _HOME:
        return getattr(import_module(_HOME[name], __name__), name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)


register_when_imported()
