"""The command that evaluates CLIP models."""

from __future__ import annotations

from typing import Any

import click

from .completion import complete_task
from .group import main, printable, progress, wants_json
from .options import UNREADABLE, output


@main.command()
@click.argument("models", nargs=-1)
@click.option(
    "--tasks", "-t", multiple=True, metavar="TASK", shell_complete=complete_task,
    help="all, a name, a domain, a pattern, a YAML file, or a folder of YAML files. Repeatable.",
)  # fmt: skip
@output("Folder for results and vectors.", required=False)
@click.option(
    "--data",
    default=".",
    show_default=True,
    help="Folder with the data files of built-in tasks; paths of your own may lead there too.",
)
@click.option("--metric", help="Metric to show for all tasks, such as balanced_accuracy.")
@click.option("--draws", default=1000, show_default=True, help="Number of bootstrap samples.")
@click.option(
    "--seed",
    default=0,
    show_default=True,
    help="Seed for the bootstrap and for the order of options.",
)
@click.option("--device", help="Such as cuda:1. [default: a GPU if available]")
@UNREADABLE
@click.option(
    "--overlap", metavar="OVERLAP",
    help="Also measure without images of the training data, which `biomedica annotate overlap` "
    "found.",
)  # fmt: skip
@click.option(
    "--list", "lists", is_flag=True,
    help="Only list the tasks, where their images come from, and whether they are there.",
)  # fmt: skip
@click.option(
    "--strict", is_flag=True,
    help="Stop if a task of `--tasks all` has no images, instead of leaving it out.",
)  # fmt: skip
def evaluate(
    models: tuple[str, ...], output: str | None, lists: bool, tasks: tuple[str, ...], **options: Any
) -> None:
    """Evaluate MODELS on tasks, comparing the others with the first.

    A model is NAME:TAG from OpenCLIP, hf-hub:ID, the ID of a CLIP or SigLIP model for transformers
    on the Hub, or a folder of either kind, such as `biomedica train` writes.
    """
    from biomedica_dataset import evaluate as run
    from biomedica_dataset.clip.evaluate.find import listed
    from biomedica_dataset.clip.evaluate.results_json import as_json
    from biomedica_dataset.clip.evaluate.results_markdown import as_text

    if lists:
        click.echo(printable(listed(tasks, options["data"])))
        return
    if not (models and tasks and output):
        msg = "name MODELS, --tasks and --output; `biomedica evaluate --list` lists the tasks"
        raise click.UsageError(msg)
    results = run(models, output, tasks=tasks, progress=progress(), **options)
    click.echo(as_json(results) if wants_json() else printable(as_text(results)))
