"""Values as dataclasses: pydantic checks them, and a mistake becomes one line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_origin, get_type_hints

from biomedica_dataset.suggest import nearest

from .failures import reading
from .rules import shown

if TYPE_CHECKING:
    from .folders import Folder

T = TypeVar("T")
_VERSION = re.compile(r"[0-9A-Za-z.]{1,20}")
_LARGEST = 2**28  # bytes of a file of JSON
_WORDS = {"dataclass_type": "a mapping", "dict_type": "a mapping", "tuple_type": "a list"}
_WORDS |= {"dataclass_exact_type": "a mapping", "list_type": "a list"}


def read_json(folder: Folder, name: str, kind: type[T], advice: str) -> T:
    """Return a file of JSON as a type.

    Parameters
    ----------
    advice
        What to do if it cannot be read, as a sentence.

    Raises
    ------
    ArchiveError
        It does not exist, is not JSON, or a value is not what the type allows.
    """
    with reading(folder.path(name), advice):
        return typed(kind, read_small(folder, name))


def read_small(folder: Folder, name: str) -> bytes:
    """Return the content of a file, unless it is larger than any file of JSON.

    Raises
    ------
    ValueError
        It is larger.
    """
    size = folder.size(name)
    if size > _LARGEST:
        msg = f"it has {size:,} bytes, more than the {_LARGEST:,} that are read"
        raise ValueError(msg)
    return folder.read_bytes(name)


def versioned(data: bytes, field: str) -> tuple[Any, dict[str, Any]]:
    """Return the version that JSON names in a field, and the other fields.

    Raises
    ------
    ValueError
        It is not a JSON object with this field.
    """
    from pydantic_core import from_json

    stored = from_json(data, allow_inf_nan=False)
    if not isinstance(stored, dict) or field not in stored:
        msg = f"it has no {field}"
        raise ValueError(msg)
    found = stored.pop(field)
    if not _VERSION.fullmatch(str(found)):
        msg = f"its {field} is {shown(found)}"
        raise ValueError(msg)
    return found, stored


def typed(kind: type[T], text: bytes | str, *where: str, also: Sequence[str] = ()) -> T:
    """Return JSON as a type, strictly: ``"1"`` and ``true`` are not numbers.

    Parameters
    ----------
    where
        Keys that lead to the values, named in errors.
    also
        Keys that the caller has taken out, but suggests in errors.

    Raises
    ------
    ValueError
        It is not JSON, a key is unknown or missing, or a value is of another type or refused by a
        rule or a dataclass.

    Examples
    --------
    >>> typed(dict[str, int], b'{"rows": "1"}')
    Traceback (most recent call last):
        ...
    ValueError: rows must be a valid integer, not '1'
    """
    from pydantic import ValidationError

    try:
        adapter: Any = _adapter  # mypy takes no type for hashable
        made: T = adapter(kind).validate_json(text, strict=True, extra="forbid")
    except ValidationError as error:
        found: Any = error.errors(include_url=False)
        raise ValueError(_mistake(kind, found, where, also)) from error
    return made


@cache
def _adapter(kind: Any) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


def _mistake(
    kind: Any, found: list[dict[str, Any]], where: Sequence[str], also: Sequence[str]
) -> str:
    """Return the first unknown key, since it explains a missing one, or else what is wrong."""
    names = [".".join(map(_named, (*where, *one["loc"]))) for one in found]
    for name, one in zip(names, found, strict=True):
        if one["type"] == "unexpected_keyword_argument":
            *parents, key = one["loc"]
            for parent in parents:
                kind = _inner(kind, parent)
            known = [field.name for field in fields(kind)] if is_dataclass(kind) else []
            return f"there is no key {name}; {nearest(key, [*known, *also])}"
    missing = [name for name, one in zip(names, found, strict=True) if one["type"] == "missing"]
    if missing:
        return f"{', '.join(missing[:5])} must be given"
    first, name = found[0], names[0] or "the file"
    if first["type"] == "json_invalid":
        return f"it is {first['msg'][:1].lower()}{first['msg'][1:]}"
    if first["type"] == "value_error":  # of the dataclass itself
        return str(first["ctx"]["error"])
    _, _, must = first["msg"].partition("Input should be ")
    must = _WORDS.get(first["type"], must)
    if not must:
        return f"{name}: {first['msg']}"
    return f"{name} must be {must}, not {shown(first['input'])}"


def _inner(kind: Any, step: str | int) -> Any:
    """Return the type of a part of a value."""
    part = get_args(kind)
    if get_origin(kind) in (list, tuple, dict):
        return part[1] if get_origin(kind) is dict else part[0]
    return get_type_hints(part[0] if part else kind)[str(step)]


def _named(step: str | int) -> str:
    text = str(step)
    return text if text.isprintable() else shown(text)
