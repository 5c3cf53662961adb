"""YAML files as frozen dataclasses: pydantic checks them, and a mistake is told in one line."""

from __future__ import annotations

import re
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_type_hints

from biomedica_dataset.errors import UsageError
from biomedica_dataset.extras import require
from biomedica_dataset.suggest import nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")
_NUMBER = re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$")  # 1e-6, a text in YAML 1.1
_IN_YAML = {"dataclass_type": "a mapping", "dict_type": "a mapping", "tuple_type": "a list"}


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
    """Return values as a type, strictly as in JSON: ``"1"`` and ``true`` are not numbers.

    Parameters
    ----------
    where
        Keys that lead to the values, named in errors.
    also
        Keys that the file may have and the caller has taken out.

    Raises
    ------
    UsageError
        A key is unknown or missing, or a value is of another type or refused by the dataclass.
    """
    pydantic = require("pydantic", "clip")
    text = require("pydantic_core", "clip").to_json(values, inf_nan_mode="constants")
    try:
        adapter: Any = _adapter  # mypy takes no type for hashable
        made: T = adapter(kind).validate_json(text, strict=True, extra="forbid")
    except pydantic.ValidationError as error:
        raise UsageError(_mistake(kind, error.errors(), where, also)) from error
    return made


@cache
def _adapter(kind: Any) -> Any:
    return require("pydantic", "clip").TypeAdapter(kind)


def _mistake(
    kind: Any, found: list[dict[str, Any]], where: Sequence[str], also: Sequence[str]
) -> str:
    """Return the first unknown key, since it explains a missing one, or else what is wrong."""
    names = [".".join(map(str, (*where, *one["loc"]))) for one in found]
    for name, one in zip(names, found, strict=True):
        if one["type"] == "unexpected_keyword_argument":
            *parents, key = one["loc"]
            for parent in parents:
                kind = get_type_hints(kind)[parent]
            known = [*(field.name for field in fields(kind)), *also]
            return f"there is no key {name}; {nearest(key, known)}"
    missing = [name for name, one in zip(names, found, strict=True) if one["type"] == "missing"]
    if missing:
        return f"{', '.join(missing)} must be given"
    first, name = found[0], names[0] or "the file"
    if first["type"] == "value_error":  # of the dataclass itself
        return str(first["ctx"]["error"])
    _, _, must = first["msg"].partition("Input should be ")
    must = _IN_YAML.get(first["type"], must)
    return f"{name} must be {must}, not {first['input']!r}" if must else f"{name}: {first['msg']}"
