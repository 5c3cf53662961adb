"""The command ``biomedica``: one thin command per stage."""

# In the order of the stages, which --help keeps.
from biomedica_dataset.cli import trial, archive, annotate, review, labels, dataset  # noqa: I001
from biomedica_dataset.cli import search, train, evaluate
from .group import main, printable

__all__ = [
    "annotate", "archive", "dataset", "evaluate", "labels", "main", "printable",
    "review", "search", "train", "trial",
]  # fmt: skip
