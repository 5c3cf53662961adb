"""Generates pages of commands and tables, the table of tasks and the tree of errors from the code.

``python docs/generate.py`` names the pages that are out of date; ``--write`` writes them again.
"""

from __future__ import annotations

import dataclasses
import html
import inspect
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from biomedica_dataset import errors
from biomedica_dataset.cli.group import main
from biomedica_dataset.clip.evaluate.find import shipped_tasks
from biomedica_dataset.schema import CONFIGS, SCHEMA_VERSION, TABLES, VERSIONS
from biomedica_dataset.schema.columns import STRUCTURES

if TYPE_CHECKING:
    from collections.abc import Iterator

    import click

    from biomedica_dataset.clip.evaluate.task import Source

DOCS = Path(__file__).parent / "reference"
_VERBATIM = "\b\n"  # what click leaves as it is
_PAGES = {**dict.fromkeys(CONFIGS, "pairs"), "index": "index-table"}
"""The page of a config, if it does not have the name of its config."""
_TASKS = re.compile(r"(<!-- tasks -->\n).*?(<!-- end -->)", re.DOTALL)
_ERRORS = re.compile(r"(<!-- errors -->\n).*?(<!-- end -->)", re.DOTALL)
_VERSION = re.compile(r"(<!-- schema version -->)[^<]*(<!-- end -->)")

_FOLDERS = ("commands", "tables")  # with nothing but generated pages

_TABLES = """\
# Tables

The columns of a dataset folder.
Generated from `biomedica_dataset.schema` by `python docs/generate.py --write`.
[The dataset folder](../dataset.md#columns) explains them.

{}

Missing is null. `load_dataset("biomedica", CONFIG)` reads a table.
"""

_COMMANDS = """\
# Commands

Generated from `--help` by `python docs/generate.py --write`.
`python -m biomedica_dataset` is the same as `biomedica`.
[Exit statuses](../errors.md) tell a script what happened.

{}

## Shell completion

Bash, zsh and fish complete commands, options, licences, tasks, recipes, splits, concepts and
columns.
For bash, add this line to `~/.bashrc`:

```sh
eval "$(_BIOMEDICA_COMPLETE=bash_source biomedica)"
```

For zsh, add `eval "$(_BIOMEDICA_COMPLETE=zsh_source biomedica)"` to `~/.zshrc`; for fish, add
`_BIOMEDICA_COMPLETE=fish_source biomedica | source` to `~/.config/fish/config.fish`.
Begin names of several words, as those of concepts are, with a quotation mark: `--concept "Plo`.
"""


def command_pages() -> dict[Path, str]:
    """Return a page for each command, and the page that lists them."""
    pages, rows = {}, []
    for context in _contexts(main, "biomedica", None):
        name = f"{context.command_path.removeprefix('biomedica').strip().replace(' ', '-')}.md"
        if name != ".md":
            pages[DOCS / "commands" / name] = _command_page(context)
            short = context.command.get_short_help_str(1000)
            rows.append(f"| [`{context.command_path}`]({name}) | {_cell(short)} |")
    table = "\n".join(["| command | what it does |", "|---|---|", *rows])
    return {DOCS / "commands" / "index.md": _COMMANDS.format(table), **pages}


def _contexts(
    command: click.Command, name: str, parent: click.Context | None
) -> Iterator[click.Context]:
    """Yield the context of a command and, below it, of those that it groups."""
    with command.make_context(name, [], parent, resilient_parsing=True) as context:
        yield context
        for below, member in getattr(command, "commands", {}).items():
            yield from _contexts(member, below, context)


def _command_page(context: click.Context) -> str:
    command = context.command
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    help_ = [
        f"```text\n{block.removeprefix(_VERBATIM)}\n```" if block.startswith(_VERBATIM) else block
        for block in inspect.cleandoc(command.help or "").split("\n\n")
    ]
    options = [
        f"| {_code(names)} | {_cell(meaning)} |"
        for names, meaning in filter(None, (p.get_help_record(context) for p in command.params))
        if meaning
    ]
    table = ["| option | meaning |", "|---|---|", *options, ""]
    title = f"# {context.command_path}\n\n```text\n{usage}\n```"
    return "\n\n".join([title, *help_, "\n".join(table)])


def _code(text: str) -> str:
    """Return text as code within a cell, where backticks would not hide a vertical bar."""
    return f"<code>{html.escape(text, quote=False).replace('|', '&#124;')}</code>"


def _cell(text: str) -> str:
    parts = text.replace("|", "&#124;").split("`")
    parts[::2] = [part.replace("<", "&lt;").replace("*", r"\*") for part in parts[::2]]
    return "`".join(parts)


def table_pages() -> dict[Path, str]:
    """Return a page for each table of a dataset folder, and the page that lists them."""
    pages, rows = {}, []
    for name in dict.fromkeys(_PAGES.get(config, config) for config in TABLES):
        configs = [config for config in TABLES if _PAGES.get(config, config) == name]
        table = TABLES[configs[0]]
        summary = inspect.cleandoc(table.__doc__ or "").partition("\n")[0].replace("``", "`")
        of = ", ".join(f"`{config}`" for config in configs)
        words = f"Config{'s' if configs[1:] else ''} {of}. {summary}"
        title = f"# {name.replace('-', ' ').capitalize()}"
        parts = [title, words, _columns(table), *_structures(table)]
        pages[DOCS / "tables" / f"{name}.md"] = "\n\n".join(parts) + "\n"
        rows.append(f"| [{name}]({name}.md) | {of} | {len(dataclasses.fields(table))} |")
    table = "\n".join(["| table | configs | columns |", "|---|---|---|", *rows])
    return {DOCS / "tables" / "index.md": _TABLES.format(table), **pages}


def _columns(table: type) -> str:
    rows = [
        f"| `{field.name}` | `{field.metadata['type']}` | {_meaning(field)} |"
        for field in dataclasses.fields(table)
    ]
    return "\n".join(["| column | type | meaning |", "|---|---|---|", *rows])


def _meaning(field: dataclasses.Field[object]) -> str:
    since = field.metadata["since"]
    added = "" if since == VERSIONS[0] else f" (since schema version {since})"
    return f"{_cell(field.metadata['meaning'])}{added}"


def _structures(table: type) -> Iterator[str]:
    """Yield the parts of each structure among the columns, and of those inside it."""
    names = [field.metadata["type"] for field in dataclasses.fields(table)]
    for name in names:
        inner = re.sub(r"list<(.+)>", r"\1", name)
        if inner in STRUCTURES:
            parts = STRUCTURES[inner]
            yield f"A `{inner}` is {', '.join(f'`{part}` (`{of}`)' for part, of in parts.items())}."
            names += parts.values()


def dataset_page(text: str) -> str:
    """Return the text of ``dataset.md`` with the version of the schema."""
    return _VERSION.sub(rf"\g<1>{SCHEMA_VERSION}\g<2>", text)


def errors_page(text: str) -> str:
    """Return the text of ``errors.md`` with the tree of errors as `errors.py` has it."""
    tree = inspect.cleandoc(errors.__doc__.partition("::\n")[2])
    return _ERRORS.sub(lambda slot: f"{slot[1]}\n```text\n{tree}\n```\n\n{slot[2]}", text)


def tasks_page(text: str) -> str:
    """Return the text of ``tasks.md`` with an up-to-date table of shipped tasks."""
    tasks = shipped_tasks()
    prompts = list(dict.fromkeys(task.prompts_from for task in tasks))
    rows = [
        f"| `{task.name}` | {task.domain} | {task.protocol} | "
        f"{len(task.classes) or 'own options'} | `{_place(task.source)}` | "
        f"{prompts.index(task.prompts_from) + 1} | {task.citation} |"
        for task in tasks
    ]
    head = ["task", "domain", "protocol", "classes", "images", "prompts", "citation"]
    table = "\n".join([f"| {' | '.join(head)} |", "|---" * len(head) + "|", *rows])
    sources = "\n".join(f"{number}. {text}" for number, text in enumerate(prompts, 1))
    count = f"{len(tasks)} tasks in {len({task.domain for task in tasks})} domains."
    slot = f"\n{count}\n\n{table}\n\nPrompts and classes come from:\n\n{sources}\n"
    return _TASKS.sub(lambda found: f"{found[1]}{slot}\n{found[2]}", text)


def _place(source: Source) -> str:
    return str(source.hub or source.folder or source.csv)


def pages() -> dict[Path, str]:
    """Return the text that each generated page should have."""
    filled = {"dataset.md": dataset_page, "errors.md": errors_page, "tasks.md": tasks_page}
    return {
        **command_pages(),
        **table_pages(),
        **{DOCS / name: fill((DOCS / name).read_text("utf-8")) for name, fill in filled.items()},
    }


def stale() -> dict[Path, str | None]:
    """Return the pages that are out of date, with their text; None where a page has to go."""
    made = (page for folder in _FOLDERS for page in (DOCS / folder).glob("*.md"))
    wanted: dict[Path, str | None] = dict.fromkeys(made)
    wanted.update(pages())
    return {
        path: text
        for path, text in wanted.items()
        if text is None or not path.exists() or path.read_text(encoding="utf-8") != text
    }


if __name__ == "__main__":
    behind = stale()
    if "--write" not in sys.argv[1:]:
        names = ", ".join(page.name for page in behind)
        sys.exit(f"out of date: {names}; run python docs/generate.py --write" if names else 0)
    for folder in _FOLDERS:
        (DOCS / folder).mkdir(exist_ok=True)
    for page, content in behind.items():
        if content is None:
            page.unlink()
        else:
            page.write_text(content, encoding="utf-8")
