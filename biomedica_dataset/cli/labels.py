"""The command that turns votes into labels."""

from __future__ import annotations

from typing import Any

import click

from .annotate import annotate
from .group import OUTPUT, show
from .launched import TAKE_OVER


@annotate.command()
@click.argument("votes", nargs=-1, type=click.Path())
@click.option("-o", "--output", type=OUTPUT, required=True, help="Folder for the labels.")
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
