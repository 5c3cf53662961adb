"""Conditions on columns in the syntax of datasets: AND within a list, OR between lists."""

from __future__ import annotations

import contextlib
import json
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from biomedica_dataset.errors import UsageError
from biomedica_dataset.suggest import nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

Condition = tuple[str, str, Any]

_COMPARE: dict[str, Callable[..., Any]] = {
    "=": pc.equal,
    "==": pc.equal,
    "!=": pc.not_equal,
    "<": pc.less,
    "<=": pc.less_equal,
    ">": pc.greater,
    ">=": pc.greater_equal,
}
OPERATORS = (*_COMPARE, "in", "not in", "contains")
"""Operators of datasets, and our ``contains``: part of a text, or an element of a list."""


def conjunctions(filters: Any) -> list[list[Condition]]:
    """Return filters as alternative lists of conditions.

    Raises
    ------
    UsageError
        The filters are not in the form of datasets.
    """
    if isinstance(filters, (list, tuple)) and filters:
        alternatives = [filters] if _is_condition(filters[0]) else filters
        if all(isinstance(group, (list, tuple)) and group for group in alternatives) and all(
            _is_condition(condition) for group in alternatives for condition in group
        ):
            return [[(name, op, value) for name, op, value in group] for group in alternatives]
    msg = (
        f"filters {filters!r} must have the form [(column, operator, value), ...] or be a list "
        f"of such lists; operators are {', '.join(OPERATORS)}"
    )
    raise UsageError(msg)


def columns_of(filters: Any, known: Collection[str]) -> set[str]:
    """Return the columns used in filters.

    Raises
    ------
    UsageError
        A column is unknown.
    """
    if isinstance(filters, pc.Expression):
        return set(re.findall(r"\w+", re.sub(r'"(?:[^"\\]|\\.)*"', "", str(filters)))) & set(known)
    names = {name for group in conjunctions(filters) for name, _op, _value in group}
    for name in sorted(names - set(known)):
        msg = f"unknown column {name!r} in filters; {nearest(name, known)}"
        raise UsageError(msg)
    return names


def mask(table: pa.Table, filters: Any) -> np.ndarray:
    """Return which rows of a table match filters, as bool of shape (rows,).

    Raises
    ------
    UsageError
        A value has the wrong type for its column, or an operator does not exist.
    """
    kept = np.zeros(len(table), dtype=bool)
    if isinstance(filters, pc.Expression):
        numbered = table.append_column("__row", pa.array(np.arange(len(table))))
        try:
            kept[numbered.filter(filters)["__row"].to_numpy()] = True
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, KeyError) as error:
            msg = f"the filter {filters} cannot be used: {str(error).splitlines()[0]}"
            raise UsageError(msg) from error
        return kept
    for group in conjunctions(filters):
        together = np.ones(len(table), dtype=bool)
        for name, op, value in group:
            together &= _holds(table[name], op, value, name)
        kept |= together
    return kept


def holds_any(column: pa.ChunkedArray, values: Collection[str]) -> np.ndarray:
    """Return which lists of a column contain any of some texts, ignoring case."""
    wanted = pa.array([value.lower() for value in values])
    kept, start = np.zeros(len(column), dtype=bool), 0
    for chunk in column.chunks:
        parents = pc.list_parent_indices(chunk).to_numpy(zero_copy_only=False)
        lower = pc.utf8_lower(pc.list_flatten(chunk))
        kept[start + parents[_as_bool(pc.is_in(lower, value_set=wanted))]] = True
        start += len(chunk)
    return kept


def _is_condition(item: Any) -> bool:
    return isinstance(item, (list, tuple)) and len(item) == 3 and isinstance(item[0], str)


def _holds(column: pa.ChunkedArray, op: str, value: Any, name: str) -> np.ndarray:
    is_list = pa.types.is_list(column.type)
    if op not in OPERATORS:
        msg = f"unknown operator {op!r} for {name}; choose from {', '.join(OPERATORS)}"
        raise UsageError(msg)
    if op == "contains" and is_list:
        return holds_any(column, [str(value)])
    if is_list or (op == "contains" and not pa.types.is_string(column.type)):
        advice = "; use 'contains'" if is_list else ""
        msg = f"{op!r} cannot be used on {name} of type {column.type}{advice}"
        raise UsageError(msg)
    try:
        if op == "contains":
            found = pc.match_substring(column, str(value), ignore_case=True)
        elif op in ("in", "not in"):
            found = pc.is_in(column, value_set=pa.array(list(value), type=column.type))
            found = found if op == "in" else pc.invert(found)
        else:
            found = _COMPARE[op](column, pa.scalar(value, type=column.type))
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, TypeError) as error:
        msg = f"{name} of type {column.type} cannot be compared with {value!r} by {op!r}"
        raise UsageError(msg) from error
    return _as_bool(found)


def _as_bool(found: pa.Array | pa.ChunkedArray) -> np.ndarray:
    filled = pc.fill_null(found, False)  # noqa: FBT003 - Arrow's own signature
    if isinstance(filled, pa.ChunkedArray):
        filled = filled.combine_chunks()
    return np.asarray(filled.to_numpy(zero_copy_only=False), dtype=bool)


def parse_condition(text: str) -> Condition:
    """Parse a condition of column, operator and value; lists are written as JSON.

    Raises
    ------
    UsageError
        The text does not have that form.

    Examples
    --------
    >>> parse_condition("article_year >= 2015")
    ('article_year', '>=', 2015)
    >>> parse_condition("caption contains skin lesion")
    ('caption', 'contains', 'skin lesion')
    >>> parse_condition('image_kind in ["figure", "scheme"]')
    ('image_kind', 'in', ['figure', 'scheme'])
    """
    found = re.fullmatch(r"\s*(\w+)\s*([=!<>]+|\s(?:not\s+in|in|contains)\s)\s*(.+?)\s*", text)
    if found is None:
        msg = f"condition {text!r} must have the form 'COLUMN OPERATOR VALUE'"
        raise UsageError(msg)
    name, operator, value = found.groups()
    with contextlib.suppress(ValueError):
        value = json.loads(value)
    return name, " ".join(operator.split()), value
