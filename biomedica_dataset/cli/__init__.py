"""The command ``biomedica``: one thin command per stage."""

# In the order of the stages, which --help keeps.
from biomedica_dataset.cli import (  # noqa: I001
    trial, archive, annotate, review, labels, dataset, attributes, train, evaluate,
)  # fmt: skip
from .group import main, printable

__all__ = [
    "annotate", "archive", "attributes", "dataset", "evaluate", "labels", "main", "printable",
    "review", "train", "trial",
]  # fmt: skip
