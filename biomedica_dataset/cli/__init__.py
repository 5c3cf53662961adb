"""The command ``biomedica``: one thin command per stage."""

# In the order of the stages, which --help keeps.
from biomedica_dataset.cli import trial, archive, annotate, review, labels, dataset, train, evaluate  # noqa: I001
from .group import main, printable

__all__ = [
    "annotate", "archive", "dataset", "evaluate", "labels", "main", "printable", "review", "train",
    "trial",
]  # fmt: skip
