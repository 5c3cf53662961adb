"""Commands that fill an archive: extract and mesh."""

from __future__ import annotations

import sys
from typing import Any

import click

from biomedica_dataset.errors import UsageError

from .group import OUTPUT, main, printable, progress
from .launched import launched


@main.command()
@click.argument("source", default="s3://pmc-oa-opendata")
@click.option(
    "-o",
    "--output",
    type=OUTPUT,
    required=True,
    help="The archive: a new folder, or one to continue.",
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
@click.option(
    "--retry", is_flag=True, help="Fetch again what failed, and what a newer reader finds."
)
@launched
def extract(source: str, output: str, dry_run: bool, **options: Any) -> None:
    """Fetch articles with their figures from SOURCE into an archive.

    SOURCE is s3://bucket, https://host/path, http://host/path or a folder. The same command again
    continues, updates, or does nothing where the archive agrees with the source.
    """
    from biomedica_dataset import extract as run

    options["pmcids"] = _read_pmcids(options["pmcids"])
    if dry_run:
        from biomedica_dataset.extraction.dry_run import plan
        from biomedica_dataset.extraction.options import resolve_options

        del options["workers"], options["launch"]
        found = plan(source, output, resolve_options(output, **options))
        click.echo(printable(str(found)))
        return
    report = run(source, output, progress=progress(), **options)
    click.echo(printable(str(report)))
    if report.blocks_failed:
        sys.exit(1)


def _read_pmcids(path: str | None) -> list[int] | None:
    from biomedica_dataset.archive.selection import parse_pmcids

    if path is None:
        return None
    try:
        with click.open_file(path, encoding="utf-8") as lines:
            return parse_pmcids(lines, path)
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{path} cannot be read as a list of PMCIDs: {error}"
        raise UsageError(msg) from error


@main.command()
@click.argument("archive")
@click.option(
    "-o", "--output", type=OUTPUT, required=True,
    help="The table's folder: new, or one to update.",
)  # fmt: skip
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
    from biomedica_dataset.pubmed.mesh.mesh import make_mesh

    click.echo(printable(str(make_mesh(archive, output, progress=progress(), **options))))
