"""The page on which a person checks panels, and what it asks of its server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from biomedica_dataset.annotation.labels.annotator_file import annotator_name
from biomedica_dataset.annotation.panels.figure_panels import is_within
from biomedica_dataset.annotation.review.page import review_page
from biomedica_dataset.annotation.review.work_handlers import WorkHandlers, text_of
from biomedica_dataset.errors import UsageError

from .panel_votes import ANSWERS, WRONG_BOX

if TYPE_CHECKING:
    from biomedica_dataset.annotation.review.server import Page
    from biomedica_dataset.annotation.review.thumbnails import Card

    from .panel_session import PanelSession

_DATA = Path(__file__).with_name("data")


def panel_page(session: PanelSession) -> Page:
    """Return the page of a sample of split figures."""
    asked = PanelHandlers(session)
    return review_page(
        "Figures",
        _DATA / "panels.html",
        ("panels.css", "panels.js", "boxes.js"),
        {"/join": asked.join, "/show": asked.show, "/answer": asked.answer},
    )


class PanelHandlers(WorkHandlers["PanelSession"]):
    """Answers the requests of the page on which panels are checked."""

    def __init__(self, session: PanelSession) -> None:
        super().__init__(session)
        self._panels = {
            panel.key: (at, card, panel)
            for at, card in enumerate(session.items)
            for panel in card.panels
        }

    def answer(self, sent: dict[str, Any]) -> dict[str, Any]:
        """Save an answer; it is on disk when this returns. Return what changed with it."""
        who, key = annotator_name(text_of(sent, "who")), text_of(sent, "key")
        if key not in self._panels:
            msg = "this server does not ask about what the page shows; load the page again"
            raise UsageError(msg)
        at, card, panel = self._panels[key]
        answer, box = sent.get("answer"), sent.get("box")
        if answer is not None and answer not in ANSWERS:
            msg = f"unknown answer {str(answer)[:40]!r}; choose one of {', '.join(ANSWERS)}"
            raise UsageError(msg)
        if box is not None and (answer != WRONG_BOX or not _is_box(box, card)):
            msg = f"{str(box)[:80]} is not a part of the image that corrects a wrong box"
            raise UsageError(msg)
        self._session.save(who, panel, answer, None if box == panel.box else box)
        return self._state(who, at)

    def _shown(self, who: str, at: int) -> dict[str, Any]:
        card = self._session.items[at]
        panels = [
            {"key": panel.key, "letter": panel.letter, "score": panel.score,
             "subcaption": panel.subcaption, "found": panel.box}
            for panel in card.panels
        ]  # fmt: skip
        return {
            "figure": card.key,
            "article": card.article,
            "label": card.label or "",
            "caption": card.caption,
            "size": card.size,
            "choices": ANSWERS,
            "panels": panels,
            **self._state(who, at),
        }

    def _state(self, who: str, at: int) -> dict[str, Any]:
        """Return what an answer may change."""
        panels = self._session.items[at].panels
        votes = {panel.key: self._session.latest(who, panel) for panel in panels}
        return {
            **self._progress(who, at),
            "answers": {
                key: {"answer": vote.answer, "box": vote.box} for key, vote in votes.items() if vote
            },
        }


def _is_box(box: Any, card: Card) -> bool:
    return (
        isinstance(box, list)
        and all(type(side) is int for side in box)
        and is_within(box, card.size or (0, 0))
    )
