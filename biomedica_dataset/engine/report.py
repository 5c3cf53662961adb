"""Reports that account for everything seen: kept, or dropped with a reason."""

from __future__ import annotations

import html
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from biomedica_dataset.io.rules import Count  # noqa: TC001 - for pydantic


class Shown:
    """A value that a session and a notebook show as its text."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Return the text, with the name of the class."""
        return f"<{type(self).__name__}: {self}>"

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"


def as_json(report: Any) -> str:
    """Return the fields of a report as JSON; tables are counted.

    Examples
    --------
    >>> as_json(Tally(seen=1, kept=1, dropped={}))
    '{"seen": 1, "kept": 1, "dropped": {}}'
    """
    return json.dumps(_plain(report), ensure_ascii=False)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(one) for one in value]
    if hasattr(value, "num_rows"):
        return {"rows": value.num_rows}
    return value if isinstance(value, (str, int, float, type(None))) else str(value)


def total(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Return the sum of counts by word, the largest first.

    Examples
    --------
    >>> total([{"kept": 1}, {"kept": 2, "corrupt: MD5": 4}])
    {'corrupt: MD5': 4, 'kept': 3}
    """
    summed: Counter[str] = Counter()
    for one in counts:
        summed.update(one)
    return dict(sorted(summed.items(), key=lambda item: (-item[1], item[0])))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Counts of one kind of item.

    Parameters
    ----------
    dropped
        By reason.
    """

    seen: Count
    kept: Count
    dropped: dict[str, Count]

    @classmethod
    def of(cls, counts: Mapping[str, int]) -> Tally:
        """Return the tally of counts by word; the word ``kept`` counts what was kept.

        Examples
        --------
        >>> Tally.of({"kept": 3, "no_caption": 1})
        Tally(seen=4, kept=3, dropped={'no_caption': 1})
        """
        dropped = {word: n for word, n in counts.items() if word != "kept"}
        return cls(seen=sum(counts.values()), kept=counts.get("kept", 0), dropped=dropped)

    def lines(self, what: str) -> list[str]:
        """Return the tally in words, as lines."""
        lines = [
            f"{what}: {self.seen:,} seen = {self.kept:,} kept + {self.seen - self.kept:,} dropped"
        ]
        return lines + aligned(self.dropped)


def aligned(counts: Mapping[str, int]) -> list[str]:
    """Return counts by word as lines, the numbers aligned to the right."""
    width = max((len(f"{n:,}") for n in counts.values()), default=0)
    return [f"  {n:>{width},}  {word}" for word, n in counts.items()]


def part_message(done: int, left: int, units: str) -> str:
    """Return the message of a part that ends while other parts are not done.

    Examples
    --------
    >>> part_message(12, 3, "blocks")
    'this part is done, 12 blocks written; 3 blocks of other parts are not done yet'
    """
    return (
        f"this part is done, {done:,} {units} written; {left:,} {units} of other parts are not "
        "done yet"
    )
