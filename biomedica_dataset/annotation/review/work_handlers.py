"""What every page of annotators asks of its server: who begins, and which item is shown."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Generic, TypeVar

from biomedica_dataset.annotation.labels.annotator_file import annotator_name
from biomedica_dataset.errors import UsageError

from .work import Work

S = TypeVar("S", bound=Work[Any, Any])


class WorkHandlers(ABC, Generic[S]):
    """Answers the requests of a page with what JSON can hold.

    Each method takes what a browser sent, which may be anything, and raises `UsageError` if it
    cannot be meant.
    """

    def __init__(self, session: S) -> None:
        self._session = session

    def join(self, sent: dict[str, Any]) -> dict[str, Any]:
        """Start or resume the work of an annotator: show the first unanswered item."""
        who = annotator_name(text_of(sent, "who"))
        return self._shown(who, self._session.join(who))

    def show(self, sent: dict[str, Any]) -> dict[str, Any]:
        """Show an item."""
        at = place_of(sent, len(self._session.items))
        return self._shown(annotator_name(text_of(sent, "who")), at)

    @abstractmethod
    def answer(self, sent: dict[str, Any]) -> dict[str, Any]:
        """Save an answer; it is on disk when this returns. Return what changed with it."""

    @abstractmethod
    def _shown(self, who: str, at: int) -> dict[str, Any]:
        """Return what the page shows of an item."""

    def _progress(self, who: str, at: int) -> dict[str, Any]:
        """Return how far an annotator is, and the next item without an answer."""
        session = self._session
        done, total = session.done(who), len(session.items)
        return {
            "who": who,
            "at": at,
            "done": done,
            "total": total,
            "open": session.next_open(who, at) if done < total else None,
        }


def place_of(sent: dict[str, Any], count: int) -> int:
    """Return which of so many items a browser asks for.

    Raises
    ------
    UsageError
        There is no such item.
    """
    at = sent.get("at")
    if not isinstance(at, int) or not 0 <= at < count:
        msg = f"there is no item {str(at)[:40]!r}; items are 0 to {count - 1}"
        raise UsageError(msg)
    return at


def text_of(sent: dict[str, Any], name: str) -> str:
    """Return a text that a browser sent.

    Raises
    ------
    UsageError
        It is something else.
    """
    value = sent.get(name)
    if not isinstance(value, str):
        msg = f"{name} is {str(value)[:40]!r}; expected a text"
        raise UsageError(msg)
    return value
