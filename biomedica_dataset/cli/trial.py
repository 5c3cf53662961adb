"""Commands to try out the package: demo and test."""

from __future__ import annotations

import click

from .group import main, printable


@main.command()
@click.argument("directory", default="biomedica-demo", type=click.Path(file_okay=False))
@click.option("--bucket-only", is_flag=True, help="Only write the made-up bucket.")
def demo(directory: str, bucket_only: bool) -> None:
    """Run every stage on a small made-up PMC bucket, in DIRECTORY."""
    from biomedica_dataset.demo import run_demo

    for line in run_demo(directory, bucket_only=bucket_only):
        click.echo(printable(line))


@main.command(context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]})
@click.option("--source", help="An archive or a bucket to read. [default: ./biomedica, else PMC]")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def test(source: str | None, arguments: tuple[str, ...]) -> None:
    """Run `datasets-cli test` with the builder registered.

    All other options are passed to `datasets-cli test`, such as --all_configs. Without a source,
    ./biomedica is tested if it exists.
    """
    from biomedica_dataset.registration import run_datasets_test

    run_datasets_test(arguments, source)
