"""The fingerprint of what makes rows and shards changes with their code, and with nothing else."""

from __future__ import annotations

import ast
import json
import shutil
import sys
from pathlib import Path

import pytest

import biomedica_dataset
from biomedica_dataset.engine import fingerprint
from biomedica_dataset.serialization.shard import _CODE as SHARDS

PACKAGE = Path(biomedica_dataset.__file__).parent
ON_THE_WAY = sorted(fingerprint.imported_modules(SHARDS))
OPERATORS = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE,
    ast.GtE: ast.Gt, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
    ast.And: ast.Or, ast.Or: ast.And, ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add,
}  # fmt: skip


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """A copy of this package, in which each test changes one module and puts it back."""
    copy = tmp_path_factory.mktemp("changed") / PACKAGE.name
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


@pytest.fixture(scope="module")
def before(package):
    return taken(package)


@pytest.fixture
def change(package, monkeypatch):
    """What writes another text into a module of the copy, which is then read again."""
    kept, read = {}, fingerprint._code

    def write(module, edit):
        path = package.joinpath(*module.split(".")).with_suffix(".py")
        kept[module] = path, path.read_text(encoding="utf-8")
        path.write_text(edit(kept[module][1]), encoding="utf-8")

    def read_again(folder, module):
        return (read.__wrapped__ if module in kept else read)(folder, module)

    monkeypatch.setattr(fingerprint, "_code", read_again)
    yield write
    for path, text in kept.values():
        path.write_text(text, encoding="utf-8")


def taken(package):
    """Return the fingerprint of shards."""
    fingerprint.code_fingerprint.cache_clear()
    return fingerprint.code_fingerprint(SHARDS, package=package)


def other_operator(text):
    """Return a module with its first operator, constant or function changed."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        holder, name = (node.ops, 0) if isinstance(node, ast.Compare) else (vars(node), "op")
        if isinstance(node, ast.Compare | ast.BoolOp | ast.BinOp) and (
            other := OPERATORS.get(type(holder[name]))
        ):
            holder[name] = other()
            return ast.unparse(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call | ast.Assign | ast.Return | ast.Dict | ast.Tuple):
            for inner in ast.walk(node):
                if isinstance(inner, ast.Constant):
                    inner.value = "another"
                    return ast.unparse(tree)
        if isinstance(node, ast.FunctionDef):
            node.body = [ast.Pass()]
            return ast.unparse(tree)
    pytest.fail("nothing in this module can be changed; it should not be on the way")


def other_words(text):
    """Return a module with another docstring and other comments, and the same code."""
    docstring = ast.get_docstring(ast.parse(text), clean=False)
    return "# Another comment.\n\n" + text.replace(docstring, "Another docstring.", 1) + "\n\n# End"


def test_joins_and_readers_are_on_the_way():
    assert {"joins", "rows", "schema.tables", "jats.text", "pmc.matching", "images.probe"} <= {
        *ON_THE_WAY
    }


@pytest.mark.parametrize("module", ON_THE_WAY)
def test_other_code_is_another_fingerprint(package, before, change, module):
    change(module, other_operator)

    assert taken(package) != before


def test_other_words_are_the_same_fingerprint(package, before, change):
    for module in ON_THE_WAY:
        change(module, other_words)

    assert taken(package) == before


def test_code_off_the_way_is_the_same_fingerprint(package, before, change):
    change("cli.dataset", other_operator)

    assert taken(package) == before


def read_again(package):
    """Return the fingerprint of a module in a process that has read nothing yet."""
    for one in ("code_fingerprint", "_code", "_kept", "_module"):
        getattr(fingerprint, one).cache_clear()
    return fingerprint.code_fingerprint(("first",), package=package)


def test_what_was_read_is_kept_while_the_text_is_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    (tmp_path / "first.py").write_text("from .second import x\n")
    (tmp_path / "second.py").write_text("x = 1\n")
    before = read_again(tmp_path)
    (kept,) = tmp_path.rglob("fingerprints.*.json")
    known = json.loads(kept.read_bytes())

    source = known["modules"]["second"][0]
    known["modules"]["second"] = [source, "made up", []]
    kept.write_text(json.dumps(known))
    assert read_again(tmp_path) != before
    kept.write_text(json.dumps(known | {"rules": "of another version"}))
    assert read_again(tmp_path) == before
    (tmp_path / "second.py").write_text("x = 2\n")
    changed = read_again(tmp_path)
    for damaged in ("{", "null", "[]", "{}"):
        kept.write_text(damaged)
        assert read_again(tmp_path) == changed != before
