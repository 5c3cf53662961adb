"""Finds whole words, parts and regular expressions in columns of text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from biomedica_dataset.errors import UsageError

_BETWEEN = r"[\s\-\x{2010}-\x{2015}\x{2212}]"  # words are parted by spaces, hyphens and dashes
_UNSPACED = r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]"
_IN_WORD = r"\pL\pM\pN_"


def finder(op: str, text: str) -> Callable[[Any], Any]:
    """Return a function that tells which texts have a word, a part or a match.

    Parameters
    ----------
    op
        ``contains``, ``contains_text`` or ``matches``.

    Raises
    ------
    UsageError
        The text has no word, or is not a regular expression.
    """
    if op in ("contains", "contains_text"):
        composed = unicodedata.normalize("NFC", text)
        match = pc.match_substring if op == "contains_text" else pc.match_substring_regex
        pattern = composed if op == "contains_text" else words(composed)
        find = partial(match, pattern=pattern, ignore_case=True)
        if composed.isascii():
            return find
        return lambda texts: find(pc.utf8_normalize(texts, "NFC"))
    try:  # Arrow compiles with RE2, whose time grows with the length of the text and no faster
        pc.match_substring_regex(pa.array([""]), text)
    except pa.ArrowInvalid as error:
        why = str(error).removeprefix("Invalid regular expression: ")
        msg = f"{text!r} is not a regular expression in the syntax of RE2: {why}"
        raise UsageError(msg) from error
    return partial(pc.match_substring_regex, pattern=text)


def words(text: str) -> str:
    """Return the regular expression of one or more whole words, one after another.

    Between words may be spaces, hyphens or dashes. Scripts that are written without spaces have no
    bounds of words.

    Raises
    ------
    UsageError
        The text has no word.

    Examples
    --------
    >>> found = pc.match_substring_regex(
    ...     pa.array(["masking", "Skin-fold"]), words("skin"), ignore_case=True
    ... )
    >>> found.to_pylist()
    [False, True]
    """
    parts = [part for part in re.split(r"[\s\-\u2010-\u2015\u2212]+", text) if part]
    if not parts:
        msg = f"contains {text!r}: expected a word"
        raise UsageError(msg)
    first, last = parts[0][0], parts[-1][-1]
    before = f"(?:^|[^{_IN_WORD}])" if _is_bounded(first) else ""
    after = f"(?:$|[^{_IN_WORD}])" if _is_bounded(last) else ""
    return f"(?s){before}{(_BETWEEN + '+').join(map(re.escape, parts))}{after}"


def _is_bounded(character: str) -> bool:
    return bool(re.match(r"\w", character)) and not re.match(_UNSPACED, character)
