"""A training read from a YAML file or a shipped recipe, every key of it known."""

from __future__ import annotations

import types
from dataclasses import MISSING, fields, is_dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_origin, get_type_hints

from biomedica_dataset.errors import UsageError
from biomedica_dataset.extras import require
from biomedica_dataset.suggest import nearest

from .config import TrainConfig

if TYPE_CHECKING:
    from collections.abc import Mapping

RECIPES = ("full", "balanced", "filtered")
_KINDS = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}


def load_config(source: str, changes: Mapping[str, Any] | None = None) -> TrainConfig:
    """Return the training of a YAML file or of a shipped recipe, with some keys changed.

    Parameters
    ----------
    source
        A path, or ``full``, ``balanced`` or ``filtered``.
    changes
        By dotted name, such as ``data.path``.

    Raises
    ------
    UsageError
        There is no such file, a key is unknown or missing, or a value is of another type.
    """
    values = read_yaml(_text(source), source)
    for name, value in (changes or {}).items():
        *parents, last = name.split(".")
        inner = values
        for parent in parents:
            inner = inner.setdefault(parent, {}) if isinstance(inner, dict) else None
        if not isinstance(inner, dict):
            msg = f"there is no key {name}: {source} has no mapping at {'.'.join(parents) or name}"
            raise UsageError(msg)
        inner[last] = value
    config: TrainConfig = _parsed(values, TrainConfig, "")
    return config


def read_yaml(text: str, source: str) -> Any:
    """Return what YAML says.

    Raises
    ------
    UsageError
        It is none.
    """
    yaml = require("yaml", "clip")
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        msg = f"{source} is no YAML: {' '.join(str(error).split())}"
        raise UsageError(msg) from error


def _text(source: str) -> str:
    if source in RECIPES:
        return files("biomedica_dataset.clip").joinpath("recipes", f"{source}.yaml").read_text()
    if not Path(source).is_file():
        msg = f"there is no file {source!r}, and the recipes are {', '.join(RECIPES)}"
        raise UsageError(msg)
    try:
        return Path(source).read_text(encoding="utf-8")
    except (UnicodeDecodeError, OSError) as error:
        msg = f"{source} cannot be read as text: {error}"
        raise UsageError(msg) from error


def _parsed(values: Any, kind: Any, where: str) -> Any:
    """Return a dataclass from a mapping."""
    if not isinstance(values, dict):
        msg = f"{where.rstrip('.') or 'the configuration'} is {values!r}; a mapping was expected"
        raise UsageError(msg)
    hints = get_type_hints(kind)
    unknown = [name for name in values if name not in hints]
    if unknown:
        msg = f"there is no key {where}{unknown[0]}; {nearest(str(unknown[0]), list(hints))}"
        raise UsageError(msg)
    lacking = [
        where + f.name
        for f in fields(kind)
        if f.name not in values and f.default is MISSING and f.default_factory is MISSING
    ]
    if lacking:
        msg = f"{', '.join(lacking)} must be given, in the file or with --set"
        raise UsageError(msg)
    return kind(**{n: _value(v, hints[n], f"{where}{n}") for n, v in values.items()})


def _value(value: Any, hint: Any, where: str) -> Any:
    """Return a value as its type; whole numbers are numbers, and YAML reads 1e-6 as text."""
    if hint is Any or (value is None and types.NoneType in get_args(hint)):
        return value
    if is_dataclass(hint):
        return _parsed(value, hint, f"{where}.")
    if get_origin(hint) is tuple:
        if not isinstance(value, list | tuple) or len(value) != len(get_args(hint)):
            msg = f"{where} is {value!r}; {len(get_args(hint))} numbers were expected"
            raise UsageError(msg)
        return tuple(_value(v, h, where) for v, h in zip(value, get_args(hint), strict=True))
    wanted = next((h for h in get_args(hint) if h is not types.NoneType), hint)
    if wanted is float and not isinstance(value, bool):
        try:
            return float(value)
        except (TypeError, ValueError):
            value = str(value)
    if type(value) is not wanted:
        msg = f"{where} is {value!r}; {_KINDS[wanted]} was expected"
        raise UsageError(msg)
    return value
