"""The command that shows clusters, or panels, to experts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from biomedica_dataset.errors import UsageError

from .annotate import annotate
from .group import progress, show
from .options import TAKE_OVER, WORKERS, output
from .serving import serve_page, served

if TYPE_CHECKING:
    from biomedica_dataset.annotation.review.server import Page
    from biomedica_dataset.annotation.review.thumbnails import Card
    from biomedica_dataset.annotation.review.work import Work
    from biomedica_dataset.io.folders import Folder


@annotate.command()
@click.argument("assignments", metavar="ASSIGNMENTS|PANELS")
@click.argument("archive")
@output("Folder for the sheets.")
@click.option("--panels", metavar="FOLDER", help="Panels of ARCHIVE, if clusters are of panels.")
@click.option(
    "--images", "count", type=click.IntRange(1),
    help="Random images per cluster; a third as many are the nearest, and as many the farthest. "
    "Of panels: random figures. [default: 24; 100 figures]",
)  # fmt: skip
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True,
    help="Seed for choosing the random images.",
)  # fmt: skip
@WORKERS
@TAKE_OVER
@click.option("--page", is_flag=True, help="Serve the review page.")
@served
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

    With PANELS, which `biomedica annotate panels` wrote, sheets and page show a random sample of
    the figures that were split, with the boxes and texts of their panels.
    """
    from biomedica_dataset.annotation.panels.panels import Panels
    from biomedica_dataset.io.folders import Folder

    if Folder(assignments).exists(Panels.name):
        _review_panels(assignments, archive, output, options)
        return
    from biomedica_dataset.annotation.review.sheets import write_sheets

    made = write_sheets(
        assignments, archive, output, panels=options["panels"], progress=progress(),
        **_chosen(options),
    )  # fmt: skip
    show(made)
    if options["page"] or options["adjudicate"] or options["audit"]:
        _serve_clusters(archive, output, options)


def _chosen(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options of both kinds of sheets that were given."""
    names = ("count", "seed", "workers", "take_over")
    return {name: options[name] for name in names if options[name] is not None}


def _review_panels(panels: str, archive: str, output: str, options: dict[str, Any]) -> None:
    from biomedica_dataset.annotation.panel_review.panel_page import panel_page
    from biomedica_dataset.annotation.panel_review.panel_session import PanelSession
    from biomedica_dataset.annotation.panel_review.panel_sheets import (
        PanelReview,
        write_panel_sheets,
    )

    names = ("panels", "taxonomy", "labels", "adjudicate", "audit")
    if given := [f"--{name}" for name in names if options[name]]:
        msg = f"{panels} is a folder of panels; {', '.join(given)} is for a review of clusters"
        raise UsageError(msg)
    show(write_panel_sheets(panels, archive, output, progress=progress(), **_chosen(options)))
    if options["page"]:
        review = PanelReview.open(output)
        session = PanelSession(review)
        _serve(panel_page(session), session, review.cards, review.folder, archive, options)


def _serve_clusters(archive: str, output: str, options: dict[str, Any]) -> None:
    from biomedica_dataset.annotation.labels.labels import Labels
    from biomedica_dataset.annotation.labels.taxonomy import Taxonomy
    from biomedica_dataset.annotation.review.page import cluster_page
    from biomedica_dataset.annotation.review.session import open_session
    from biomedica_dataset.annotation.review.sheets import Review

    review = Review.open(output)
    session = open_session(
        review,
        Taxonomy.load(options["taxonomy"]),
        Labels.open(options["labels"]) if options["labels"] else None,
        adjudicate=options["adjudicate"],
        audit=options["audit"],
    )
    _serve(cluster_page(session), session, review.cards, review.folder, archive, options)


def _serve(
    page: Page,
    session: Work[Any, Any],
    cards: dict[str, Card],
    folder: Folder,
    archive: str,
    options: dict[str, Any],
) -> None:
    from biomedica_dataset.annotation.review.originals import SheetImages
    from biomedica_dataset.archive.ledger import Archive

    images = SheetImages(cards, folder, Archive.open(archive))
    told = f"{len(session.items):,} to answer"
    serve_page(page, images, told, session.close, host=options["host"], port=options["port"])
