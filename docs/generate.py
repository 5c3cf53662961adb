"""Writes what follows from the code: the page of the command, the columns of tables, the tasks.

``python docs/generate.py`` says what is out of step; ``python docs/generate.py --write`` mends it.
"""

from __future__ import annotations

import dataclasses
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from biomedica_dataset.cli.group import main
from biomedica_dataset.clip.evaluate.find import shipped_tasks
from biomedica_dataset.schema import SCHEMA_VERSION, ArticleRow, IndexRow, Pair, VectorRow

if TYPE_CHECKING:
    from collections.abc import Iterator

    import click

    from biomedica_dataset.clip.evaluate.task import Source

DOCS = Path(__file__).parent
_WIDTH = 88
_TABLES = {table.__name__: table for table in (Pair, ArticleRow, IndexRow, VectorRow)}
_SLOT = re.compile(r"(<!-- columns of (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_TASKS = re.compile(r"(<!-- tasks -->\n).*?(<!-- end -->)", re.DOTALL)
_VERSION = re.compile(r"(<!-- schema version -->)[^<]*(<!-- end -->)")

_CLI = """\
# The command `biomedica`

This page is what `--help` prints; `python docs/generate.py --write` writes it.
`python -m biomedica_dataset` is the same command.

| exit status | meaning |
|---|---|
| 0 | done |
| 1 | something failed: the network, a full disk, a broken file, a problem that `verify` found |
| 2 | a mistake of the caller; nothing was done |
| 130 | stopped by Ctrl-C |

What was finished before a failure stays valid, and the same command again goes on from there.

"""


def cli_page() -> str:
    """Return the whole of ``cli.md``: the help of the command and of each of its stages."""
    return _CLI + "\n".join(_pages(main, "biomedica", None))


def _pages(command: click.Command, name: str, parent: click.Context | None) -> Iterator[str]:
    """Yield the help of a command and, below it, of those that it groups."""
    title = f"{parent.command_path} {name}" if parent else name
    with _context(command, name, parent) as context:
        yield _help(title, command.get_help(context))
        for below, member in getattr(command, "commands", {}).items():
            yield from _pages(member, below, context)


def _context(command: click.Command, name: str, parent: click.Context | None) -> click.Context:
    return command.make_context(
        name, [], parent, resilient_parsing=True, terminal_width=_WIDTH, max_content_width=_WIDTH
    )


def _help(title: str, text: str) -> str:
    return f"## {title}\n\n```text\n{text}\n```\n"


def columns(table: type) -> str:
    """Return the columns of a table as Markdown."""
    rows = [
        f"| `{field.name}` | `{field.metadata['type']}` | {field.metadata['meaning']} |"
        for field in dataclasses.fields(table)
    ]
    return "\n".join(["| column | type | meaning |", "|---|---|---|", *rows, ""])


def dataset_page(text: str) -> str:
    """Return the text of ``dataset.md`` with its tables of columns written anew."""
    text = _SLOT.sub(lambda slot: f"{slot[1]}\n{columns(_TABLES[slot[2]])}\n{slot[3]}", text)
    return _VERSION.sub(rf"\g<1>{SCHEMA_VERSION}\g<2>", text)


def tasks_page(text: str) -> str:
    """Return the text of ``tasks.md`` with the table of shipped tasks written anew."""
    tasks = shipped_tasks()
    prompts = list(dict.fromkeys(task.prompts_from for task in tasks))
    rows = [
        f"| `{task.name}` | {task.domain} | {task.protocol} | "
        f"{len(task.classes) or 'own options'} | `{_place(task.source)}` | "
        f"{prompts.index(task.prompts_from) + 1} | {task.citation} |"
        for task in tasks
    ]
    head = ["task", "domain", "protocol", "classes", "pictures", "prompts", "citation"]
    table = "\n".join([f"| {' | '.join(head)} |", "|---" * len(head) + "|", *rows])
    sources = "\n".join(f"{number}. {text}" for number, text in enumerate(prompts, 1))
    count = f"{len(tasks)} tasks in {len({task.domain for task in tasks})} domains."
    slot = f"\n{count}\n\n{table}\n\nPrompts and classes come from:\n\n{sources}\n"
    return _TASKS.sub(lambda found: f"{found[1]}{slot}\n{found[2]}", text)


def _place(source: Source) -> str:
    return str(source.hub or source.folder or source.csv)


def pages() -> dict[Path, str]:
    """Return what the generated pages must hold."""
    dataset, tasks = DOCS / "dataset.md", DOCS / "tasks.md"
    return {
        DOCS / "cli.md": cli_page(),
        dataset: dataset_page(dataset.read_text(encoding="utf-8")),
        tasks: tasks_page(tasks.read_text(encoding="utf-8")),
    }


def stale() -> list[Path]:
    """Return the pages that are out of step with the code."""
    return [
        path
        for path, text in pages().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]


if __name__ == "__main__":
    behind = stale()
    if "--write" in sys.argv[1:]:
        for page in behind:
            page.write_text(pages()[page], encoding="utf-8")
    elif behind:
        sys.exit(
            f"out of step with the code: {', '.join(p.name for p in behind)}; run it with --write"
        )
