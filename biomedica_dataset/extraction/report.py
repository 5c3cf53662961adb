"""What an archive contains after `extract`, in numbers and in words."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields

from biomedica_dataset.archive.ledger import REPORT, Archive
from biomedica_dataset.engine.report import Shown, Tally, aligned, part_message
from biomedica_dataset.errors import UsageError

from .losses import is_spoilt, lost

_NAMED = 20  # articles in a message


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ExtractReport(Shown):
    """What an archive holds after a run, summed from its ledgers.

    Parameters
    ----------
    blocks, blocks_done, blocks_failed
        Valid blocks, blocks written by this run, and blocks that could not be written, with the
        reason.
    blocks_left
        Blocks of other parts of the run that are not done.
    changes
        Article versions that this run found changed, by kind.
    articles, figures
        Article versions and graphics by status and reason.
    newer
        Metadata that is newer than the inventory.
    not_listed
        Requested articles that the source does not have.
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

    @property
    def is_spoilt(self) -> bool:
        """Whether more than a tenth came otherwise than the source itself says."""
        return is_spoilt(self.articles, self.figures)

    def as_json(self) -> bytes:
        """Return ``report.json``, which describes the archive and leaves out what this run did."""
        stored = asdict(self)
        del stored["blocks_done"], stored["blocks_left"], stored["changes"]
        for name in ("articles", "figures"):
            stored[name] = asdict(Tally.of(stored[name]))
        return json.dumps(stored, indent=1, ensure_ascii=False).encode()

    def __str__(self) -> str:
        lines = [
            *Tally.of(self.articles).lines("article versions"),
            *Tally.of(self.figures).lines("figures"),
        ]
        if self.changes:
            lines.append(f"changed by this run: {sum(self.changes.values()):,} article versions")
            lines += aligned(self.changes)
        if self.newer:
            lines.append(f"metadata newer than the inventory: {self.newer:,}")
        if self.not_listed:
            lines.append(not_in_source(self.not_listed))
        lines += self._losses()
        if self.blocks_failed:
            lines.append(
                f"{len(self.blocks_failed):,} blocks not written; run the same command again:"
            )
            lines += [
                f"  {_ranges(numbers)}: {why}" for why, numbers in _by_reason(self.blocks_failed)
            ]
        elif not self.blocks_done and not self.blocks_left:
            lines.append("nothing to do: the archive is up to date")
        if self.blocks_left and not self.blocks_failed:
            lines.append(part_message(self.blocks_done, self.blocks_left, "blocks"))
        return "\n".join(lines)

    def _losses(self) -> list[str]:
        articles, figures = lost(self.articles), lost(self.figures)
        if not articles + figures:
            return []
        said = f"{articles:,} article versions and {figures:,} figures"
        lines = [f"incomplete at the source: {said}; --retry requests them again"]
        if self.is_spoilt:
            lines.append(
                "that is more than a tenth: a proxy or a login page may change or withhold what "
                "the source gives; the next run retries by itself"
            )
        return lines


def not_in_source(names: Sequence[str], source: str = "") -> str:
    """Return which requested articles a source does not have, in words.

    Examples
    --------
    >>> not_in_source(["PMC1", "PMC2.3"])
    'not in the source: PMC1, PMC2.3'
    """
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    where = f"the source {source}".rstrip()
    return f"not in {where}: {', '.join(names[:_NAMED])}{more}"


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


def read_report(archive: str | os.PathLike[str]) -> ExtractReport:
    """Return what an archive contains, as its last finished run reported it.

    Raises
    ------
    UsageError
        There is no such archive, or no run of it has finished.

    Examples
    --------
    >>> read_report("archive").figures["kept"]
    62
    """
    there = Archive.open(archive)
    found = there.report()
    if found is None:
        msg = f"{there.folder.url} has no {REPORT}: extract has not finished"
        raise UsageError(msg)
    counts = {
        name: {"kept": tally.kept, **tally.dropped}
        for name, tally in (("articles", found.articles), ("figures", found.figures))
    }
    stored = {f.name: getattr(found, f.name) for f in fields(found)}
    return ExtractReport(**{**stored, **counts}, blocks_done=0)
