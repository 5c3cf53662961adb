"""Reports that account for everything seen: kept, or dropped with a reason."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from biomedica_dataset.io.rules import Count  # noqa: TC001 - for pydantic

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


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
