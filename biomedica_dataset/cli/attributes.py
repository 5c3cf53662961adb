"""The command that adds a table of one's own to a dataset folder."""

from __future__ import annotations

import click

from .group import main, show


@main.group()
def attributes() -> None:
    """Add tables of facts about images beside the rows."""


@attributes.command()
@click.argument("dataset")
@click.argument("table")
@click.option("--name", required=True, help="Name of the attribute, such as scores.")
def add(dataset: str, table: str, *, name: str) -> None:
    """Add TABLE, Parquet or CSV with a column `key`, to the dataset folder DATASET.

    Its column `score` is then NAME.score in conditions. Another table of the same name replaces
    it, and no file of rows or images changes.
    """
    from biomedica_dataset import add_attribute

    show(add_attribute(table, dataset, name=name))
