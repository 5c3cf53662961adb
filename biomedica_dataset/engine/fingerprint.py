"""Fingerprints of our own code, to recognize output that other code made.

A fingerprint covers the syntax trees of the named modules and of everything they import: a changed
operator changes it, a changed docstring or comment does not. To read them takes a quarter of a
second, so what was read of a module is kept where Python keeps its compiled code.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import json
import os
import sys
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.util import cache_from_source
from pathlib import Path

from .collector import collector_paused

_PACKAGE = Path(__file__).parents[1]
_STATEMENTS = (ast.stmt, ast.ExceptHandler, ast.match_case)


def digest_of(*parts: object) -> str:
    """Return the SHA-256 of what values print as.

    Examples
    --------
    >>> digest_of("a", 1)[:8]
    '391d545b'
    """
    return hashlib.sha256(repr(parts).encode()).hexdigest()


@cache
def code_fingerprint(
    modules: tuple[str, ...], libraries: tuple[str, ...] = (), package: Path = _PACKAGE
) -> str:
    """Return the fingerprint of modules and of everything they import from this package.

    Imports for type checkers only are not followed.

    Parameters
    ----------
    modules
        Dotted names below the package, such as ``pmc.matching``.
    libraries
        Distributions whose versions are part of the fingerprint.
    package
        Folder of the package; this one by default.

    Examples
    --------
    >>> code_fingerprint(("keys",)) == code_fingerprint(("keys",))
    True
    >>> code_fingerprint(("keys",)) == code_fingerprint(("keys",), ("lxml",))
    False
    """
    digest = hashlib.sha256()
    for name in sorted(imported_modules(modules, package)):
        digest.update(f"{name} {_code(package, name).digest}\n".encode())
    for library in libraries:
        digest.update(f"{library} {version(library)}\n".encode())
    _kept(package).save()
    return digest.hexdigest()


def imported_modules(modules: tuple[str, ...], package: Path = _PACKAGE) -> set[str]:
    """Return modules and everything they import from the package, directly or indirectly.

    Examples
    --------
    >>> sorted(imported_modules(("licenses",)))
    ['errors', 'licenses']
    """
    found: set[str] = set()
    ahead = list(modules)
    while ahead:
        name = ahead.pop()
        if name not in found:
            found.add(name)
            ahead += filter(None, (_module(package, one) for one in _code(package, name).names))
    return found


def _path(package: Path, module: str) -> Path:
    return package.joinpath(*module.split(".")).with_suffix(".py")


@dataclass(frozen=True, slots=True)
class _Code:
    """What a module does: the digest of its syntax tree, and what it imports of the package.

    Parameters
    ----------
    source
        SHA-256 of its text.
    names
        Modules, and what may be modules or names in them.
    """

    source: str
    digest: str
    names: list[str]


class _Kept:
    """What was read of the modules of a package."""

    def __init__(self, package: Path) -> None:
        compiled = Path(cache_from_source(str(package / "__init__.py")))
        self._path = compiled.with_name(f"fingerprints.{sys.implementation.cache_tag}.json")
        self._known: dict[str, tuple[str, str, list[str]]] = {}
        self._is_new = False
        # What was read by other rules, or by another Python, is not what would be read now.
        own = Path(__file__).read_bytes() + sys.version.encode()
        self._rules = hashlib.sha256(own).hexdigest()
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            kept = json.loads(self._path.read_bytes())
            if kept["rules"] == self._rules:
                self._known = kept["modules"]

    def get(self, module: str, source: str) -> _Code | None:
        """Return what was read of a module, if its text was the same."""
        known = self._known.get(module)
        return _Code(*known) if known and known[0] == source else None

    def add(self, module: str, code: _Code) -> None:
        """Keep what was read of a module."""
        self._known[module], self._is_new = (code.source, code.digest, code.names), True

    def save(self) -> None:
        """Write what is new, where Python may write compiled code."""
        if self._is_new and not sys.dont_write_bytecode:
            with contextlib.suppress(OSError):
                self._path.parent.mkdir(parents=True, exist_ok=True)
                partial = self._path.with_suffix(f".{os.getpid()}")
                partial.write_text(json.dumps({"rules": self._rules, "modules": self._known}))
                partial.replace(self._path)
            self._is_new = False


_kept = cache(_Kept)


@cache
def _code(package: Path, module: str) -> _Code:
    text = _path(package, module).read_bytes()
    source = hashlib.sha256(text).hexdigest()
    code = _kept(package).get(module, source)
    if code is None:
        code = _Code(source, *_read(package, module, text))
        _kept(package).add(module, code)
    return code


def _read(package: Path, module: str, text: bytes) -> tuple[str, list[str]]:
    """Return digest and names of a module without its docstrings and its code for type checkers."""
    with collector_paused():
        tree = ast.parse(text)
        names: dict[str, None] = {}
        ahead: list[ast.AST] = [tree]
        for node in ahead:  # statements only: expressions import nothing
            body = getattr(node, "body", None)
            if isinstance(body, list):
                node.body = [  # type: ignore[attr-defined]
                    item for item in body if not (_is_text(item) or _is_for_checkers(item))
                ]
            if isinstance(node, ast.ImportFrom):
                names |= dict.fromkeys(_imported(package, module, node))
            ahead += [one for one in ast.iter_child_nodes(node) if isinstance(one, _STATEMENTS)]
        return hashlib.sha256(ast.dump(tree).encode()).hexdigest(), list(names)


def _is_text(node: ast.AST) -> bool:
    """Whether a statement is only a string: a docstring, or the description of a constant."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _is_for_checkers(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.If)
        and isinstance(node.test, ast.Name)
        and node.test.id == "TYPE_CHECKING"
    )


def _imported(package: Path, module: str, node: ast.ImportFrom) -> list[str]:
    base = _base(package, module, node)
    if base is None:
        return []
    names = [f"{base}.{alias.name}" if base else alias.name for alias in node.names]
    return [base, *names] if base else names


@cache
def _module(package: Path, name: str) -> str | None:
    """Return the module of a name, or that of a room itself if it has more than its docstring."""
    if _path(package, name).exists():
        return name
    room = f"{name}.__init__"
    path = _path(package, room)
    return room if path.exists() and len(ast.parse(path.read_bytes()).body) > 1 else None


def _base(package: Path, module: str, node: ast.ImportFrom) -> str | None:
    """Return the module an import names, relative to the package; ``None`` outside it."""
    if node.level:
        parents = module.split(".")[: -node.level]
        return ".".join([*parents, *filter(None, [node.module])])
    top, _, rest = (node.module or "").partition(".")
    return rest if top == package.name else None
