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
@click.option("--query", metavar="TEXT", help="Only articles that this search of PMC finds.")
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

    settings = _extract_options(options, output)
    if dry_run and settings.query is not None:
        from .pubmed import Ncbi
        from .pubmed.choose import overview

        found = overview(Ncbi(), settings.query, settings.wants.licenses, settings.pmcids or ())
        click.echo(printable(str(found)))
    if dry_run:
        from .extract.plan import plan

        click.echo(printable(str(plan(source, output, settings))))
        return
    report = run(source, output, settings, _progress())
    click.echo(printable(str(report)))
    if report.blocks_failed:
        sys.exit(1)


def _extract_options(options: dict[str, Any], output: str) -> ExtractOptions:
    from .extract.run import ExtractOptions
    from .extract.selection import Wants, parse_images, parse_licenses, parse_pmcids

    pmcids = query = None
    licenses = parse_licenses(options["licenses"])
    if options["query"] is not None:
        if options["pmcids"] is not None or options["limit"] is not None:
            msg = "--query was given together with --pmcids or --limit; give one of them"
            raise UsageError(msg)
        from .pubmed import Ncbi
        from .pubmed.choose import choose

        pmcids, query = choose(output, options["query"], licenses, Ncbi())
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
        query=query,
        wants=Wants(licenses, parse_images(options["images"])),
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
@click.option("--mesh", metavar="FOLDER", help="MeSH terms of the articles, by `biomedica mesh`.")
def serialize(
    archive: str, output: str, layout: str, workers: int | None, mesh: str | None
) -> None:
    """Write the dataset folder of an ARCHIVE: Parquet by licence, index, card and manifest."""
    if layout == "webdataset":
        from .serialize.webdataset import serialize_webdataset

        tars = serialize_webdataset(
            archive, output, mesh=mesh, workers=workers, progress=_progress()
        )
        click.echo(printable(str(tars)))
        return
    from .serialize.run import serialize as run

    report = run(archive, output, mesh=mesh, workers=workers, progress=_progress())
    click.echo(printable(str(report)))


@main.command()
@click.argument("archive")
@click.option("-o", "--output", required=True, help="The table's folder: new, or one to update.")
@click.option(
    "--baseline", metavar="DIR_OR_URL", help="PubMed's bulk files; needed for many articles."
)
@click.option("--email", help="Whom NCBI may write to. [default: NCBI_EMAIL]")
@click.option(
    "--workers", type=click.IntRange(1), help="Processes. [default: as many as processors]"
)
def mesh(archive: str, output: str, **options: Any) -> None:
    """Get the MeSH terms of the articles of an ARCHIVE from PubMed.

    One by one from NCBI, or in bulk from PubMed's baseline and update files, such as
    https://ftp.ncbi.nlm.nih.gov/pubmed. A key is taken from NCBI_API_KEY.
    """
    from .pubmed import make_mesh

    click.echo(printable(str(make_mesh(archive, output, progress=_progress(), **options))))


@main.command()
@click.argument("source")
@click.option(
    "-o", "--output", metavar="FOLDER", help="The subset: a new folder; none for --dry-run."
)
@click.option(
    "--license", "licenses", multiple=True, metavar="GROUP_OR_CODE",
    help="Only rows of a licence: a group, or a code such as CC-BY. Repeatable.",
)  # fmt: skip
@click.option("--concept", "concepts", multiple=True, help="Only rows with a concept. Repeatable.")
@click.option(
    "--filter", "filters", multiple=True, metavar="CONDITION",
    help="Such as 'article_year >= 2015' or 'caption contains melanoma'. Repeatable: all of them.",
)  # fmt: skip
@click.option("--recipe", help="drop-overrepresented, cap-overrepresented or sqrt-weights.")
@click.option("--limit", type=click.IntRange(1), help="N rows at most: drawn by --seed.")
@click.option("--seed", type=click.IntRange(0), help="Of recipe and limit.")
@click.option("--split", help="A split, or all. [default: train]")
@click.option("--dry-run", is_flag=True, help="Only say what it would be: rows, bytes, requests.")
def select(source: str, output: str | None, dry_run: bool, **options: Any) -> None:
    """Write chosen rows of SOURCE as a smaller dataset folder; only their bytes are fetched.

    SOURCE is a dataset folder, a repository of the Hub such as org/name, or hf://, https:// or
    s3://.
    """
    from .streaming import Choice
    from .streaming import select as run
    from .streaming.filters import parse_condition

    choice = Choice(
        licenses=options["licenses"] or None,
        concepts=options["concepts"] or None,
        filters=[parse_condition(text) for text in options["filters"]] or None,
        **{name: options[name] for name in ("recipe", "limit", "seed", "split")},
    )
    report = run(source, output, choice, dry_run=dry_run, progress=_progress())
    click.echo(printable(str(report)))


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
