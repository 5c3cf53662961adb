"""Figures, captions and citing paragraphs of PubMed Central's open-access articles, as a dataset.

Importing this package loads nothing heavy; it makes ``datasets.load_dataset("biomedica")`` find
`BiomedicaBuilder`. Every stage is a function ``stage(source, output, *, options by name)`` that
returns a report; each is loaded when it is used.

Examples
--------
>>> import biomedica_dataset
>>> report = biomedica_dataset.extract("bucket", "five", limit=5, workers=1)
>>> report.articles
{'kept': 5}
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
    ReaderDefectError,
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
    from .annotation.duplicates.duplicates import duplicates
    from .annotation.embeddings.embed import embed
    from .annotation.labels.label import label
    from .annotation.look.look import look
    from .annotation.panels.find_stage import panels
    from .annotation.probe.probe import probe
    from .annotation.text.text import text
    from .builder import BiomedicaBuilder, BiomedicaConfig
    from .clip.evaluate.evaluate import evaluate
    from .clip.overlap.overlap import overlap
    from .clip.train.train import train
    from .engine.launch import Launch, Part
    from .engine.timings import Timings
    from .extraction.extract import extract
    from .extraction.report import ExtractReport, read_report
    from .folder.splits import Splits
    from .hub.push import push_to_hub
    from .jats.reader import read_article
    from .pubmed.mesh.mesh import mesh
    from .search.build import build_search
    from .search.evaluate import evaluate_search
    from .search.search import open_search
    from .serialization.add_attribute import add_attribute
    from .serialization.report import SerializeReport
    from .serialization.serialize import serialize
    from .streaming.dataset import open_dataset
    from .subset.select import select
    from .verification.report import VerifyReport
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
    "ExtractReport",
    "JatsError",
    "JatsTooLargeError",
    "Launch",
    "Part",
    "PreemptedError",
    "ReaderDefectError",
    "RunEndedError",
    "SerializeReport",
    "SourceError",
    "Splits",
    "StorageError",
    "TakenOverError",
    "Timings",
    "UsageError",
    "VerifyReport",
    "WorkerDiedError",
    "__version__",
    "add_attribute",
    "assign",
    "build_search",
    "cluster",
    "duplicates",
    "embed",
    "evaluate",
    "evaluate_search",
    "extract",
    "label",
    "look",
    "mesh",
    "open_dataset",
    "open_search",
    "overlap",
    "panels",
    "probe",
    "push_to_hub",
    "read_article",
    "read_report",
    "select",
    "serialize",
    "serialize_webdataset",
    "text",
    "train",
    "verify",
]

_HOME = {
    "BiomedicaBuilder": ".builder",
    "BiomedicaConfig": ".builder",
    "ExtractReport": ".extraction.report",
    "Launch": ".engine.launch",
    "Part": ".engine.launch",
    "SerializeReport": ".serialization.report",
    "Splits": ".folder.splits",
    "Timings": ".engine.timings",
    "VerifyReport": ".verification.report",
    "add_attribute": ".serialization.add_attribute",
    "assign": ".annotation.clusters.assign",
    "build_search": ".search.build",
    "cluster": ".annotation.clusters.cluster",
    "duplicates": ".annotation.duplicates.duplicates",
    "embed": ".annotation.embeddings.embed",
    "evaluate": ".clip.evaluate.evaluate",
    "evaluate_search": ".search.evaluate",
    "extract": ".extraction.extract",
    "label": ".annotation.labels.label",
    "look": ".annotation.look.look",
    "mesh": ".pubmed.mesh.mesh",
    "open_dataset": ".streaming.dataset",
    "open_search": ".search.search",
    "overlap": ".clip.overlap.overlap",
    "panels": ".annotation.panels.find_stage",
    "probe": ".annotation.probe.probe",
    "push_to_hub": ".hub.push",
    "read_article": ".jats.reader",
    "read_report": ".extraction.report",
    "select": ".subset.select",
    "serialize": ".serialization.serialize",
    "serialize_webdataset": ".webdataset.export",
    "text": ".annotation.text.text",
    "train": ".clip.train.train",
    "verify": ".verification.verify",
}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used."""
    if name in _HOME:
        return getattr(import_module(_HOME[name], __name__), name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    """Return the public names."""
    return sorted(__all__)


register_when_imported()
