"""The work of annotators: items to answer, and a file of answers for each of them."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Generic, TypeVar

from biomedica_dataset.annotation.labels.annotator_file import AnnotatorFile

VOTES = "votes"
"""Subfolder of the answers."""


F = TypeVar("F", bound=AnnotatorFile)
T = TypeVar("T")


class Work(ABC, Generic[T, F]):
    """The work of all annotators, each with a file of answers.

    Parameters
    ----------
    items
        Items to answer, in order.
    votes
        Folder for the answers.
    """

    def __init__(self, items: list[T], votes: Path) -> None:
        self.items, self._votes = items, votes
        self._files: dict[str, F] = {}
        self._lock = threading.Lock()

    @abstractmethod
    def open_file(self, annotator: str) -> F:
        """Open the file of an annotator."""

    @abstractmethod
    def is_done(self, annotator: str, item: T) -> bool:
        """Whether all required questions are answered."""

    def join(self, annotator: str) -> int:
        """Open an annotator's file; return the first unanswered item.

        Raises
        ------
        UsageError
            The name is not valid, or another process has the file open.
        """
        with self._lock:
            self._file(annotator)
        return self.next_open(annotator, -1)

    def close(self) -> None:
        """Close all files."""
        with self._lock:
            for file in self._files.values():
                file.close()
            self._files.clear()

    def _file(self, annotator: str) -> F:
        if annotator not in self._files:
            self._files[annotator] = self.open_file(annotator)
        return self._files[annotator]

    def done(self, annotator: str) -> int:
        """Return how many items an annotator has answered."""
        return sum(self.is_done(annotator, item) for item in self.items)

    def next_open(self, annotator: str, after: int) -> int:
        """Return the next unanswered item, wrapping around to the start."""
        order = [*range(after + 1, len(self.items)), *range(after + 1)]
        return next((i for i in order if not self.is_done(annotator, self.items[i])), max(after, 0))
