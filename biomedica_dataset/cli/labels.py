"""The commands that turn votes into labels, of clusters and of images."""

from __future__ import annotations

from typing import Any

import click

from .annotate import annotate
from .group import run, show
from .options import TAKE_OVER, output


@annotate.command()
@click.argument("votes", nargs=-1, type=click.Path())
@output("Folder for the labels.")
@click.option(
    "--assignments", metavar="FOLDER", help="Assignments of the clusters that were voted on."
)
@click.option("--taxonomy", metavar="FILE", help="Concepts to choose from. [default: built in]")
@click.option("--adjudication", metavar="FILE", help="Votes that settle open questions.")
@click.option(
    "--dataset",
    metavar="FOLDER",
    help="Compare panel types with the panel letters in its captions.",
)
@click.option("--published", metavar="FOLDER", help="Labels published by the original project.")
@TAKE_OVER
def labels(votes: tuple[str, ...], output: str, **options: Any) -> None:
    """Turn the VOTES of several annotators (vote files or completed tables) into labels.

    Majority answers become labels; ties and contradictions go to adjudication.csv. The report shows
    how far the annotators agree.
    """
    from biomedica_dataset import label

    show(label(votes, output, **options))


@annotate.command()
@click.argument("embeddings")
@click.option(
    "--labels", metavar="FOLDER", required=True,
    help="Labels of clusters, from votes with an audit.",
)  # fmt: skip
@click.option(
    "--assignments", metavar="FOLDER", required=True, help="Assignments of the labelled clusters."
)
@output("Folder for the probabilities: new, or one to update.")
@click.option(
    "--precision", type=click.FloatRange(0, 1, min_open=True), default=0.95, show_default=True,
    help="Share of audited images with a label that show its concept, at least.",
)  # fmt: skip
@TAKE_OVER
def probe(embeddings: str, output: str, **options: Any) -> None:
    """Learn from votes on clusters and from an audit which concepts each image shows.

    For each concept, a logistic regression on the vectors of EMBEDDINGS gives a probability, which
    is a label if it is high enough. The report compares these labels with those of clusters.
    """
    run("probe", embeddings, output, **options)
