"""The command ``biomedica``: one thin command per stage."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any

import click

from .errors import BiomedicaError, UsageError

if TYPE_CHECKING:
    from .extract.run import ExtractOptions

_INTERRUPTED = 130


class _Commands(click.Group):
    """Turns the errors of the library into one line and an exit status."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except BiomedicaError as error:
            click.echo(f"Error: {printable(str(error))}", err=True)
            context.exit(error.exit_code)
        except KeyboardInterrupt:
            click.echo(
                "Stopped. What is finished stays valid; run the same command again to go on.",
                err=True,
            )
            context.exit(_INTERRUPTED)


def printable(text: str) -> str:
    """Return text with control characters written out: no name from a document steers the terminal.

    Examples
    --------
    >>> printable("a\\x1b[2Jb")
    'a\\\\x1b[2Jb'
    """
    return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="biomedica-dataset")
@click.option("-v", "--verbose", is_flag=True, help="Say more of what is going on.")
def main(verbose: bool) -> None:
    """Figures, captions and citing paragraphs of PubMed Central, as a dataset.

    \b
    biomedica demo                              the whole route on a small made-up bucket
    biomedica extract --limit 100 -o archive    the newest 100 articles of PMC
    biomedica serialize archive -o biomedica    the dataset folder
    """
    level = logging.INFO if verbose else logging.WARNING
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s")


@main.command()
@click.argument("directory", default="biomedica-demo", type=click.Path(file_okay=False))
@click.option("--bucket-only", is_flag=True, help="Only write the made-up bucket.")
@click.option("--seed", default=0, show_default=True, help="Same seed, same bytes.")
def demo(directory: str, bucket_only: bool, seed: int) -> None:
    """Run the whole route on a small made-up PMC bucket, in DIRECTORY."""
    from .demo import run_demo

    for line in run_demo(directory, bucket_only=bucket_only, seed=seed):
        click.echo(printable(line))


@main.command()
@click.argument("source", default="s3://pmc-oa-opendata")
@click.option(
    "-o", "--output", required=True, help="The archive: a new folder, or one to continue."
)
@click.option(
    "--pmcids", metavar="FILE", help="Only these articles: a PMCID a line, - for standard input."
)
@click.option("--limit", type=click.IntRange(1), help="Only the newest N articles.")
@click.option(
    "--license", "licenses", multiple=True, metavar="GROUP_OR_CODE",
    help="Only articles of a licence: a group, or a code such as CC-BY. Repeatable.",
)  # fmt: skip
@click.option(
    "--images", default="all", show_default=True, metavar="all|none|FILE",
    help="Which images to fetch; FILE lists keys of pairs, one a line.",
)  # fmt: skip
@click.option(
    "--inventory", metavar="DATE_OR_FILE", help="Inventory to read; the newest by default."
)
@click.option(
    "--workers", type=click.IntRange(1), help="Processes. [default: as many as processors]"
)
@click.option("--dry-run", is_flag=True, help="Only say what a run would cost.")
@click.option("--retry", is_flag=True, help="Fetch again what was unavailable or corrupt.")
def extract(source: str, output: str, dry_run: bool, **options: Any) -> None:
    """Fetch articles with their figures from SOURCE into an archive.

    SOURCE is s3://bucket, https://host/path, http://host/path or a folder. The same command again
    continues, updates, or does nothing where the archive agrees with the source.
    """
    from .extract.run import extract as run

    settings = _extract_options(options)
    if dry_run:
        from .extract.plan import plan

        click.echo(printable(str(plan(source, output, settings))))
        return
    report = run(source, output, settings, _progress())
    click.echo(printable(str(report)))
    if report.blocks_failed:
        sys.exit(1)


def _extract_options(options: dict[str, Any]) -> ExtractOptions:
    from .extract.run import ExtractOptions
    from .extract.selection import Wants, parse_images, parse_licenses, parse_pmcids

    pmcids = None
    if options["pmcids"] is not None:
        try:
            with click.open_file(options["pmcids"], encoding="utf-8") as lines:
                pmcids = tuple(parse_pmcids(lines, options["pmcids"]))
        except (OSError, UnicodeDecodeError) as error:
            msg = f"{options['pmcids']} cannot be read as a list of PMCIDs: {error}"
            raise UsageError(msg) from error
    return ExtractOptions(
        pmcids=pmcids,
        limit=options["limit"],
        wants=Wants(parse_licenses(options["licenses"]), parse_images(options["images"])),
        inventory=options["inventory"],
        workers=options["workers"],
        retry=options["retry"],
    )


@main.command()
@click.argument("archive")
@click.option("-o", "--output", required=True, help="The dataset folder: new, or one to continue.")
@click.option(
    "--format",
    "layout",
    type=click.Choice(["parquet", "webdataset"]),
    default="parquet",
    show_default=True,
    help="The dataset folder, or tars in the layout of the published dataset.",
)
@click.option(
    "--workers", type=click.IntRange(1), help="Processes. [default: as many as processors]"
)
def serialize(archive: str, output: str, layout: str, workers: int | None) -> None:
    """Write the dataset folder of an ARCHIVE: Parquet by licence, index, card and manifest."""
    if layout == "webdataset":
        from .serialize.webdataset import serialize_webdataset

        report = serialize_webdataset(archive, output, workers=workers, progress=_progress())
        click.echo(printable(str(report)))
        return
    from .serialize.run import serialize as run

    click.echo(printable(str(run(archive, output, workers=workers, progress=_progress()))))


@main.command()
@click.argument("directory")
def verify(directory: str) -> None:
    """Check an archive or a dataset folder: digests, rows, keys, byte ranges, schema."""
    from .verify import verify as run

    report = run(directory)
    click.echo(printable(str(report)))
    if report.problems:
        sys.exit(1)


@main.command()
@click.argument("dataset")
@click.argument("repo_id")
@click.option("--private", is_flag=True, help="Make the repository private.")
@click.option("--revision", help="Branch to push to, made where it is not there. [default: main]")
@click.option("--tag", help="Name for the state after the push.")
@click.option("--include-other", is_flag=True, help="Also publish the licence group other.")
@click.option("--dry-run", is_flag=True, help="Only say what would be changed.")
def push(dataset: str, repo_id: str, **options: Any) -> None:
    """Bring the repository REPO_ID of the Hugging Face Hub into agreement with a dataset folder.

    Only what differs is uploaded, and what is no more in the manifest is deleted, in one commit.
    The same command again continues an interrupted push. Log in once with `hf auth login`, or set
    HF_TOKEN.
    """
    from .hub import push_to_hub

    click.echo(printable(str(push_to_hub(dataset, repo_id, **options))))


@main.command(context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]})
@click.option("--source", help="An archive or a bucket to read. [default: ./biomedica, else PMC]")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def test(source: str | None, arguments: tuple[str, ...]) -> None:
    """Run datasets-cli's test with the builder registered.

    All other options are those of `datasets-cli test`, such as --all_configs. A dataset folder
    ./biomedica is tested where it is there and no source is given.
    """
    from .registration import run_datasets_test

    run_datasets_test(arguments, source)


def _progress() -> Any:
    from .progress import Progress

    return Progress(quiet=False)
