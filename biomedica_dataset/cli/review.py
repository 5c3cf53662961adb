"""The command that shows clusters to experts."""

from __future__ import annotations

from typing import Any

import click

from .annotate import annotate
from .group import OUTPUT, progress, show
from .launched import TAKE_OVER


@annotate.command()
@click.argument("assignments")
@click.argument("archive")
@click.option("-o", "--output", type=OUTPUT, required=True, help="Folder for the sheets.")
@click.option("--panels", metavar="FOLDER", help="Panels of ARCHIVE, if clusters are of panels.")
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
    "--host", default="127.0.0.1", show_default=True,
    help="Where to serve the page; with 0.0.0.0 other machines reach it, with a token.",
)  # fmt: skip
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

    Sheets open from disk. With --page, experts answer in a browser; each answer is saved at once,
    in one file per annotator below OUTPUT. The page is served to this machine alone: from another
    one, open a tunnel with ssh -L 7860:localhost:7860 HOST, and http://localhost:7860 there.
    """
    from biomedica_dataset.annotation.review.sheets import write_sheets

    shown = {name: options[name] for name in ("panels", "count", "seed", "workers", "take_over")}
    made = write_sheets(assignments, archive, output, progress=progress(), **shown)
    show(made)
    if options["page"] or options["adjudicate"] or options["audit"]:
        _serve(archive, output, options)


def _serve(archive: str, output: str, options: dict[str, Any]) -> None:
    from biomedica_dataset.annotation.labels.labels import Labels
    from biomedica_dataset.annotation.labels.taxonomy import Taxonomy
    from biomedica_dataset.annotation.review.guard import is_loopback
    from biomedica_dataset.annotation.review.page import serve
    from biomedica_dataset.annotation.review.session import open_session
    from biomedica_dataset.annotation.review.sheets import Review
    from biomedica_dataset.archive.ledger import Archive

    session = open_session(
        Review.open(output),
        Taxonomy.load(options["taxonomy"]),
        Labels.open(options["labels"]) if options["labels"] else None,
        adjudicate=options["adjudicate"],
        audit=options["audit"],
    )
    host, port = options["host"], options["port"]
    if not is_loopback(host):
        warning = (
            "Warning: other machines can reach the page. Its address holds a token, which all "
            "annotators share; nothing is encrypted. Safer is a tunnel, without --host: "
            f"ssh -L {port}:localhost:{port} HOST"
        )
        click.echo(warning, err=True)

    def ready(address: str) -> None:
        click.echo(f"{address}: {len(session.items):,} to answer; press Ctrl-C to stop")

    serve(session, Archive.open(archive), host=host, port=port, ready=ready)
