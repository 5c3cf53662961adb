"""The documentation is in step with the code: what it shows was generated, or runs here."""

from __future__ import annotations

import ast
import contextlib
import importlib.util
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from biomedica_dataset.cli.group import main
from biomedica_dataset.schema import IMAGE_KINDS, Pair, column_names

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

# A block after this line is run by a test; a block of text right after it is what it prints.
RUNS = re.compile(
    r"^<!-- runs -->\n```python\n(?P<code>.*?)^```\n(?:\n```text\n(?P<output>.*?)^```\n)?",
    re.DOTALL | re.MULTILINE,
)
RUNS_SHELL = re.compile(r"^<!-- runs -->\n```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SHELL = re.compile(r"^```(?:sh|console)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(#[^)\s]+)?\)")
DROPPING = [
    "extraction/versions.py",
    "extraction/fetch.py",
    "images/probe.py",
    "jats/figures/find.py",
    "pmc/matching.py",
    "rows.py",
]
PRIVATE = re.compile(
    r"/work/|/tmp/|shared/|(?:localhost|127\.0\.0\.1):\d{5}|\bissues? #?\d+\b", re.IGNORECASE
)


def load(name):
    """Return a script of docs/ as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def generate():
    return load("generate")


@pytest.fixture
def workplace(sample_bucket, sample_archive, sample_dataset, tmp_path, monkeypatch):
    """Change to a folder that holds the sample as `bucket`, `archive` and `biomedica`."""
    folders = {"bucket": sample_bucket, "archive": sample_archive, "biomedica": sample_dataset}
    for name, folder in folders.items():
        shutil.copytree(folder, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def text(page):
    return page.read_text(encoding="utf-8")


def commands(blocks):
    """Yield each `biomedica` command line of blocks, without comments, as its words."""
    for block in blocks:
        for line in block.replace("\\\n", " ").splitlines():
            for part in re.split(r"&&|\|(?!\w)", line.removeprefix("$ ").partition(" #")[0]):
                words = shlex.split(re.sub(r" < \S+$", "", part.rstrip()))  # from a file
                if words and Path(words[0]).name == "biomedica":
                    yield words[1:]


def every_command(group=main, path="biomedica"):
    """Yield each command with the words that call it."""
    for name, command in group.commands.items():
        yield f"{path} {name}", command
        if isinstance(command, click.Group):
            yield from every_command(command, f"{path} {name}")


def called(words):
    """Return the command that words call, and the words after its name."""
    command = main
    while isinstance(command, click.Group) and words and words[0] in command.commands:
        command, words = command.commands[words[0]], words[1:]
    if words and hasattr(command, "default"):  # `biomedica search DATASET`
        command = command.commands[command.default]
    assert words or not isinstance(command, click.Group), f"{command.name} needs a command"
    return command, words


def test_the_generated_parts_are_in_step_with_the_code(generate):
    assert not generate.stale(), "run: python docs/generate.py --write"


def test_every_command_and_option_is_documented_and_explained():
    folder = ROOT / "docs" / "reference" / "commands"
    for name, command in every_command():
        page = text(folder / f"{name.removeprefix('biomedica ').replace(' ', '-')}.md")
        assert command.help, name
        assert page.startswith(f"# {name}\n")
        for option in (p for p in command.params if isinstance(p, click.Option)):
            assert option.help, f"{name} {option.opts[-1]}"
            assert option.opts[-1] in page


def test_every_command_is_in_the_readme():
    named = {words[0] for words in commands(SHELL.findall(text(ROOT / "README.md"))) if words}

    assert set(main.commands) <= named


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_line_that_is_shown_is_one_that_is_understood(page):
    for words in commands(SHELL.findall(text(page))):
        if not words or words[0].startswith("-"):
            continue
        command, arguments = called(words)
        known = {name for p in command.params for name in (*p.opts, *p.secondary_opts)}
        passes_on = command.context_settings.get("ignore_unknown_options")
        given = {word.partition("=")[0] for word in arguments if re.match(r"-{1,2}[a-z]", word)}
        assert passes_on or given <= known, shlex.join(words)


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_code_that_is_shown_runs_and_prints_what_is_shown(page, workplace):
    names = {"__name__": "__main__"}
    for block in RUNS.finditer(text(page)):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(block["code"], f"{page.name}", "exec"), names)
        if block["output"] is not None:
            assert printed.getvalue() == block["output"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", [page for page in PAGES if RUNS_SHELL.search(text(page))], ids=lambda page: page.name
)
def test_the_commands_that_are_shown_run(page, workplace):
    for words in commands(RUNS_SHELL.findall(text(page))):
        done = CliRunner().invoke(main, words)
        assert done.exit_code == 0, (shlex.join(words), done.output)


@pytest.mark.slow
def test_the_words_of_the_glossary_are_used_and_no_others():
    rows = text(ROOT / "docs" / "explanation" / "glossary.md").partition("## Words we do not")[2]
    unwanted = re.findall(r"^\| ([^|]+) \| [^|]+ \|$", rows, re.MULTILINE)[1:]
    found = re.compile(rf"\b(?:{'|'.join(map(re.escape, unwanted))})\b", re.IGNORECASE)
    prose = [page for page in PAGES if page.name not in {"glossary.md", "CHANGELOG.md"}]
    used = {page: re.sub(r"```.*?```|`[^`]*`", "", text(page), flags=re.DOTALL) for page in prose}
    for module in (ROOT / "biomedica_dataset").rglob("*.py"):
        used[module] = "\n".join(
            node.value
            for node in ast.walk(ast.parse(text(module)))
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value
        )

    assert len(unwanted) > 10
    assert {page: found.findall(used[page]) for page in used if found.search(used[page])} == {}


@pytest.mark.parametrize(
    "page", sorted((ROOT / "docs" / "how-to").glob("*.md")), ids=lambda page: page.name
)
def test_a_how_to_says_of_each_block_of_commands_whether_it_is_run(page):
    before = re.findall(r"(.*)\n```(?:sh|console)\n", text(page))
    assert [
        line for line in before if not re.match(r"<!-- (runs|run in|not run: ).*-->", line)
    ] == []


def test_most_of_the_code_that_is_shown_is_run():
    shown, run = defaultdict(int), defaultdict(int)
    for page in PAGES:
        shown[page.name] += text(page).count("```python\n")
        run[page.name] += len(RUNS.findall(text(page)))

    assert sum(run.values()) >= 0.6 * sum(shown.values()), {p: (run[p], shown[p]) for p in shown}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page):
    for target, anchor in LINK.findall(text(page)):
        there = (page.parent / target) if target else page
        assert there.exists(), target
        if anchor and there.suffix == ".md":
            titles = re.findall(r"^#+ (.*)$", text(there), re.MULTILINE)
            slugs = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
            assert anchor[1:] in slugs, f"{target}{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_nothing_of_the_machine_that_it_was_written_on_is_named(page):
    assert not PRIVATE.search(text(page))


def test_every_page_is_in_the_navigation():
    navigation = text(ROOT / "mkdocs.yml").partition("\nnav:")[2]
    for page in (ROOT / "docs").rglob("*.md"):
        path = page.relative_to(ROOT / "docs")
        assert f"{path}\n" in navigation or f"{path.parent}/\n" in navigation, path


@pytest.mark.slow
def test_the_tutorial_runs_and_shows_what_it_showed():
    tutorial = load("run_tutorial")
    shown = tutorial.nbformat.read(tutorial.TUTORIAL, as_version=4)

    assert words_shown(tutorial.executed()) == words_shown(shown)


def words_shown(notebook):
    """Return the texts of the outputs of a notebook, without what depends on the machine.

    Libraries of another version write files of slightly other sizes.
    """
    cells = [cell for cell in notebook.cells if "measured" not in cell.metadata.get("tags", ())]
    outputs = [one for cell in cells for one in cell.get("outputs", ())]
    texts = [one.get("text") or one.data["text/plain"] for one in outputs]
    return [re.sub(r"[\d.]+ MB", "MB", shown) for shown in texts]


@pytest.mark.slow
def test_the_site_is_built_without_a_warning_and_loads_nothing_from_elsewhere(tmp_path):
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"})

    tag = r"<(?:script|img|iframe|link rel=\"stylesheet\")"
    loaded = re.compile(rf"{tag}[^>]+(?:src|href)=\"https?:")
    pages = list(tmp_path.rglob("*.html"))
    assert len(pages) > 90
    assert [page for page in pages if loaded.search(text(page))] == []
    for name in ("select", "open_dataset", "extract"):
        page = text(tmp_path / "reference" / "python" / name / "index.html")
        assert "Parameters" in page, name
        assert "Examples" in page, name


def test_the_readme_is_short_and_the_drawing_of_the_rooms_has_all_of_them():
    drawn = text(ROOT / "docs" / "images" / "rooms.svg")
    rooms = [path.name for path in (ROOT / "biomedica_dataset").iterdir() if any(path.glob("*.py"))]

    assert len(text(ROOT / "README.md").splitlines()) <= 150
    assert [room for room in rooms if f"{room}/" not in drawn] == []


def test_the_two_commands_of_the_readme_are_what_ci_runs():
    first, second = re.findall(
        r"^```sh\n(python3 -m venv [^\n]+)\n```$", text(ROOT / "README.md"), re.MULTILINE
    )
    ci = text(ROOT / ".ci" / "run").splitlines()

    assert first in ci
    assert any(line.startswith(second) for line in ci)


def test_every_reason_of_the_sample_is_explained(sample_archive, sample_dataset):
    """Every word that stands in a report is one that `docs/reference/extract.md` explains."""
    explained = set(re.findall(r"`([\w ]+)`", text(ROOT / "docs" / "reference" / "extract.md")))
    report = json.loads((sample_archive / "report.json").read_bytes())
    manifest = json.loads((sample_dataset / "manifest.json").read_bytes())
    words = [word for thing in ("articles", "figures") for word in report[thing]["dropped"]]
    for word in [*words, *manifest["figures"]]:
        assert set(word.split(": ")) <= explained, word


def test_every_reason_of_the_code_is_explained():
    explained = set(re.findall(r"`([\w ]+)`", text(ROOT / "docs" / "reference" / "extract.md")))
    package = ROOT / "biomedica_dataset"
    code = "".join(map(text, (package / name for name in DROPPING)))
    words = set(re.findall(r'"([a-z]+(?:_[a-z]+)+)"', code))
    reasons = words - set(IMAGE_KINDS) - set(column_names(Pair))

    assert {"no_caption", "no_file", "not_an_image", "license_not_wanted"} <= reasons <= explained
