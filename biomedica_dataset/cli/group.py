"""The command group ``biomedica``, and what its commands share."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NoReturn

import click

from biomedica_dataset.errors import BiomedicaError, PreemptedError

from . import library_messages

if TYPE_CHECKING:
    from biomedica_dataset.engine.progress import Progress

_INTERRUPTED = 130
_NUMBERS = (type(click.INT), type(click.FLOAT))  # click writes INTEGER RANGE
_WHOLE = 1000  # characters: more than a sentence has


def _set(context: click.Context, option: click.Parameter, value: bool) -> None:
    """Remember an option of all commands, wherever among them it stands."""
    if value:
        context.find_root().meta[str(option.name)] = True
        _set_up_logging(context)


def _set_up_logging(context: click.Context) -> None:
    meta = context.find_root().meta
    level = logging.INFO if meta.get("verbose") else logging.WARNING
    if meta.get("quiet"):
        level = logging.ERROR
    shown = [library_messages.handler()]
    logging.basicConfig(handlers=shown)
    logging.getLogger().setLevel(level)


_EVERYWHERE = [
    click.Option(
        ["-v", "--verbose"], is_flag=True, expose_value=False, callback=_set,
        help="Show more messages.",
    ),
    click.Option(
        ["-q", "--quiet"], is_flag=True, expose_value=False, callback=_set,
        help="Show no progress and no warnings.",
    ),
    click.Option(
        ["--json"], is_flag=True, expose_value=False, callback=_set,
        help="Print the report as JSON.",
    ),
]  # fmt: skip


class Commands(click.Group):
    """Turns errors of the library into one line and an exit status."""

    group_class = type

    def add_command(self, command: click.Command, name: str | None = None) -> None:
        """Add a command, with the options of all commands."""
        for param in command.params:
            if param.metavar is None and isinstance(param.type, _NUMBERS):
                param.metavar = "N"
        if "ignore_unknown_options" not in command.context_settings:  # those go to datasets-cli
            command.params += _EVERYWHERE
        super().add_command(command, name)

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the first sentence of each command whole: click would cut it at the line's end."""
        rows = [(n, self.commands[n].get_short_help_str(_WHOLE)) for n in sorted(self.commands)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def invoke(self, context: click.Context) -> Any:
        """Run the command."""
        verbose = "verbose" in context.meta or bool({"-v", "--verbose"} & {*context.args})
        try:
            with library_messages.captured(verbose=verbose):
                return super().invoke(context)
        except BiomedicaError as error:
            if _is_stop(error) and not isinstance(error, PreemptedError):
                _leave_stopped(context)
            word = "Error: " if error.exit_code else ""
            click.echo(f"{word}{printable(str(error))}", err=True)
            context.exit(error.exit_code)
        except click.exceptions.Exit:
            raise
        except (KeyboardInterrupt, Exception) as error:
            if not _is_stop(error):
                raise
            _leave_stopped(context)


def _leave_stopped(context: click.Context) -> NoReturn:
    click.echo(
        "Stopped. What is finished stays valid; run the same command again to resume.", err=True
    )
    context.exit(_INTERRUPTED)


def _is_stop(error: BaseException | None) -> bool:
    """Whether Ctrl-C ended a command; a library that it hits may raise an error of its own."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error is not None


def printable(text: str) -> str:
    """Return text with control characters escaped, so that no document can control the terminal.

    Examples
    --------
    >>> printable("a\\x1b[2Jb")
    'a\\\\x1b[2Jb'
    """
    return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="biomedica-dataset")
@click.pass_context
def main(context: click.Context) -> None:
    """Build a dataset of figures, captions and citing paragraphs from PubMed Central.

    \b
    biomedica demo                            every stage on a made-up bucket
    biomedica extract --limit 100 -o archive  the newest 100 articles of PMC
    biomedica serialize archive -o biomedica  the dataset folder
    """
    _set_up_logging(context)


main.params += _EVERYWHERE


def progress() -> Progress:
    """Return a progress display for this terminal."""
    from biomedica_dataset.engine.progress import Progress

    return Progress(quiet="quiet" in click.get_current_context().find_root().meta)


def wants_json() -> bool:
    """Whether reports are to be printed as JSON."""
    return "json" in click.get_current_context().find_root().meta


def show(report: Any) -> None:
    """Print the report of a stage: as text, or as JSON where that was asked for."""
    from biomedica_dataset.engine.report import as_json

    click.echo(as_json(report) if wants_json() else printable(str(report)))


def run(stage: str, *arguments: Any, **options: Any) -> Any:
    """Run a public function of the package with progress; print and return its report."""
    import biomedica_dataset

    report = getattr(biomedica_dataset, stage)(*arguments, progress=progress(), **options)
    show(report)
    return report
