"""Commands that make and publish dataset folders: serialize, attributes, select, verify, push."""

from __future__ import annotations

import shlex
import sys
from typing import Any

import click

from .completion import complete_column, complete_concept, complete_sampling, complete_split
from .group import main, progress, run, show
from .launched import launched
from .options import WORKERS, conditions, licenses, output


@main.command()
@click.argument("archive")
@output("The dataset folder: new, or one to update.")
@click.option(
    "--format",
    "layout",
    type=click.Choice(["parquet", "webdataset"]),
    default="parquet",
    show_default=True,
    help="The dataset folder, or tars in the layout of the published dataset.",
)
@WORKERS
@click.option("--mesh", metavar="FOLDER", help="MeSH terms of the articles, from `biomedica mesh`.")
@click.option(
    "--clusters", metavar="FOLDER", help="Clusters of the images, from `biomedica annotate assign`."
)
@click.option(
    "--labels", metavar="FOLDER",
    help="Labels of the clusters, from `biomedica annotate labels`, or of images, from `biomedica "
    "annotate probe`.",
)  # fmt: skip
@click.option(
    "--embeddings", metavar="FOLDER", help="Vectors of the images, from `biomedica annotate embed`."
)
@click.option(
    "--panels", metavar="FOLDER", help="Panels of the figures, from `biomedica annotate panels`."
)
@click.option(
    "--attributes", multiple=True, metavar="FOLDER",
    help="What is known of the images, such as the clusters of `biomedica annotate assign`, each "
    "folder as a table of its own. Repeatable.",
)  # fmt: skip
@click.option(
    "--split",
    "splits",
    metavar="SHARES",
    help="Shares of train, validation and test articles, such as 0.9,0.05,0.05.",
)
@click.option(
    "--split-by",
    type=click.Choice(["article", "image", "duplicates"]),
    help="What stays in one split: an article, all articles that share an image, or all whose "
    "images are copies by the duplicates among --attributes. [default: article]",
)
@click.option("--check-images", is_flag=True, help="Decode each image, and note which fail.")
@click.option(
    "--documents", is_flag=True,
    help="Also write each article as blocks in reading order, with its figures and tables.",
)  # fmt: skip
@launched
def serialize(archive: str, output: str, layout: str, **options: Any) -> None:
    """Write the dataset folder of ARCHIVE: Parquet files by licence, index, card and manifest."""
    if layout == "webdataset":
        for name, what in (
            ("embeddings", "vectors"), ("panels", "panels"), ("attributes", "attributes"),
            ("documents", "documents"),
        ):  # fmt: skip
            if options.pop(name):
                msg = f"--{name}: tars in the published layout have no {what}; omit it"
                raise click.UsageError(msg)
        run("serialize_webdataset", archive, output, **options)
        return
    if not run("serialize", archive, output, **options).left:
        progress().say(f"next: biomedica verify {shlex.quote(output)}")


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


@main.command()
@click.argument("source")
@output(
    "Folder for the subset: new; not needed with --dry-run; a file with --keys-only.",
    required=False,
    metavar="FOLDER",
)
@licenses("rows")
@click.option(
    "--concept", "concepts", multiple=True, shell_complete=complete_concept,
    help="Only rows with a concept. Repeatable.",
)  # fmt: skip
@click.option(
    "--filter", "filters", multiple=True, metavar="CONDITION", shell_complete=complete_column,
    help="Such as 'article_year >= 2015 and caption contains melanoma'; see above. Repeatable: "
    "all must hold.",
)  # fmt: skip
@click.option(
    "--without", metavar="OVERLAP",
    help="Leave out images of benchmarks, which `biomedica annotate overlap` found.",
)  # fmt: skip
@click.option(
    "--deduplicate", is_flag=True,
    help="Only one image of each group of copies; SOURCE must have the attribute duplicates.",
)  # fmt: skip
@click.option(
    "--recipe", shell_complete=complete_sampling,
    help="Sampling: drop-overrepresented, cap-overrepresented or sqrt-weights.",
)  # fmt: skip
@click.option("--limit", type=click.IntRange(1), help="At most N rows, drawn with --seed.")
@click.option("--seed", type=click.IntRange(0), help="Seed for the recipe and the limit.")
@click.option(
    "--split", shell_complete=complete_split, help="Split to read, or all. [default: train]"
)
@click.option(
    "--unit", type=click.Choice(["figure", "panel"]), default="figure", show_default=True,
    help="One row per figure or per panel; panels add letter, score, subcaption and contexts.",
)  # fmt: skip
@click.option(
    "--min-score", type=click.FloatRange(0, 1), default=0.8, show_default=True,
    help="Minimum score of a panel.",
)  # fmt: skip
@click.option(
    "--crop", type=click.Choice(["png", "jpeg"]),
    help="Cut panels out, as image files or tars: PNG, or JPEG of quality 95.",
)  # fmt: skip
@click.option(
    "--margin", type=click.FloatRange(0, 1), default=0.0,
    help="Margin around a cropped panel, as a fraction of its width and height.",
)  # fmt: skip
@click.option(
    "--format",
    type=click.Choice(["parquet", "webdataset", "images", "csv", "conversations"]),
    default="parquet",
    show_default=True,
    help="A dataset folder, tars in the layout of the published dataset, image files with "
    "metadata.jsonl, a table without images, or image files with questions and answers.",
)
@click.option(
    "--templates", metavar="FILE",
    help="Questions and answers of conversations, as JSON. [default: those of the package]",
)  # fmt: skip
@click.option(
    "--keys-only", is_flag=True,
    help="Write only the keys of the rows, as a file for `extract --images`.",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Only report rows, bytes and requests.")
@launched
def select(source: str, output: str | None, **options: Any) -> None:
    """Write selected rows of SOURCE as a smaller dataset folder, fetching only their bytes.

    Running the same command again resumes where it stopped.

    SOURCE is a dataset folder, a repository on the Hub such as org/name, or an hf://, https:// or
    s3:// address; with --keys-only also an archive.

    \b
    A condition compares columns, and joins comparisons by and, or, not and ():
      COLUMN = != < <= > >= VALUE         numbers, or text in full
      COLUMN in [VALUE, VALUE]            one of them; or not in
      COLUMN contains TEXT                whole words in a row, in any case
      COLUMN contains_text TEXT           any part of the text, in any case
      COLUMN matches REGEX                a regular expression, as RE2 reads it
      COLUMN is null, COLUMN is not null  a null matches nothing else
    Put text that has signs, or the words and, or, in quotes.
    """
    run("select", source, output, **options | conditions(options))


@main.command()
@click.argument("directory")
@click.option("--images", is_flag=True, help="Also decode each image.")
def verify(directory: str, *, images: bool) -> None:
    """Check an archive, a dataset folder or tars: digests, rows, keys, byte ranges, schema."""
    if run("verify", directory, images=images).problems:
        sys.exit(1)


@main.command()
@click.argument("dataset")
@click.argument("repo_id")
@click.option("--private", is_flag=True, help="Make the repository private.")
@click.option("--revision", help="Branch to push to; created if missing. [default: main]")
@click.option("--tag", help="Tag for the state after the push.")
@click.option("--include-other", is_flag=True, help="Also publish the licence group other.")
@click.option("--dry-run", is_flag=True, help="Only report what would change.")
def push(dataset: str, repo_id: str, **options: Any) -> None:
    """Push a dataset folder to the repository REPO_ID on the Hugging Face Hub.

    One commit uploads the files that differ and deletes those no longer in the manifest. Running
    the same command again resumes an interrupted push. Log in once with `hf auth login`, or set
    HF_TOKEN.
    """
    from biomedica_dataset.hub.push import push_to_hub

    show(push_to_hub(dataset, repo_id, **options))
