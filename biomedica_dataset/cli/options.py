"""Options that several commands have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import click

from .completion import complete_license

Option = Callable[[Callable[..., Any]], Callable[..., Any]]


_NO_OUTPUT = {
    "memory": "memory is lost when the command ends",
    "hf": "write to a folder, and upload it to the Hub with `biomedica push`",
}


class _Output(click.ParamType[str]):
    """Where a command writes: a place that outlives the command."""

    name = "output"

    def convert(
        self, value: str, param: click.Parameter | None, context: click.Context | None
    ) -> str:
        if not value.strip():
            self.fail("the name of the folder is empty; use . for the current one", param, context)
        why = _NO_OUTPUT.get(value.partition(":")[0])
        if why is not None:
            self.fail(f"{value}: {why}", param, context)
        return value


WORKERS = click.option(
    "--workers", type=click.IntRange(1), help="Number of processes. [default: one per processor]"
)
TAKE_OVER = click.option("--take-over", is_flag=True, help="Take the output over from another run.")
UNREADABLE = click.option(
    "--on-error", type=click.Choice(["skip", "raise"]), default="skip", show_default=True,
    help="What to do about an image that cannot be decoded.",
)  # fmt: skip


def output(text: str, **given: Any) -> Option:
    """Return the option of where a command writes, required unless said otherwise."""
    return click.option("-o", "--output", type=_Output(), help=text, **{"required": True, **given})


def licenses(what: str) -> Option:
    """Return the option of the licences of articles, rows or figures."""
    return click.option(
        "--license", "licenses", multiple=True, metavar="GROUP_OR_CODE",
        shell_complete=complete_license,
        help=f"Only {what} under a licence: a group, or a code such as CC-BY. Repeatable.",
    )  # fmt: skip


def conditions(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the conditions on rows that options name, as the library takes them."""
    from biomedica_dataset.streaming.conditions.grammar import joined, parse

    filters = [parse(text) for text in options["filters"]]
    return {
        "licenses": options["licenses"] or None,
        "concepts": options["concepts"] or None,
        "filters": joined("and", filters) if filters else None,
    }
