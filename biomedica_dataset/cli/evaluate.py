"""The command that evaluates CLIP models."""

from __future__ import annotations

from typing import Any

import click

from .group import OUTPUT, main, printable, progress


@main.command()
@click.argument("models", nargs=-1, required=True)
@click.option(
    "--tasks", "-t", multiple=True, required=True, metavar="TASK",
    help="all, a name, a domain, a pattern, a YAML file or a folder of them. Repeatable.",
)  # fmt: skip
@click.option(
    "-o", "--output", type=OUTPUT, required=True,
    help="Folder for results and vectors.",
)  # fmt: skip
@click.option("--data", default=".", show_default=True, help="Folder with files of shipped tasks.")
@click.option("--metric", help="Show this one for all tasks, such as balanced_accuracy.")
@click.option("--draws", default=1000, show_default=True, help="Number of bootstrap samples.")
@click.option(
    "--seed",
    default=0,
    show_default=True,
    help="Seed of the bootstrap and of the order of options.",
)
@click.option("--device", help="Such as cuda:1. [default: a GPU where there is one]")
def evaluate(models: tuple[str, ...], output: str, **options: Any) -> None:
    """Measure MODELS on tasks; the first is what the others are compared with.

    A model is NAME:TAG of OpenCLIP, hf-hub:ID, an ID of transformers' CLIP or SigLIP on the Hub,
    or a folder of either, such as `biomedica train` writes.
    """
    from biomedica_dataset import evaluate as run
    from biomedica_dataset.clip.evaluate.results_markdown import as_text

    results = run(models, output, progress=progress(), **options)
    click.echo(printable(as_text(results)))
