"""Commands that train CLIP models: train and wise-ft."""

from __future__ import annotations

import os
import shlex

import click

from biomedica_dataset.errors import UsageError

from .completion import complete_training
from .group import main, printable, progress, show
from .launched import was_requeued
from .options import TAKE_OVER, output


@main.command()
@click.argument("config", shell_complete=complete_training)
@click.option(
    "--set", "changes", multiple=True, metavar="KEY=VALUE",
    help="Override a key, such as data.path=org/name. Repeatable.",
)  # fmt: skip
@click.option(
    "--profile", is_flag=True,
    help="Print where the time went: network, decoding, waiting, training.",
)  # fmt: skip
@TAKE_OVER
def train(config: str, changes: tuple[str, ...], *, profile: bool, take_over: bool) -> None:
    """Train a CLIP model from CONFIG: a YAML file, or recipe full, balanced, filtered or long."""
    from biomedica_dataset import train as run
    from biomedica_dataset.clip.yaml_file import parse_yaml

    values = {}
    for change in changes:
        name, equals, value = change.partition("=")
        if not equals:
            msg = f"--set {change}: expected KEY=VALUE"
            raise UsageError(msg)
        values[name] = parse_yaml(value, f"--set {name}", typed=True)
    report = run(
        config,
        changes=values,
        take_over=take_over or was_requeued(os.environ),
        profile=profile,
        log=lambda line: click.echo(printable(line), err=True),
    )
    show(report)


@main.command("wise-ft")
@click.argument("base")
@click.argument("tuned")
@click.option(
    "--alpha", type=click.FloatRange(0, 1), default=0.5, show_default=True,
    help="Weight of TUNED.",
)  # fmt: skip
@click.option("--pretrained", help="OpenCLIP tag of BASE, if BASE is an OpenCLIP name.")
@output("Folder for the model: new.")
def wise_ft(base: str, tuned: str, alpha: float, pretrained: str | None, output: str) -> None:
    """Average the weights of BASE and TUNED: OpenCLIP names, hf-hub:ID or local-dir:FOLDER."""
    from biomedica_dataset.clip.models.model_config import ModelConfig
    from biomedica_dataset.clip.train.wise_ft import wise_ft as run
    from biomedica_dataset.io.folders import Folder

    if ":" not in base and pretrained is None:
        msg = f"give the OpenCLIP tag of {base} with --pretrained; a folder is local-dir:{base}"
        raise UsageError(msg)
    first = ModelConfig(name=base, pretrained=pretrained or "own")
    run(first, ModelConfig(name=tuned), alpha, output)
    progress().say(f"the model is in {output}")
    if Folder(output).is_local:
        name = shlex.quote(f"local-dir:{output}")
        progress().say(f"next: biomedica evaluate {name} --tasks all --output results")
