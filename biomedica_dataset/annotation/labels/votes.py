"""Answers of experts: one append-only file per annotator, each answer synced to disk."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from biomedica_dataset.errors import UsageError
from biomedica_dataset.io.rules import Between, Key
from biomedica_dataset.io.typed import typed

from .annotator_file import AnnotatorFile, read_lines

if TYPE_CHECKING:
    from .taxonomy import Taxonomy

SINGLE = ("panel_type", "panel_subtype")
SETS = ("primary", "secondary")
FLAGS = ("ambiguous", "mixed")
AUDIT = ("fits_panel_type", "fits_primary", "fits_secondary")
"""Questions about one image: whether the label of its cluster fits it."""

QUESTIONS = (*SINGLE, *SETS, *FLAGS, "comment", "wrong_images", *AUDIT)
_CLUSTERS = Between(-(2**31), 2**31 - 1)
_LONGEST = 10_000  # characters of a comment


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """One answer.

    Parameters
    ----------
    cluster
        Number of the cluster.
    key
        The image, in an audit.
    answer
        A name, several names, yes or no, or a text; ``None`` withdraws an answer.
    taxonomy, clusters
        Digests of the taxonomy and of the clusters.
    """

    annotator: str
    cluster: Annotated[int, _CLUSTERS]
    question: str
    answer: str | list[str] | bool | None
    taxonomy: str
    clusters: str
    key: Key | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the vote as a file stores it."""
        return {"model" if k == "clusters" else k: v for k, v in asdict(self).items()}

    @classmethod
    def from_json(cls, line: bytes) -> Vote:
        """Return the vote that a line of a file stores; half characters are replaced.

        Raises
        ------
        ValueError
            It is not a vote.
        """
        stored = json.loads(line)
        if not isinstance(stored, dict) or "model" not in stored:
            msg = "it is not a mapping with a model"
            raise ValueError(msg)
        stored["clusters"] = stored.pop("model")
        return typed(cls, _whole(json.dumps(stored, ensure_ascii=False)))


def _whole(text: str) -> str:
    """Return a text with the halves of characters, which UTF-8 cannot hold, replaced."""
    return text.encode("utf-8", "replace").decode()


def check_vote(vote: Vote, taxonomy: Taxonomy, count: int | None) -> Vote:
    """Return a vote with synonyms replaced by the names of the taxonomy.

    Parameters
    ----------
    count
        Number of clusters, if known.

    Raises
    ------
    UsageError
        Its question, cluster or answer does not exist, or it belongs to another taxonomy.
    """
    where = f"{vote.annotator} on cluster {vote.cluster}, {vote.question}"
    if vote.taxonomy != taxonomy.digest:
        msg = f"{where}: the vote belongs to another taxonomy; give that one with --taxonomy"
        raise UsageError(msg)
    if vote.question not in QUESTIONS:
        msg = f"{where}: unknown question; choose one of {', '.join(QUESTIONS)}"
        raise UsageError(msg)
    if vote.cluster < 0 or (count is not None and vote.cluster >= count):
        msg = f"{where}: unknown cluster; clusters are 0 to {(count or 0) - 1}"
        raise UsageError(msg)
    if (vote.question in AUDIT) != (vote.key is not None):
        msg = f"{where}: audit questions need the key of an image; other questions have none"
        raise UsageError(msg)
    return vote if vote.answer is None else _named(vote, taxonomy, where)


def _named(vote: Vote, taxonomy: Taxonomy, where: str) -> Vote:
    texts, lists = (*SINGLE, "comment"), (*SETS, "wrong_images")
    kind: dict[str, type] = {**dict.fromkeys(texts, str), **dict.fromkeys(lists, list)}
    expected = kind.get(vote.question, bool)
    if type(vote.answer) is not expected:
        came = str(vote.answer)[:80]
        msg = f"{where}: the answer is {came!r}; expected a {expected.__name__}"
        raise UsageError(msg)
    answer: Any = vote.answer
    if isinstance(answer, list) and not all(isinstance(name, str) for name in answer):
        msg = f"{where}: the answer is {str(answer)[:80]!r}; expected a list of texts"
        raise UsageError(msg)
    try:
        if vote.question in SINGLE:
            answer = taxonomy.resolve(vote.question, answer)
        elif vote.question in SETS:
            names = [taxonomy.resolve(vote.question, name) for name in answer]
            answer = sorted(dict.fromkeys(names))
        elif vote.question == "comment":
            # A browser may send half of a character that takes two: files hold whole ones.
            answer = _whole(answer[:_LONGEST])
    except UsageError as error:
        msg = f"{where}: {error}"
        raise UsageError(msg) from error
    return replace(vote, answer=answer)


class VoteFile(AnnotatorFile):
    """The answers of one annotator; each is on disk when `answer` returns.

    Parameters
    ----------
    folder
        Folder of the files, one per annotator.
    annotator
        See `annotator_name`.
    clusters
        Digest of the clusters.

    Raises
    ------
    UsageError
        The name is not valid, another process is writing the file, or its votes belong to another
        annotator, taxonomy or other clusters.
    """

    def __init__(
        self, folder: str | os.PathLike[str], annotator: str, taxonomy: Taxonomy, clusters: str
    ) -> None:
        super().__init__(folder, annotator)
        self._taxonomy, self._clusters = taxonomy, clusters
        self._latest: dict[tuple[int, str | None], dict[str, Any]] = {}
        for vote in self.votes(Vote.from_json):
            if (vote.taxonomy, vote.clusters) != (taxonomy.digest, clusters):
                self.close()
                msg = f"{self.path} holds votes on another taxonomy or other clusters; move it away"
                raise UsageError(msg)
            self._keep(vote)

    def answer(self, cluster: int, question: str, answer: Any, key: str | None = None) -> None:
        """Record an answer; it is on disk when this returns.

        Raises
        ------
        UsageError
            The question or answer does not exist.
        """
        vote = Vote(
            annotator=self.annotator, cluster=cluster, key=key, question=question, answer=answer,
            taxonomy=self._taxonomy.digest, clusters=self._clusters,
        )  # fmt: skip
        vote = check_vote(vote, self._taxonomy, None)
        self.append(vote.as_json())
        self._keep(vote)

    def answers(self, cluster: int, key: str | None = None) -> dict[str, Any]:
        """Return the current answers on a cluster, or on one of its images, by question."""
        return dict(self._latest.get((cluster, key), {}))

    def _keep(self, vote: Vote) -> None:
        own = self._latest.setdefault((vote.cluster, vote.key), {})
        own.pop(vote.question, None)
        if vote.answer is not None:
            own[vote.question] = vote.answer


def read_file(path: Path) -> Iterator[Vote]:
    """Yield the votes of a file in order; an incomplete last line is skipped.

    Raises
    ------
    UsageError
        A line is not a valid vote.
    """
    return read_lines(path, Vote.from_json)
