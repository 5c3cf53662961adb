"""Answers about panels: one append-only file per annotator, each answer synced to disk."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

from biomedica_dataset.annotation.labels.annotator_file import AnnotatorFile
from biomedica_dataset.annotation.panels.figure_panels import is_within
from biomedica_dataset.annotation.review.thumbnails import Pixel  # noqa: TC001 - for pydantic
from biomedica_dataset.io.rules import Between, Key, OneOf
from biomedica_dataset.io.typed import typed

if TYPE_CHECKING:
    from biomedica_dataset.annotation.review.thumbnails import CardPanel

RIGHT, WRONG_BOX, WRONG_TEXT, NOT_COMPOUND = "right", "wrong box", "wrong text", "not compound"
ANSWERS = (RIGHT, WRONG_BOX, WRONG_TEXT, NOT_COMPOUND)
_LARGEST = (2**31 - 1, 2**31 - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelVote:
    """One answer about a panel.

    Parameters
    ----------
    key
        The panel.
    found, score
        Its box and its score, as they were found.
    answer
        One of `ANSWERS`; ``None`` withdraws an answer.
    box
        The right box, if the annotator drew it.
    """

    annotator: str
    key: Key
    found: list[Pixel]
    score: Annotated[float, Between(0, 1)]
    answer: Annotated[str, OneOf(ANSWERS)] | None
    box: list[Pixel] | None = None

    def __post_init__(self) -> None:
        """Check the boxes; only an answer that the box is wrong has another one."""
        for box in (self.found, *([] if self.box is None else [self.box])):
            if not is_within(box, _LARGEST):
                msg = f"{box} is not a box: x0 < x1 and y0 < y1 in pixels"
                raise ValueError(msg)
        if self.box is not None and self.answer != WRONG_BOX:
            msg = f"a box is drawn, but the answer is {self.answer!r}"
            raise ValueError(msg)

    @classmethod
    def from_json(cls, line: bytes) -> PanelVote:
        """Return the vote that a line of a file stores.

        Raises
        ------
        ValueError
            It is not a vote on a panel.
        """
        return typed(cls, line)


class PanelVoteFile(AnnotatorFile):
    """The answers of one annotator about panels; each is on disk when `answer` returns.

    Parameters
    ----------
    folder
        Folder of the files, one per annotator.

    Raises
    ------
    UsageError
        The name is not valid, another process is writing the file, or it has other votes.
    """

    def __init__(self, folder: str | os.PathLike[str], annotator: str) -> None:
        super().__init__(folder, annotator)
        self._latest = {vote.key: vote for vote in self.votes(PanelVote.from_json)}

    def answer(self, panel: CardPanel, answer: str | None, box: list[int] | None = None) -> None:
        """Record an answer; it is on disk when this returns."""
        vote = PanelVote(
            annotator=self.annotator, key=panel.key, found=panel.box, score=panel.score,
            answer=answer, box=box,
        )  # fmt: skip
        self.append(asdict(vote))
        self._latest[vote.key] = vote

    def latest(self, panel: CardPanel) -> PanelVote | None:
        """Return the current answer about a panel; none if its box was found again since."""
        vote = self._latest.get(panel.key)
        is_open = vote is None or vote.answer is None or vote.found != panel.box
        return None if is_open else vote
