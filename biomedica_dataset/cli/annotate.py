"""Commands that label the images of an archive."""

from __future__ import annotations

from typing import Any

import click

from .group import OUTPUT, main, printable, progress
from .launched import launched

_WORKERS = click.option(
    "--workers", type=click.IntRange(1), help="Processes. [default: as many as processors]"
)


@main.group()
def annotate() -> None:
    """Label the images of an archive: embed, cluster, assign, review, labels."""


@annotate.command()
@click.argument("archive")
@click.option(
    "-o",
    "--output",
    type=OUTPUT,
    required=True,
    help="The vectors: a new folder, or one to update.",
)
@click.option(
    "--model",
    default="facebook/dinov2-with-registers-large",
    show_default=True,
    help="A vision model of transformers: its id on the Hub, or a folder.",
)
@click.option("--revision", help="Commit, branch or tag of the model on the Hub.")
@click.option(
    "--preprocess",
    type=click.Choice(["fit", "paper"]),
    default="fit",
    show_default=True,
    help="Aspect kept and normalized, or squashed to 224 x 224 as in the original.",
)
@click.option(
    "--workers", type=click.IntRange(0), help="Processes that decode. [default: processors - 1]"
)
@launched
def embed(archive: str, output: str, **options: Any) -> None:
    """Turn the images of ARCHIVE into vectors.

    The same command again encodes only images that are new.
    """
    from biomedica_dataset import embed as run

    click.echo(printable(str(run(archive, output, progress=progress(), **options))))


@annotate.command()
@click.argument("embeddings")
@click.option("-o", "--output", type=OUTPUT, required=True, help="The clusters: a folder.")
@click.option(
    "--components", type=click.IntRange(1), default=25, show_default=True,
    help="Dimensions that k-means works in.",
)  # fmt: skip
@click.option(
    "--clusters", type=click.IntRange(2), default=2000, show_default=True, help="How many."
)
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Of sample and centers."
)
@click.option(
    "--sample", type=click.IntRange(2), default=1_000_000, show_default=True,
    help="Images that the clusters are made of, at most.",
)  # fmt: skip
def cluster(embeddings: str, output: str, **options: Any) -> None:
    """Make clusters of images: PCA and k-means over EMBEDDINGS, with plots.

    The same command again does nothing, unless the vectors have changed.
    """
    from biomedica_dataset import cluster as run

    click.echo(printable(str(run(embeddings, output, progress=progress(), **options))))


@annotate.command()
@click.argument("clusters")
@click.argument("embeddings")
@click.option("-o", "--output", type=OUTPUT, required=True, help="The assignments: a folder.")
@_WORKERS
@launched
def assign(clusters: str, embeddings: str, output: str, **options: Any) -> None:
    """Give every image of EMBEDDINGS its cluster of CLUSTERS.

    CLUSTERS can also be a table made elsewhere (CSV, JSON lines or Parquet) with PMCID, file name
    and cluster; EMBEDDINGS is the archive then.
    """
    from biomedica_dataset import assign as run

    report = run(embeddings, output, clusters=clusters, progress=progress(), **options)
    click.echo(printable(str(report)))
