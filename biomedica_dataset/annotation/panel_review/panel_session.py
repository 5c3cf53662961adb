"""The work of all annotators on one sample of split figures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from biomedica_dataset.annotation.review.thumbnails import Card, CardPanel
from biomedica_dataset.annotation.review.work import VOTES, Work

from .panel_votes import PanelVote, PanelVoteFile

if TYPE_CHECKING:
    from .panel_sheets import PanelReview


class PanelSession(Work[Card, PanelVoteFile]):
    """The work of all annotators on sheets of panels; an item is a figure."""

    def __init__(self, review: PanelReview) -> None:
        super().__init__([*review.cards.values()], Path(review.folder.root) / VOTES)
        self.review = review

    def open_file(self, annotator: str) -> PanelVoteFile:
        """Open the file of an annotator."""
        return PanelVoteFile(self._votes, annotator)

    def latest(self, annotator: str, panel: CardPanel) -> PanelVote | None:
        """Return the current answer of an annotator about a panel."""
        with self._lock:
            return self._file(annotator).latest(panel)

    def save(
        self, annotator: str, panel: CardPanel, answer: str | None, box: list[int] | None
    ) -> None:
        """Save an answer; it is on disk when this returns."""
        with self._lock:
            file = self._file(annotator)
            before = file.latest(panel)
            if (before and before.answer, before and before.box) != (answer, box):
                file.answer(panel, answer, box)

    def is_done(self, annotator: str, item: Card) -> bool:
        """Whether every panel of a figure is answered."""
        return all(self.latest(annotator, panel) for panel in item.panels)
