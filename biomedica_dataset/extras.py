"""Parts of the package that need more than the core: loaded where they are used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from .errors import UsageError

if TYPE_CHECKING:
    from types import ModuleType


def require(module: str, extra: str) -> ModuleType:
    """Return a module of an optional library, loaded now.

    Parameters
    ----------
    module
        Such as ``torch`` or ``matplotlib.pyplot``.
    extra
        The extra of this package that brings it.

    Raises
    ------
    UsageError
        It is not installed; the message has the line that installs it.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        msg = (
            f"this needs {error.name}, which is not installed: "
            f"pip install 'biomedica-dataset[{extra}]'"
        )
        raise UsageError(msg) from error
