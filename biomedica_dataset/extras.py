"""Loads optional libraries where they are used, and says how to install them here."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import shlex
import shutil
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import unquote, urlsplit

from .errors import UsageError

_NAME = "biomedica-dataset"


def require(module: str, extra: str) -> ModuleType:
    """Import a module of an optional library.

    Parameters
    ----------
    module
        Name such as ``torch`` or ``matplotlib.pyplot``.
    extra
        The extra of this package that installs it.

    Raises
    ------
    UsageError
        It is not installed; the message gives the command to install it.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        msg = f"{error.name} is required but not installed; run {install_command(extra)}"
        raise UsageError(msg) from error


def install_command(extras: str) -> str:
    """Return the command that adds extras to this installation, wherever it came from.

    Parameters
    ----------
    extras
        Names of extras, separated by commas.
    """
    return f"{_pip()} install {requirement(extras, _origin())}"


def requirement(extras: str, origin: dict[str, Any] | None) -> str:
    """Return what to tell pip, quoted for a shell.

    Parameters
    ----------
    origin
        The ``direct_url.json`` of the installation; ``None`` if it came from an index.

    Examples
    --------
    >>> requirement("embed", None)
    "'biomedica-dataset[embed]'"
    >>> git = {"url": "https://host/a.git", "vcs_info": {"vcs": "git", "commit_id": "1a2b"}}
    >>> requirement("embed,plots", git)
    "'biomedica-dataset[embed,plots] @ git+https://host/a.git@1a2b'"
    """
    url = (origin or {}).get("url", "")
    path = Path(unquote(urlsplit(url).path)) if url.startswith("file:") else None
    if origin is None or (path is not None and not path.exists()):
        return f"'{_NAME}[{extras}]'"
    if path is not None:
        is_editable = origin.get("dir_info", {}).get("editable", False)
        quoted = shlex.quote(f"{_short(path)}[{extras}]")
        return f"-e {quoted}" if is_editable else quoted
    vcs = origin.get("vcs_info", {})
    if vcs:
        url = f"{vcs['vcs']}+{url}@{vcs['commit_id']}"
    return f"'{_NAME}[{extras}] @ {url}'"


def _origin() -> dict[str, Any] | None:
    """Return where this package was installed from; ``None`` for an index."""
    try:
        text = distribution(_NAME).read_text("direct_url.json")
    except PackageNotFoundError:
        return None
    found: dict[str, Any] | None = json.loads(text) if text else None
    return found


def _short(path: Path) -> str:
    """Return a path as it is shortest from the current folder."""
    here = Path.cwd()
    if path == here:
        return "."
    return f"./{path.relative_to(here)}" if path.is_relative_to(here) else str(path)


def _pip() -> str:
    """Return the pip of this environment."""
    beside = Path(sys.executable).with_name("pip")
    if not beside.exists():
        has_pip = importlib.util.find_spec("pip") is not None
        return f"{shlex.quote(sys.executable)} -m pip" if has_pip else "uv pip"
    found = shutil.which("pip")
    if found is not None and os.path.samefile(found, beside):  # noqa: PTH121 - not resolved
        return "pip"
    return shlex.quote(_short(beside))
