"""A training read from a YAML file or a shipped recipe."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from biomedica_dataset.clip.yaml_file import checked, read_yaml
from biomedica_dataset.errors import UsageError

from .config import TrainConfig

RECIPES = ("full", "balanced", "filtered", "long")


def load_config(source: str, changes: Mapping[str, Any] | None = None) -> TrainConfig:
    """Return the training of a YAML file or of a shipped recipe, with some keys changed.

    Parameters
    ----------
    source
        A path, or ``full``, ``balanced``, ``filtered`` or ``long``.
    changes
        By dotted name, such as ``data.path``.

    Raises
    ------
    UsageError
        There is no such file, a key is unknown or missing, or a value is of another type.
    """
    values = _read(source)
    for name, value in (changes or {}).items() if isinstance(values, dict) else ():
        *parents, last = name.split(".")
        inner = values
        for parent in parents:
            if not isinstance(inner.get(parent), dict):
                inner[parent] = {}
            inner = inner[parent]
        inner[last] = value
    try:
        return checked(TrainConfig, values)
    except UsageError as error:
        how = "; --set KEY=VALUE gives a recipe what it lacks" if source in RECIPES else ""
        msg = f"{source}: {error}{how if 'must be given' in str(error) else ''}"
        raise UsageError(msg) from error


def _read(source: str) -> Any:
    if source in RECIPES:
        recipes = files("biomedica_dataset.clip").joinpath("recipes")
        with as_file(recipes.joinpath(f"{source}.yaml")) as path:
            return read_yaml(path, typed=True)
    if not Path(source).is_file():
        msg = f"there is no file {source!r}, and the recipes are {', '.join(RECIPES)}"
        raise UsageError(msg)
    return read_yaml(source, typed=True)
