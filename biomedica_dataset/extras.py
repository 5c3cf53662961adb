"""Loads optional libraries where they are used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from .errors import UsageError

if TYPE_CHECKING:
    from types import ModuleType


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
        msg = (
            f"{error.name} is required but not installed; run "
            f"pip install 'biomedica-dataset[{extra}]'"
        )
        raise UsageError(msg) from error
