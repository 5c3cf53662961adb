"""How many panels are right, by score: the evidence for the least score that one reads."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from biomedica_dataset.annotation.labels.agreement import wilson
from biomedica_dataset.annotation.labels.annotator_file import read_files, read_lines
from biomedica_dataset.engine.report import Shown
from biomedica_dataset.errors import UsageError

from .panel_votes import ANSWERS, RIGHT, PanelVote

THRESHOLDS = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)


@dataclass(frozen=True, slots=True, kw_only=True)
class PrecisionAt:
    """The panels with at least a score.

    Parameters
    ----------
    panels, share
        Their number, and their share of all decided panels.
    right
        Panels that are right in box and text.
    precision, low, high
        Share of right ones with its 95 % Wilson interval; ``None`` without panels.
    """

    min_score: float
    panels: int
    share: float
    right: int
    precision: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PrecisionReport(Shown):
    """Precision of panels by score.

    Parameters
    ----------
    panels
        Panels with an answer = decided + undecided.
    decided
        Panels about which more than half of their annotators agree, by answer.
    undecided
        The others, which count nowhere.
    shared, disagreed
        Panels of several annotators, and those of which they gave different answers.
    """

    annotators: list[str]
    panels: int
    decided: dict[str, int]
    undecided: int
    shared: int
    disagreed: int
    by_score: list[PrecisionAt]

    def __str__(self) -> str:
        answers = ", ".join(f"{count:,} {name}" for name, count in self.decided.items())
        lines = [f"{self.panels:,} panels by {', '.join(self.annotators)}: {answers}"]
        if self.shared:
            lines.append(
                f"{self.shared:,} by several annotators, who disagree on {self.disagreed:,}; "
                f"{self.undecided:,} without a majority"
            )
        lines.append("score  panels   share  right  precision  95 % interval")
        lines += [
            f">={row.min_score:4.2f}  {row.panels:6,}  {row.share:6.1%}  {row.right:5,}  "
            f"{_shown(row)}"
            for row in self.by_score
        ]
        return "\n".join(lines)


def _shown(row: PrecisionAt) -> str:
    if row.precision is None:
        return "no panels"
    return f"{row.precision:9.1%}  {row.low:.1%} to {row.high:.1%}"


def panel_precision(votes: Sequence[str | os.PathLike[str]]) -> PrecisionReport:
    """Return how many panels are right at each least score, by the votes of annotators.

    Parameters
    ----------
    votes
        Files of votes on panels. The last answer of an annotator about a panel counts, and about
        a panel the answer of more than half of its annotators.

    Raises
    ------
    UsageError
        A file is missing or damaged, two files belong to one annotator, there are no answers, or
        votes are on different boxes of a panel.

    Examples
    --------
    >>> panel_precision(["none.jsonl"])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    biomedica_dataset.errors.UsageError: none.jsonl ...
    """
    by_panel: dict[str, list[PanelVote]] = {}
    read = partial(read_lines, parse=PanelVote.from_json)
    last = {(vote.annotator, vote.key): vote for _path, vote in read_files(votes, read)}
    for vote in last.values():
        if vote.answer is not None:
            by_panel.setdefault(vote.key, []).append(vote)
    if not by_panel:
        msg = f"{', '.join(map(str, votes))}: no panel is answered"
        raise UsageError(msg)
    for key, own in by_panel.items():
        _check_same(key, own)
    decided = {key: answer for key, own in by_panel.items() if (answer := _majority(own))}
    counts = Counter(decided.values())
    shared = [own for own in by_panel.values() if len(own) > 1]
    scored = [(by_panel[key][0].score, answer == RIGHT) for key, answer in decided.items()]
    return PrecisionReport(
        annotators=sorted({vote.annotator for own in by_panel.values() for vote in own}),
        panels=len(by_panel),
        decided={name: counts[name] for name in ANSWERS},
        undecided=len(by_panel) - len(decided),
        shared=len(shared),
        disagreed=sum(len({vote.answer for vote in own}) > 1 for own in shared),
        by_score=[precision_at(least, scored) for least in THRESHOLDS],
    )


def precision_at(min_score: float, scored: Iterable[tuple[float, bool]]) -> PrecisionAt:
    """Return the precision of panels with at least a score.

    Parameters
    ----------
    scored
        The score of each panel, and whether it is right.

    Examples
    --------
    >>> precision_at(0.8, [(0.9, True), (0.8, True), (0.5, False)]).precision
    1.0
    """
    every = list(scored)
    own = [is_right for score, is_right in every if score >= min_score]
    right = sum(own)
    low, high = wilson(right, len(own)) if own else (None, None)
    return PrecisionAt(
        min_score=min_score,
        panels=len(own),
        share=len(own) / len(every) if every else 0.0,
        right=right,
        precision=right / len(own) if own else None,
        low=low,
        high=high,
    )


def _check_same(key: str, votes: list[PanelVote]) -> None:
    if len({(*vote.found, vote.score) for vote in votes}) > 1:
        msg = (
            f"the votes are on different boxes or scores of {key}: its panels were found again in "
            "between; give the votes on one run of `biomedica annotate panels`"
        )
        raise UsageError(msg)


def _majority(votes: list[PanelVote]) -> str | None:
    """Return the answer of more than half of the annotators of a panel."""
    answer, count = Counter(vote.answer for vote in votes).most_common(1)[0]
    return answer if 2 * count > len(votes) else None
