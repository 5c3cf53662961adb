"""The label of one cluster."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True, kw_only=True)
class ClusterLabel:
    """The label of a cluster, which all its images get.

    Parameters
    ----------
    ambiguous, mixed
        Whether more than half of the annotators say so; the images then get no label.
    votes
        Number of annotators who answered.
    open
        Questions to settle in an adjudication: ties, contradictions, and answers without a majority
        of two thirds. Answers with more than half of the votes apply meanwhile.
    contradictions
        Descriptions of contradictory answers.
    """

    cluster: int
    panel_type: str | None = None
    panel_subtype: str | None = None
    primary: list[str] | None = None
    secondary: list[str] | None = None
    ambiguous: bool = False
    mixed: bool = False
    votes: int = 0
    open: list[str] = field(default_factory=list)
    contradictions: list[str] = field(default_factory=list)
