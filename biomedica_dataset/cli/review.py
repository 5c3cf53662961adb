"""The command that shows clusters to experts."""

from __future__ import annotations

from typing import Any

import click

from .annotate import annotate
from .group import OUTPUT, printable, progress
from .launched import TAKE_OVER


@annotate.command()
@click.argument("assignments")
@click.argument("archive")
@click.option("-o", "--output", type=OUTPUT, required=True, help="Folder for the sheets.")
@click.option(
    "--images", "count", type=click.IntRange(1), default=24, show_default=True,
    help="Random images per cluster; a third as many are the nearest, and as many the farthest.",
)  # fmt: skip
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True,
    help="Seed for choosing the random images.",
)  # fmt: skip
@click.option(
    "--workers", type=click.IntRange(1), help="Number of processes. [default: one per processor]"
)
@TAKE_OVER
@click.option("--page", is_flag=True, help="Serve the review page.")
@click.option(
    "--port", type=click.IntRange(1, 65535), default=7860, show_default=True,
    help="Port of the review page.",
)  # fmt: skip
@click.option("--taxonomy", metavar="FILE", help="Concepts to choose from. [default: built in]")
@click.option("--labels", metavar="FOLDER", help="Labels to adjudicate or audit.")
@click.option(
    "--adjudicate", is_flag=True, help="On the page, ask only about clusters with open questions."
)
@click.option(
    "--audit", metavar="N", type=click.IntRange(1),
    help="On the page, ask for N random images per cluster whether the label fits.",
)  # fmt: skip
def review(assignments: str, archive: str, output: str, **options: Any) -> None:
    """Write sheets of the clusters of ASSIGNMENTS, with images of ARCHIVE, for experts to review.

    Sheets open from disk. With --page, experts answer in a browser on this machine; each answer is
    saved at once, in one file per annotator below OUTPUT.
    """
    from biomedica_dataset.annotation.review.sheets import write_sheets

    shown = {name: options[name] for name in ("count", "seed", "workers", "take_over")}
    made = write_sheets(assignments, archive, output, progress=progress(), **shown)
    click.echo(printable(str(made)))
    if options["page"] or options["adjudicate"] or options["audit"]:
        _serve(output, options)


def _serve(output: str, options: dict[str, Any]) -> None:
    from biomedica_dataset.annotation.labels.labels import Labels
    from biomedica_dataset.annotation.labels.taxonomy import Taxonomy
    from biomedica_dataset.annotation.review.page import serve
    from biomedica_dataset.annotation.review.session import open_session
    from biomedica_dataset.annotation.review.sheets import Review

    session = open_session(
        Review.open(output),
        Taxonomy.load(options["taxonomy"]),
        Labels.open(options["labels"]) if options["labels"] else None,
        adjudicate=options["adjudicate"],
        audit=options["audit"],
    )
    port = options["port"]
    click.echo(f"http://127.0.0.1:{port}: {len(session.items):,} to answer; press Ctrl-C to stop")
    serve(session, port)
