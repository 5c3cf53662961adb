"""Fingerprints of our own code, to recognize output that other code made.

A fingerprint covers the syntax trees of the named modules and of everything they import: a changed
operator changes it, a changed docstring or comment does not.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
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
            ahead += _code(package, name).imports
    return found


def _path(package: Path, module: str) -> Path:
    return package.joinpath(*module.split(".")).with_suffix(".py")


@dataclass(frozen=True, slots=True)
class _Code:
    """What a module does: the digest of its syntax tree, and the modules it imports."""

    digest: str
    imports: tuple[str, ...]


@cache
def _code(package: Path, module: str) -> _Code:
    """Read a module without its docstrings and its code for type checkers."""
    with collector_paused():
        tree = ast.parse(_path(package, module).read_bytes())
        imports: dict[str, None] = {}
        ahead: list[ast.AST] = [tree]
        for node in ahead:  # statements only: expressions import nothing
            body = getattr(node, "body", None)
            if isinstance(body, list):
                node.body = [  # type: ignore[attr-defined]
                    item for item in body if not (_is_text(item) or _is_for_checkers(item))
                ]
            if isinstance(node, ast.ImportFrom):
                imports |= dict.fromkeys(_imported(package, module, node))
            ahead += [one for one in ast.iter_child_nodes(node) if isinstance(one, _STATEMENTS)]
        return _Code(hashlib.sha256(ast.dump(tree).encode()).hexdigest(), tuple(imports))


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


def _imported(package: Path, module: str, node: ast.ImportFrom) -> Iterator[str]:
    base = _base(package, module, node)
    if base is None:
        return
    names = [base] if base else []
    names += [f"{base}.{alias.name}" if base else alias.name for alias in node.names]
    yield from filter(None, (_module(package, name) for name in names))


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
