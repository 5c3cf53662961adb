"""Imports flow one way, parsing is pure, heavy parts load late: read from the source itself."""

from __future__ import annotations

import ast
from collections import Counter
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1] / "biomedica_dataset"

# From the lowest to the highest. A module imports from its own room, and from rooms further down.
ROOMS = [
    "errors",
    "licenses keys suggest extras",
    "schema plotting",
    "io",
    "engine",
    "images jats",
    "pmc",
    "archive",
    "pubmed",
    "extraction",
    "documents",
    "rows",
    "annotation",
    "joins",
    "folder",
    "card",
    "serialization",
    "streaming hub",
    "webdataset",
    "subset search",
    "verification builder",
    "registration",
    "clip",
    "sample",
    "__init__",  # the public functions, each loaded when it is used
    "demo",
    "cli",
    "__main__",
]

# The same inside the larger rooms; what is in none of them may be imported by all of its room.
INSIDE = {
    "annotation": [
        "blocks pretrained",
        "block_stage",
        "panels",
        "look text",
        "embeddings",
        "clusters",
        "duplicates",
        "labels",
        "review",
        "panel_review probe",
    ],
    "pubmed": ["rate_limit responses", "client", "search mesh"],
    "streaming": [
        "conditions reading",
        "deduplicate recipes order",
        "runs choice in_order",
        "documents",
        "dataset",
    ],
    "clip": ["models", "train", "evaluate", "overlap"],
    "jats": [
        "limits tree scripts",
        "parse citations formula escapes lists dates panels",
        "text records",
        "metadata rights",
        "figures body",
        "mentions",
        "reader",
    ],
    "io": ["failures async_runner", "partial objects", "folders", "spool"],
}
MOST_AT_THE_TOP, MOST_IN_A_ROOM = 14, 16

# What the reader may import: none of it touches disk or network.
PURE = {
    "__future__",
    "bisect",
    "codecs",
    "collections",
    "contextlib",
    "dataclasses",
    "datetime",
    "functools",
    "html",
    "itertools",
    "lxml",
    "re",
    "string",
    "typing",
    "unicodedata",
    "urllib",
}
PURE_ROOMS = {"errors", "keys", "licenses", "jats"}

HEAVY_NOWHERE = {
    "matplotlib",
    "open_clip",
    "ray",
    "sklearn",
    "starlette",
    "tantivy",
    "torch",
    "torchvision",
    "transformers",
    "uvicorn",
}
LONG = 300  # lines of a file


@cache
def modules() -> list[str]:
    """Return the modules of the package by their path inside it, such as ``jats.text``."""
    paths = (path.relative_to(ROOT).with_suffix("") for path in sorted(ROOT.rglob("*.py")))
    return [".".join(path.parts) for path in paths]


def source(module: str) -> str:
    return ROOT.joinpath(*module.split(".")).with_suffix(".py").read_text(encoding="utf-8")


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(source(module))


def room(module: str) -> str:
    return module.partition(".")[0]


def imports(module: str, *, at_import: bool = False) -> Iterator[str]:
    """Yield what a module imports: ``numpy.linalg``, or ``.jats.text`` of the package itself.

    Parameters
    ----------
    at_import
        Only what is imported together with the module: not in functions, not for type checkers.
    """
    package = [ROOT.name, *module.split(".")[:-1]]
    for node in _at_import(tree(module)) if at_import else ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            yield from (_named(alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            where = ".".join([*base, *filter(None, [node.module])])
            for alias in node.names:
                inner = _named(f"{where}.{alias.name}")
                yield inner if inner[1:] in modules() else _named(where)


def _named(name: str) -> str:
    top, _, rest = name.partition(".")
    if top != ROOT.name:
        return name
    return f".{rest}" if rest in modules() else f".{rest}.__init__".replace("..", ".")


def _at_import(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        checking = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test)
        if not checking and not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield child
            yield from _at_import(child)


def own_imports(module: str, *, at_import: bool = False) -> set[str]:
    """Return the modules of the package that a module imports."""
    found = imports(module, at_import=at_import)
    return {name[1:] for name in found if name.startswith(".")}


def heights(floors: list[str]) -> dict[str, int]:
    return {name: height for height, names in enumerate(floors) for name in names.split()}


def test_every_room_has_its_floor():
    assert {room(module) for module in modules()} == set(heights(ROOMS))


def test_a_module_imports_from_its_own_room_and_from_rooms_further_down():
    height = heights(ROOMS)
    above = {
        (module, name)
        for module in modules()
        for name in own_imports(module)
        if room(name) != room(module) and height[room(name)] >= height[room(module)]
    }

    assert not above


@pytest.mark.parametrize("name", INSIDE)
def test_the_larger_rooms_have_floors_too(name):
    height = heights(INSIDE[name])
    for module in (m for m in modules() if room(m) == name):
        part = module.split(".")[1]
        for other in (o for o in own_imports(module) if room(o) == name):
            below = other.split(".")[1]
            if part in height and below in height and part != below:
                assert height[below] < height[part], f"{module} may not import {other}"


def test_no_import_goes_in_a_circle():
    """Every import counts: those in functions and those for type checkers too."""
    graph = {module: own_imports(module) for module in modules()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_a_room_holds_what_a_stranger_can_take_in():
    held = Counter(module.rpartition(".")[0] for module in modules() if "__init__" not in module)
    top = list(ROOT.glob("*.py"))

    assert len(top) <= MOST_AT_THE_TOP, sorted(path.name for path in top)
    assert not {name: n for name, n in held.items() if n > MOST_IN_A_ROOM}


@pytest.mark.parametrize("module", [m for m in modules() if room(m) in PURE_ROOMS])
def test_the_reader_and_what_it_stands_on_touch_neither_disk_nor_network(module):
    foreign = {name.split(".")[0] for name in imports(module) if not name.startswith(".")}
    calls = {
        node.func.id
        for node in ast.walk(tree(module))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }

    assert foreign <= PURE
    assert "urllib.request" not in imports(module)
    assert {room(name) for name in own_imports(module)} <= PURE_ROOMS
    assert not calls & {"open", "__import__", "exec", "eval", "input"}


def test_heavy_parts_are_imported_where_they_are_used():
    for module in modules():
        heavy = {name.split(".")[0] for name in imports(module, at_import=True)}

        assert not heavy & HEAVY_NOWHERE, module


@pytest.mark.parametrize(
    "module",
    ["__init__", "__main__", "cli.__init__", "demo", "errors", "registration", "schema.__init__"],
)
def test_the_face_of_the_package_loads_nothing_heavy(module):
    """What is imported together with the command, followed through the package."""
    seen, ahead, foreign = set(), [module], set()
    while ahead:
        seen.add(ahead[-1])
        names = set(imports(ahead.pop(), at_import=True))
        foreign |= {name.partition(".")[0] for name in names if not name.startswith(".")}
        ahead += {name[1:] for name in names if name.startswith(".")} - seen

    assert not foreign & {
        "datasets",
        "huggingface_hub",
        "lxml",
        "numpy",
        "obstore",
        "PIL",
        "pyarrow",
        "tqdm",
    }


def test_nothing_is_caught_blindly_and_nothing_printed():
    for module, node in ((name, node) for name in modules() for node in ast.walk(tree(name))):
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None, f"bare except in {module}, line {node.lineno}"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id != "print", f"print in {module}, line {node.lineno}"


def test_a_room_is_named_by_its_purpose():
    vague = {"util", "utils", "helper", "helpers", "common", "misc", "tools"}

    assert not vague & {part for module in modules() for part in module.split(".")}


def test_files_are_short():
    lines = {module: source(module).count("\n") for module in modules()}

    assert not {module: n for module, n in lines.items() if n > LONG}


def test_every_module_says_what_it_is_for():
    assert all(ast.get_docstring(tree(module)) for module in modules() if source(module).strip())
