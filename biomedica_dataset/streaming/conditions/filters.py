"""Conditions on columns: in words, in the syntax of datasets, or as an expression of Arrow.

A comparison with null is neither true nor false, as in SQL: such a row is chosen neither by a
condition nor by its opposite, only by ``is null``. ``image_panel_count`` is a count: where the
caption names no panel it is null, and compares as 0.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from functools import reduce
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from biomedica_dataset.errors import UsageError
from biomedica_dataset.licenses import LICENSE_GROUPS
from biomedica_dataset.schema import IMAGE_KINDS
from biomedica_dataset.suggest import nearest

from .grammar import (
    OPERATORS,
    TEXT_OPERATORS,
    Comparison,
    Condition,
    Junction,
    Not,
    comparisons,
    joined,
    parse,
)
from .text_search import finder

_COMPARE: dict[str, Callable[..., Any]] = {
    "=": pc.equal,
    "==": pc.equal,
    "!=": pc.not_equal,
    "<": pc.less,
    "<=": pc.less_equal,
    ">": pc.greater,
    ">=": pc.greater_equal,
}
_COUNTS = ("image_panel_count",)
_VALUES = {"image_kind": IMAGE_KINDS, "license_group": LICENSE_GROUPS}
_NAMED = ("=", "==", "!=", "in", "not in")  # operators whose values are names
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_WRONG = (
    pa.ArrowInvalid,
    pa.ArrowTypeError,
    pa.ArrowNotImplementedError,
    TypeError,
    KeyError,
    OverflowError,
)


def parse_filters(filters: Any) -> Condition | pc.Expression:
    """Return filters of any form as one condition; an expression of Arrow stays as it is.

    Raises
    ------
    UsageError
        The filters have none of the forms.

    Examples
    --------
    >>> print(parse_filters([("article_year", ">=", 2015), ("caption", "contains", "skin")]))
    (article_year >= 2015) and (caption contains 'skin')
    """
    if isinstance(filters, pc.Expression | Condition):
        return filters
    if isinstance(filters, str):
        return parse(filters)
    if isinstance(filters, (list, tuple)) and filters:
        alternatives = [filters] if _is_test(filters[0]) else filters
        if all(isinstance(group, (list, tuple)) and group for group in alternatives) and all(
            _is_test(test) for group in alternatives for test in group
        ):
            return joined("or", [joined("and", [*map(_test, group)]) for group in alternatives])
    msg = (
        f"filters {filters!r} must have the form [(column, operator, value), ...], be a list "
        "of such lists, or a text such as 'article_year >= 2015 and caption contains skin'; "
        f"operators are {', '.join(OPERATORS)}"
    )
    raise UsageError(msg)


def _is_test(item: Any) -> bool:
    """Whether an item is a column and an operator, and a value if the operator takes one."""
    return (
        isinstance(item, (list, tuple))
        and len(item) in (2, 3)
        and all(isinstance(part, str) for part in item[:2])
    )


def _test(item: Any) -> Condition:
    column, operator, value = (*item, None)[:3]
    return Comparison(column, " ".join(operator.lower().split()), value)


def columns_of(condition: Condition | pc.Expression, known: Collection[str]) -> set[str]:
    """Return the columns used in a condition, and check names.

    Raises
    ------
    UsageError
        A column, an operator, a kind of image or a licence group is unknown.
    """
    if isinstance(condition, pc.Expression):
        text = re.sub(r'"(?:[^"\\]|\\.)*"', "", str(condition))
        return set(re.findall(r"[\w.]+", text)) & set(known)
    for test in comparisons(condition):
        if test.column not in known:
            msg = f"unknown column {test.column!r} in filters; {nearest(test.column, known)}"
            raise UsageError(msg)
        if test.operator not in OPERATORS:
            hint = nearest(test.operator, OPERATORS)
            msg = f"unknown operator {test.operator!r} for {test.column}; {hint}"
            raise UsageError(msg)
        for value in _names(test):
            if value not in _VALUES.get(test.column, (value,)):
                hint = nearest(value, _VALUES[test.column])
                msg = f"unknown {test.column} {value!r}; {hint}"
                raise UsageError(msg)
    return {test.column for test in comparisons(condition)}


def _names(test: Comparison) -> list[str]:
    """Return the values of a test that are names in full."""
    if test.operator not in _NAMED:
        return []
    values = test.value if isinstance(test.value, (list, tuple, set, frozenset)) else [test.value]
    return [value for value in values if isinstance(value, str)]


def unknown_values(condition: Condition | pc.Expression, table: pa.Table) -> str:
    """Return which names in a condition no row of a table has, with the nearest that one has."""
    if isinstance(condition, pc.Expression):
        return ""
    hints = []
    for test in comparisons(condition):
        if test.column in table.column_names and pa.types.is_string(table[test.column].type):
            known = [name for name in pc.unique(table[test.column]).to_pylist() if name is not None]
            unknown = [name for name in _names(test) if name not in known]
            hints += [f"{test.column} has no {name!r}: {nearest(name, known)}" for name in unknown]
    return "; ".join(hints)


def mask(table: pa.Table, condition: Condition | pc.Expression) -> np.ndarray:
    """Return which rows of a table match a condition, as bool of shape (rows,).

    Raises
    ------
    UsageError
        A value has the wrong type for its column.
    """
    if not isinstance(condition, pc.Expression):
        return _as_bool(_holds(table, condition))
    kept = np.zeros(len(table), dtype=bool)
    numbered = table.append_column("__row", pa.array(np.arange(len(table))))
    try:
        kept[numbered.filter(condition)["__row"].to_numpy()] = True
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, KeyError) as error:
        msg = f"the filter {condition} cannot be used: {str(error).splitlines()[0]}"
        raise UsageError(msg) from error
    return kept


def _holds(table: pa.Table, condition: Condition) -> Any:
    """Return whether a condition is true, false, or null."""
    if isinstance(condition, Not):
        return pc.invert(_holds(table, condition.part))
    if isinstance(condition, Junction):
        together = pc.and_kleene if condition.word == "and" else pc.or_kleene
        return reduce(together, (_holds(table, part) for part in condition.parts))
    column = table[condition.column]
    if condition.operator in ("is null", "is not null"):
        return pc.is_null(column) if condition.operator == "is null" else pc.is_valid(column)
    if condition.column in _COUNTS:
        column = pc.fill_null(column, 0)
    try:
        return _tested(column, condition)
    except _WRONG as error:
        msg = (
            f"{condition.column} of type {column.type} cannot be compared with "
            f"{condition.value!r} by {condition.operator!r}"
        )
        raise UsageError(msg) from error


def _tested(column: pa.ChunkedArray, test: Comparison) -> Any:
    name, op, value = test.column, test.operator, test.value
    is_list = pa.types.is_list(column.type)
    if op in TEXT_OPERATORS:
        if not pa.types.is_string(column.type.value_type if is_list else column.type):
            msg = f"{op!r} cannot be used on {name} of type {column.type}, which is not text"
            raise UsageError(msg)
        found = finder(op, str(value))
        return _of_any(column, found) if is_list else found(column)
    if is_list:
        msg = f"{op!r} cannot be used on {name} of type {column.type}; use 'contains'"
        raise UsageError(msg)
    if value is None:
        msg = f"{name} {op} null is never true; use 'is null' or 'is not null'"
        raise UsageError(msg)
    if op not in ("in", "not in"):
        return _COMPARE[op](column, pa.scalar(_typed(value, column.type)))
    if not isinstance(value, (list, tuple, set, frozenset)):
        msg = f"{name} {op} {value!r}: expected a list of values"
        raise UsageError(msg)
    values = pa.array([_typed(one, column.type) for one in value], type=column.type)
    found_any = pc.if_else(pc.is_valid(column), pc.is_in(column, value_set=values), None)
    return found_any if op == "in" else pc.invert(found_any)


def _typed(value: Any, of: pa.DataType) -> Any:
    """Return the number or truth value that a text of the command line stands for.

    A number of few digits is that of a column with as few: 0.7 in 32 bits is below that in 64.
    """
    if pa.types.is_floating(of) and (not isinstance(value, str) or _NUMBER.fullmatch(value)):
        return pa.scalar(float(value), of).as_py()
    if isinstance(value, str) and pa.types.is_integer(of) and _NUMBER.fullmatch(value):
        return int(value) if re.fullmatch(r"[-+]?\d+", value) else float(value)
    if isinstance(value, str) and pa.types.is_boolean(of):
        return {"true": True, "false": False}[value.lower()]
    if isinstance(value, str) != pa.types.is_string(of):
        raise TypeError
    return value


def holds_any(column: pa.ChunkedArray, values: Collection[str]) -> np.ndarray:
    """Return which lists of a column have any of some texts as an element, ignoring case."""
    wanted = pa.array([value.lower() for value in values])
    return _as_bool(_of_any(column, lambda texts: pc.is_in(pc.utf8_lower(texts), value_set=wanted)))


def _of_any(column: pa.ChunkedArray, test: Callable[[Any], Any]) -> pa.ChunkedArray:
    """Return which lists have an element that passes; null for a list that is null."""
    chunks = []
    for chunk in column.chunks:
        found = np.zeros(len(chunk), dtype=bool)
        parents = pc.list_parent_indices(chunk).to_numpy(zero_copy_only=False)
        found[parents[_as_bool(test(pc.list_flatten(chunk)))]] = True
        chunks.append(pa.array(found, mask=~_as_bool(pc.is_valid(chunk))))
    return pa.chunked_array(chunks, type=pa.bool_())


def _as_bool(found: pa.Array | pa.ChunkedArray) -> np.ndarray:
    filled = pc.fill_null(found, False)  # noqa: FBT003 - Arrow's own signature
    if isinstance(filled, pa.ChunkedArray):
        filled = filled.combine_chunks()
    return np.asarray(filled.to_numpy(zero_copy_only=False), dtype=bool)
