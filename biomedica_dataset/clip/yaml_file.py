"""YAML files as frozen dataclasses."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from biomedica_dataset.errors import UsageError
from biomedica_dataset.extras import require
from biomedica_dataset.io.typed import typed

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")
_NUMBER = re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$")  # 1e-6, a text in YAML 1.1


def read_yaml(path: str | Path, *, typed: bool) -> Any:
    """Return what a file says; see `parse_yaml`."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror}"
        raise UsageError(msg) from error
    return parse_yaml(data, str(path), typed=typed)


def parse_yaml(data: bytes | str, source: str, *, typed: bool) -> Any:
    """Return what YAML says, and refuse what is not YAML.

    Parameters
    ----------
    source
        Named in errors.
    typed
        Whether ``no`` is false and ``007`` a number; otherwise both are texts, and none is blank.

    Examples
    --------
    >>> parse_yaml("[1e-6, no]", "x", typed=True), parse_yaml("[1e-6, no]", "x", typed=False)
    ([1e-06, False], ['1e-6', 'no'])
    """
    yaml = require("yaml", "clip")

    class Typed(yaml.SafeLoader):  # type: ignore[misc, name-defined]
        pass

    class Texts(yaml.BaseLoader):  # type: ignore[misc, name-defined]
        def construct_scalar(self, node: Any) -> Any:
            if not node.value.strip():
                raise yaml.MarkedYAMLError(None, None, "a value is missing", node.start_mark)
            return super().construct_scalar(node)

    Typed.add_implicit_resolver("tag:yaml.org,2002:float", _NUMBER, list("-+0123456789"))
    try:
        return yaml.load(data, Loader=Typed if typed else Texts)
    except yaml.YAMLError as error:
        msg = f"{source} is not valid YAML: {' '.join(str(error).split())}"
        raise UsageError(msg) from error


def checked(kind: type[T], values: Any, *where: str, also: Sequence[str] = ()) -> T:
    """Return values as a type; see `typed`, which tells mistakes.

    Raises
    ------
    UsageError
        A key is unknown or missing, or a value is of another type or refused by the dataclass.
    """
    from pydantic_core import to_json

    try:
        return typed(kind, to_json(values, inf_nan_mode="constants"), *where, also=also)
    except ValueError as error:
        raise UsageError(str(error)) from error
