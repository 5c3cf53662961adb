"""Reports in which everything seen is kept or dropped by a reason."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

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
    """What was seen of one kind of thing.

    Parameters
    ----------
    dropped
        By reason.
    """

    seen: int
    kept: int
    dropped: dict[str, int]

    @classmethod
    def of(cls, counts: Mapping[str, int]) -> Tally:
        """Return the tally of counts by word, of which one is ``kept``.

        Examples
        --------
        >>> Tally.of({"kept": 3, "no_caption": 1})
        Tally(seen=4, kept=3, dropped={'no_caption': 1})
        """
        dropped = {word: n for word, n in counts.items() if word != "kept"}
        return cls(seen=sum(counts.values()), kept=counts.get("kept", 0), dropped=dropped)

    def lines(self, what: str) -> list[str]:
        """Return the tally in words, a line each."""
        lines = [
            f"{what}: {self.seen:,} seen = {self.kept:,} kept + {self.seen - self.kept:,} dropped"
        ]
        return lines + _aligned(self.dropped)


def _aligned(counts: Mapping[str, int]) -> list[str]:
    width = max((len(f"{n:,}") for n in counts.values()), default=0)
    return [f"  {n:>{width},}  {word}" for word, n in counts.items()]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractReport:
    """What an archive holds after a run, summed from its ledgers.

    Parameters
    ----------
    blocks, blocks_done, blocks_failed
        Valid blocks, those written by this run, and those that could not be written, with the
        reason.
    blocks_left
        Those of other parts of the run that are not done.
    changes
        Article versions that this run found other than they were, by kind.
    articles, figures
        Article versions and graphics by status and reason.
    newer
        Metadata newer than the inventory says.
    not_listed
        Articles asked for that the source does not have.
    """

    source: str
    selection: str
    inventory: str | None
    blocks: int
    blocks_done: int
    blocks_left: int = 0
    blocks_failed: dict[str, str] = field(default_factory=dict)
    changes: dict[str, int] = field(default_factory=dict)
    articles: dict[str, int]
    figures: dict[str, int]
    newer: int
    not_listed: list[str]

    def as_json(self) -> bytes:
        """Return ``report.json``: without what this run did, so that it tells of the archive."""
        stored = asdict(self)
        del stored["blocks_done"], stored["blocks_left"], stored["changes"]
        for name in ("articles", "figures"):
            stored[name] = asdict(Tally.of(stored[name]))
        return json.dumps(stored, indent=1, ensure_ascii=False).encode()

    def __str__(self) -> str:
        """Return the report in words."""
        lines = [
            *Tally.of(self.articles).lines("article versions"),
            *Tally.of(self.figures).lines("figures"),
        ]
        if self.changes:
            lines.append(f"changed by this run: {sum(self.changes.values()):,} article versions")
            lines += _aligned(self.changes)
        if self.newer:
            lines.append(f"metadata newer than the inventory: {self.newer:,}")
        if self.not_listed:
            more = f" and {len(self.not_listed) - 20:,} more" if len(self.not_listed) > 20 else ""
            named = ", ".join(self.not_listed[:20])
            lines.append(f"asked for, not in the source: {named}{more}")
        if self.blocks_failed:
            lines.append(
                f"{len(self.blocks_failed):,} blocks not written; run the same command again:"
            )
            lines += [
                f"  {_ranges(numbers)}: {why}" for why, numbers in _by_reason(self.blocks_failed)
            ]
        elif not self.blocks_done and not self.blocks_left:
            lines.append("nothing to do: the archive agrees with the source")
        if self.blocks_left and not self.blocks_failed:
            lines.append(told_part(self.blocks_done, self.blocks_left, "blocks"))
        return "\n".join(lines)


def told_part(done: int, left: int, units: str) -> str:
    """Return what a part says at its end, while others are not done.

    Examples
    --------
    >>> told_part(12, 3, "blocks")
    'this part is done, 12 blocks written; 3 blocks of other parts are not done yet'
    """
    return (
        f"this part is done, {done:,} {units} written; {left:,} {units} of other parts are not "
        "done yet"
    )


def _by_reason(failed: Mapping[str, str]) -> list[tuple[str, list[int]]]:
    reasons: dict[str, list[int]] = {}
    for number, why in failed.items():
        reasons.setdefault(why, []).append(int(number))
    return list(reasons.items())


def _ranges(numbers: Iterable[int]) -> str:
    """Return numbers as text, neighbours joined.

    Examples
    --------
    >>> _ranges([5, 1, 2, 3])
    '1-3, 5'
    """
    joined: list[list[int]] = []
    for number in sorted(numbers):
        if joined and number == joined[-1][1] + 1:
            joined[-1][1] = number
        else:
            joined.append([number, number])
    return ", ".join(f"{a}" if a == b else f"{a}-{b}" for a, b in joined)
