"""Commands that fill an archive: extract and mesh."""

from __future__ import annotations

import shlex
import sys
from typing import Any

import click

from .group import main, progress, run, show
from .launched import launched
from .options import WORKERS, licenses, output


@main.command()
@click.argument("source", default="s3://pmc-oa-opendata")
@output("Folder for the archive: new, or one to update.")
@click.option(
    "--pmcids", multiple=True, metavar="ID_OR_FILE",
    help="Only these articles: PMCIDs, or a file with one per line; - for standard input. "
    "Repeatable.",
)  # fmt: skip
@click.option("--query", metavar="TEXT", help="Only articles that this search of PMC finds.")
@click.option("--limit", type=click.IntRange(1), help="Only the newest N articles.")
@licenses("articles")
@click.option(
    "--images", default="all", show_default=True, metavar="all|none|FILE",
    help="Images to fetch; FILE lists keys of pairs, one per line.",
)  # fmt: skip
@click.option(
    "--inventory", metavar="DATE_OR_FILE", help="Inventory to read. [default: the newest]"
)
@WORKERS
@click.option("--dry-run", is_flag=True, help="Only estimate what a run would cost.")
@click.option(
    "--retry", is_flag=True, help="Retry what failed, and reread articles with a newer reader."
)
@launched
def extract(source: str, output: str, dry_run: bool, **options: Any) -> None:
    """Fetch articles and their figures from SOURCE into an archive.

    SOURCE is s3://bucket, https://host/path, http://host/path or a folder. Running the same command
    again resumes or updates the archive, or does nothing if it is up to date.
    """
    options["pmcids"] = _read_pmcids(options["pmcids"])
    if dry_run:
        from biomedica_dataset.extraction.dry_run import plan
        from biomedica_dataset.extraction.options import resolve_options

        del options["workers"], options["launch"]
        show(plan(source, output, resolve_options(output, **options)))
        return
    report = run("extract", source, output, **options)
    if report.blocks_failed or report.is_spoilt:
        sys.exit(1)
    if not report.blocks_left:
        progress().say(f"next: biomedica serialize {shlex.quote(output)} --output biomedica")


def _read_pmcids(given: tuple[str, ...]) -> str | list[str] | None:
    """Return the ids of all values of the option; standard input is read here, files later."""
    from biomedica_dataset.archive.selection import Selection

    if len(given) == 1 and given[0] != "-":
        return given[0]
    ids: list[str] = []
    for value in given:
        source = sys.stdin.readlines() if value == "-" else value
        ids += Selection.of_ids(source).names() or []
    return ids or None


@main.command()
@click.argument("archive")
@output("Folder for the table: new, or one to update.")
@click.option(
    "--baseline", metavar="DIR_OR_URL", help="Bulk files of PubMed; needed for many articles."
)
@click.option("--email", help="Contact address for NCBI. [default: NCBI_EMAIL]")
@WORKERS
@launched
def mesh(archive: str, output: str, **options: Any) -> None:
    """Fetch the MeSH terms of the articles of ARCHIVE from PubMed.

    Terms come one by one from NCBI, or in bulk from PubMed's baseline and update files, such as
    those at https://ftp.ncbi.nlm.nih.gov/pubmed. An API key is read from NCBI_API_KEY.
    """
    run("mesh", archive, output, **options)
