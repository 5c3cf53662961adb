"""The command that makes labels of votes."""

from __future__ import annotations

from typing import Any

import click

from .annotate import annotate
from .group import OUTPUT, printable


@annotate.command()
@click.argument("votes", nargs=-1, type=click.Path())
@click.option("-o", "--output", type=OUTPUT, required=True, help="The labels: a folder.")
@click.option("--assignments", metavar="FOLDER", help="The clusters that were voted on.")
@click.option("--taxonomy", metavar="FILE", help="Concepts to choose from. [default: built in]")
@click.option("--adjudication", metavar="FILE", help="Votes that settle what was left open.")
@click.option(
    "--dataset", metavar="FOLDER", help="Compare panel types with the letters in its captions."
)
@click.option("--published", metavar="FOLDER", help="Labels that the original project published.")
def labels(votes: tuple[str, ...], output: str, **options: Any) -> None:
    """Make labels of the VOTES of several annotators: files of votes, or filled-in tables.

    Majorities are handed down; ties and contradictions go to adjudication.csv. Says how far the
    annotators agree.
    """
    from biomedica_dataset.annotation.labels.label import make_labels

    click.echo(printable(str(make_labels(votes, output, **options))))
