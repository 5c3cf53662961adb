"""What the commands share that serve a page."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from biomedica_dataset.annotation.review.server import Images, Page


def served(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of where a page is served."""
    port = click.option(
        "--port", type=click.IntRange(1, 65535), default=7860, show_default=True,
        help="Port of the page.",
    )  # fmt: skip
    host = click.option(
        "--host", default="127.0.0.1", show_default=True,
        help="Where to serve the page; with 0.0.0.0 other machines reach it, with a token.",
    )  # fmt: skip
    return host(port(command))


def serve_page(
    page: Page, images: Images, told: str, close: Callable[[], None], *, host: str, port: int
) -> None:
    """Serve a page until it is stopped, and say where.

    Parameters
    ----------
    told
        What the page has, for the line with its address.
    """
    from biomedica_dataset.annotation.review.guard import is_loopback
    from biomedica_dataset.annotation.review.server import serve

    if not is_loopback(host):
        warning = (
            "Warning: other machines can reach the page. Its address holds a token, which all "
            "of its users share; nothing is encrypted. Safer is a tunnel, without --host: "
            f"ssh -L {port}:localhost:{port} HOST"
        )
        click.echo(warning, err=True)

    def ready(address: str) -> None:
        click.echo(f"{address}: {told}; press Ctrl-C to stop")

    serve(page, images, host=host, port=port, ready=ready, close=close)
