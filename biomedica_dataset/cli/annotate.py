"""Commands that label the images of an archive."""

from __future__ import annotations

from typing import Any

import click

from .group import main, run, show
from .launched import launched
from .options import TAKE_OVER, UNREADABLE, WORKERS, output


@main.group()
def annotate() -> None:
    """Measure and label the images and captions of an archive, stage by stage."""


@annotate.command()
@click.argument("archive")
@output("Folder for the vectors: new, or one to update.")
@click.option("--panels", metavar="FOLDER", help="Panels of ARCHIVE: one vector for each panel.")
@click.option(
    "--look", metavar="FOLDER", help="Also write what `look` does into FOLDER, in the same pass."
)
@click.option(
    "--model",
    default="facebook/dinov2-with-registers-large",
    show_default=True,
    help="A vision model for transformers: its id on the Hub, or a folder; or `classical`, a "
    "descriptor without weights to try the route.",
)
@click.option("--revision", help="Commit, branch or tag of the model on the Hub.")
@click.option(
    "--preprocess",
    type=click.Choice(["fit", "paper"]),
    default="fit",
    show_default=True,
    help="Keep the aspect ratio and normalize, or squash to 224 x 224 as in the original.",
)
@click.option(
    "--decoder", type=click.Choice(["cpu", "gpu"]), default="cpu", show_default=True,
    help="Where to decode JPEGs. On the GPU of the model, pixels differ slightly, so vectors are "
    "not mixed with those of cpu.",
)  # fmt: skip
@click.option(
    "--workers",
    type=click.IntRange(0),
    help="Number of decoding processes. [default: processors - 1; with gpu, one per GPU]",
)
@UNREADABLE
@launched
def embed(archive: str, output: str, **options: Any) -> None:
    """Turn the images of ARCHIVE into vectors.

    Running the same command again encodes only new images.
    """
    run("embed", archive, output, **options)


@annotate.command()
@click.argument("embeddings")
@output("Folder for the clusters.")
@click.option(
    "--components", type=click.IntRange(1), default=25, show_default=True,
    help="Number of PCA components for k-means.",
)  # fmt: skip
@click.option(
    "--clusters",
    type=click.IntRange(2),
    default=2000,
    show_default=True,
    help="Number of clusters.",
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Seed for the sample and the centers.",
)
@click.option(
    "--sample", type=click.IntRange(2), default=1_000_000, show_default=True,
    help="Maximum number of images to cluster.",
)  # fmt: skip
@TAKE_OVER
def cluster(embeddings: str, output: str, **options: Any) -> None:
    """Cluster the images of EMBEDDINGS by PCA and k-means, and plot the result.

    Running the same command again does nothing unless the vectors have changed.
    """
    run("cluster", embeddings, output, **options)


@annotate.command()
@click.argument("clusters")
@click.argument("embeddings")
@output("Folder for the assignments.")
@WORKERS
@launched
def assign(clusters: str, embeddings: str, output: str, **options: Any) -> None:
    """Assign every image of EMBEDDINGS to one of CLUSTERS.

    CLUSTERS can also be a table made elsewhere (CSV, JSON Lines or Parquet) with PMCID, file name
    and cluster; EMBEDDINGS is then the archive.
    """
    run("assign", embeddings, output, clusters=clusters, **options)


@annotate.command()
@click.argument("sources", nargs=-1, required=True, metavar="ARCHIVE | --report VOTES...")
@output("Folder for the panels: new, or one to update.", required=False)
@click.option(
    "--all", "every", is_flag=True, help="Also cut figures whose captions name no letters."
)
@click.option(
    "--detector",
    metavar="MODEL",
    help="An object detector that proposes panels: an ONNX file, a folder, or an id on the Hub.",
)
@click.option(
    "--report", is_flag=True,
    help="Instead, read the VOTES of a review of panels, and print how many are right by score.",
)  # fmt: skip
@WORKERS
@launched
def panels(sources: tuple[str, ...], output: str | None, report: bool, **options: Any) -> None:
    """Find the panels of the compound figures of ARCHIVE.

    Running the same command again reads only blocks of changed articles.
    """
    if report:
        from biomedica_dataset.annotation.panel_review.precision import panel_precision

        if output is not None:
            msg = "--report prints a report and writes nothing: leave out -o / --output"
            raise click.UsageError(msg)
        show(panel_precision(sources))
        return
    if output is None:
        msg = "Missing option '-o' / '--output'."
        raise click.UsageError(msg)
    if len(sources) > 1:
        msg = f"Got unexpected extra arguments ({' '.join(sources[1:])}); give one ARCHIVE"
        raise click.UsageError(msg)
    run("panels", sources[0], output, **options)


@annotate.command()
@click.argument("archive")
@output("Folder for the measures: new, or one to update.")
@click.option(
    "--panels", metavar="FOLDER",
    help="Measure the panels that `biomedica annotate panels` found, each by itself.",
)  # fmt: skip
@WORKERS
@launched
def look(archive: str, output: str, **options: Any) -> None:
    """Measure the images of ARCHIVE: broken, blank, grey or blurred, and hashes that copies share.

    Each image is decoded once. Running the same command again reads only blocks of changed
    articles.
    """
    run("look", archive, output, **options)


@annotate.command()
@click.argument("look")
@click.argument("embeddings", required=False)
@output("Folder for the duplicates: new, or one to update.")
@click.option(
    "--assignments", metavar="FOLDER",
    help="Clusters of EMBEDDINGS, from `biomedica annotate assign`.",
)  # fmt: skip
@click.option(
    "--cosine", type=click.FloatRange(0, 1), default=0.95, show_default=True,
    help="Compare images whose vectors have this cosine or more.",
)  # fmt: skip
@click.option(
    "--sheets", is_flag=True,
    help="Also write images of up to 240 copies side by side, the least similar first.",
)  # fmt: skip
@TAKE_OVER
def duplicates(look: str, output: str, **options: Any) -> None:
    """Find copies among the images of LOOK, which `biomedica annotate look` wrote.

    Copies have equal bytes, or a near hash and the same content: mirrored, lettered and cropped
    ones too. With EMBEDDINGS, each image is also compared with the nearest of its cluster, which
    finds crops off the centre. The largest of a group is kept, or of equal ones that with the
    lowest PMCID.
    """
    run("duplicates", look, output, **options)


@annotate.command()
@click.argument("look")
@click.option(
    "--against", multiple=True, required=True, metavar="TASK_OR_FOLDER",
    help="A task as in `biomedica evaluate --tasks`, or a folder of images. Repeatable.",
)  # fmt: skip
@output("Folder for the overlap: new, or one to update.")
@click.option(
    "--data", default=".", show_default=True, help="Folder with the data files of built-in tasks."
)
@TAKE_OVER
def overlap(look: str, output: str, **options: Any) -> None:
    """Find images of benchmarks among the images of LOOK, which `biomedica annotate look` wrote.

    Copies are found as by `biomedica annotate duplicates`, and turned by quarters too. `select
    --without` and the key data.without of a training leave them out.
    """
    run("overlap", look, output, **options)


@annotate.command()
@click.argument("archive")
@output("Folder for the measures: new, or one to update.")
@click.option(
    "--tokenizer", metavar="MODEL",
    help="Also count tokens by this model's tokenizer: its id on the Hub, or a folder.",
)  # fmt: skip
@WORKERS
@launched
def text(archive: str, output: str, **options: Any) -> None:
    """Measure the captions of ARCHIVE: tokens, language, digits, and those that say nothing.

    Running the same command again reads only blocks of changed articles.
    """
    run("text", archive, output, **options)
