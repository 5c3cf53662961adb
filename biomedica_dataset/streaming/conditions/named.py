"""The conditions on rows that have names of their own: split, licences and concepts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from biomedica_dataset.errors import UsageError
from biomedica_dataset.licenses import LICENSE_GROUPS, license_group, parse_licenses
from biomedica_dataset.suggest import nearest

from .filters import holds_any, mask
from .grammar import Comparison

_CONCEPTS = ("image_primary_label", "image_secondary_label")
ALL = "all"


def in_split(table: pa.Table, split: str | None) -> np.ndarray:
    """Return which rows are in a split; by default in train, or in any if there is none."""
    splits = pc.unique(table["split"]).to_pylist()
    split = split or ("train" if "train" in splits else ALL)
    if split == ALL:
        return np.ones(len(table), dtype=bool)
    if split not in splits:
        msg = f"unknown split {split!r}; choose from {', '.join([*splits, ALL])}"
        raise UsageError(msg)
    return mask(table, Comparison("split", "==", split))


def licenses_of(given: Sequence[str] | str | None) -> list[str] | None:
    """Return the names of licences that are asked for; ``None`` for any.

    Raises
    ------
    UsageError
        There are none.
    """
    names = [given] if isinstance(given, str) else given
    if names is not None and not names:
        msg = "licenses is empty; give at least one licence, or omit the option"
        raise UsageError(msg)
    return None if names is None else list(names)


def under_licenses(table: pa.Table, given: Sequence[str] | str | None) -> np.ndarray:
    """Return which rows are under a licence, named by its group or its code."""
    names = licenses_of(given)
    if names is None:
        return np.ones(len(table), dtype=bool)
    kept = np.zeros(len(table), dtype=bool)
    bare = pc.replace_substring_regex(table["image_license"], r" [0-9.]+$", "")
    for name in names:
        if name in LICENSE_GROUPS:
            kept |= mask(table, Comparison("license_group", "==", name))
            continue
        for code in parse_licenses([name]) or ():
            # A stricter licence of the article, or rights of a third party, may move a row out of
            # the group of its own code.
            kept |= mask(table, Comparison("license_group", "==", license_group(code))) & mask(
                pa.table({"code": bare}), Comparison("code", "==", code)
            )
    return kept


def with_concepts(table: pa.Table, given: Sequence[str] | str | None) -> np.ndarray:
    """Return which rows have one of some concepts."""
    names = [given] if isinstance(given, str) else given
    if names is None:
        return np.ones(len(table), dtype=bool)
    columns = [pc.unique(pc.list_flatten(table[column])) for column in _CONCEPTS]
    known = {name for names in columns for name in names.to_pylist() if name is not None}
    if not known:
        msg = "concepts are given, but no row has a label; filter by captions, or annotate first"
        raise UsageError(msg)
    lower = {name.lower() for name in known}
    for name in names:
        if name.lower() not in lower:
            msg = f"unknown concept {name!r}; {nearest(name, known)}"
            raise UsageError(msg)
    first, second = (holds_any(table[column], names) for column in _CONCEPTS)
    either: np.ndarray = first | second
    return either
