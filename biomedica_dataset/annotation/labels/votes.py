"""Answers of experts: one append-only file each, safe at once."""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biomedica_dataset.errors import UsageError
from biomedica_dataset.io.failures import io_errors

try:
    import fcntl
except ImportError:  # not on Windows: two processes may write one file there
    fcntl = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .taxonomy import Taxonomy

SINGLE = ("panel_type", "panel_subtype")
SETS = ("primary", "secondary")
FLAGS = ("ambiguous", "mixed")
AUDIT = ("fits_panel_type", "fits_primary", "fits_secondary")
"""Questions about one image: whether what its cluster says is true of it."""

QUESTIONS = (*SINGLE, *SETS, *FLAGS, "comment", "wrong_images", *AUDIT)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_LONGEST = 10_000  # characters of a comment


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """One answer.

    Parameters
    ----------
    cluster
        What was looked at.
    key
        The image, in an audit.
    answer
        A name, several, yes or no, or a text; ``None`` takes an answer back.
    taxonomy, model
        Digests of the taxonomy, and of the clusters.
    """

    annotator: str
    cluster: int
    question: str
    answer: str | list[str] | bool | None
    taxonomy: str
    model: str
    key: str | None = None


def checked(vote: Vote, taxonomy: Taxonomy, clusters: int | None) -> Vote:
    """Return a vote with the names of the taxonomy.

    Raises
    ------
    UsageError
        It is of no question, cluster or name that there is, or of another taxonomy.
    """
    where = f"{vote.annotator} on cluster {vote.cluster}, {vote.question}"
    if vote.taxonomy != taxonomy.digest:
        msg = f"{where}: the vote is of another taxonomy than the one given; name that one"
        raise UsageError(msg)
    if vote.question not in QUESTIONS:
        msg = f"{where}: there is no such question; those are {', '.join(QUESTIONS)}"
        raise UsageError(msg)
    if vote.cluster < 0 or (clusters is not None and vote.cluster >= clusters):
        msg = f"{where}: there is no such cluster; those are 0 to {(clusters or 0) - 1}"
        raise UsageError(msg)
    if (vote.question in AUDIT) != (vote.key is not None):
        msg = f"{where}: questions of an audit, and no others, are about one image"
        raise UsageError(msg)
    return vote if vote.answer is None else _named(vote, taxonomy, where)


def _named(vote: Vote, taxonomy: Taxonomy, where: str) -> Vote:
    texts, several = (*SINGLE, "comment"), (*SETS, "wrong_images")
    kind: dict[str, type] = {**dict.fromkeys(texts, str), **dict.fromkeys(several, list)}
    expected = kind.get(vote.question, bool)
    if type(vote.answer) is not expected:
        came = str(vote.answer)[:80]
        msg = f"{where}: the answer is {came!r}; a {expected.__name__} was expected"
        raise UsageError(msg)
    answer: Any = vote.answer
    if isinstance(answer, list) and not all(isinstance(name, str) for name in answer):
        msg = f"{where}: the answer is {str(answer)[:80]!r}; a list of texts was expected"
        raise UsageError(msg)
    try:
        if vote.question in SINGLE:
            answer = taxonomy.resolve(vote.question, answer)
        elif vote.question in SETS:
            names = [taxonomy.resolve(vote.question, name) for name in answer]
            answer = sorted(dict.fromkeys(names))
        elif vote.question == "comment":
            answer = answer[:_LONGEST]
    except UsageError as error:
        msg = f"{where}: {error}"
        raise UsageError(msg) from error
    return Vote(**{**asdict(vote), "answer": answer})


class VoteFile:
    """The answers of one annotator, each on disk when `answer` returns.

    Parameters
    ----------
    folder
        Where the files lie, one for each annotator.
    annotator
        Letters, digits, ``_`` and ``-``.
    model
        Digest of the clusters.

    Raises
    ------
    UsageError
        The name cannot be a file's, another process writes the file, or it holds votes of another
        taxonomy or other clusters.
    """

    def __init__(
        self, folder: str | os.PathLike[str], annotator: str, taxonomy: Taxonomy, model: str
    ) -> None:
        if not _NAME.fullmatch(annotator):
            msg = (
                f"an annotator cannot be called {annotator[:80]!r}: up to 64 letters, digits, "
                "_ and - are possible"
            )
            raise UsageError(msg)
        self.annotator, self._taxonomy, self._model = annotator, taxonomy, model
        self.path = Path(folder) / f"{annotator}.jsonl"
        with io_errors(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("a+b")
        if fcntl is not None:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                self._file.close()
                msg = f"{self.path} is being written by another process; end that one first"
                raise UsageError(msg) from error
        self._mend()
        self._latest: dict[tuple[int, str | None], dict[str, Any]] = {}
        for vote in read_file(self.path):
            if (vote.taxonomy, vote.model) != (taxonomy.digest, model):
                self._file.close()
                msg = f"{self.path} holds votes of another taxonomy or other clusters"
                raise UsageError(msg)
            self._keep(vote)

    def answer(self, cluster: int, question: str, answer: Any, key: str | None = None) -> None:
        """Keep an answer; it is safe when this returns.

        Raises
        ------
        UsageError
            There is no such question or name.
        """
        vote = checked(
            Vote(
                annotator=self.annotator,
                cluster=cluster,
                key=key,
                question=question,
                answer=answer,
                taxonomy=self._taxonomy.digest,
                model=self._model,
            ),
            self._taxonomy,
            None,
        )
        line = json.dumps(asdict(vote), ensure_ascii=True).encode() + b"\n"
        with io_errors(self.path):
            self._file.write(line)
            self._file.flush()
            os.fsync(self._file.fileno())
        self._keep(vote)

    def answers(self, cluster: int, key: str | None = None) -> dict[str, Any]:
        """Return the answers that count on a cluster, or in an audit on an image, by question."""
        return dict(self._latest.get((cluster, key), {}))

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _keep(self, vote: Vote) -> None:
        own = self._latest.setdefault((vote.cluster, vote.key), {})
        own.pop(vote.question, None)
        if vote.answer is not None:
            own[vote.question] = vote.answer

    def _mend(self) -> None:
        """Cut off a line that a kill left without its end: its answer was never confirmed."""
        data = self.path.read_bytes()
        if data and not data.endswith(b"\n"):
            self._file.truncate(data.rfind(b"\n") + 1)


def read_file(path: Path) -> Iterator[Vote]:
    """Yield the votes of a file of votes, in order; a last line without its end is none.

    Raises
    ------
    UsageError
        A line is no vote.
    """
    with io_errors(path, "read"):
        data = path.read_bytes()
    for number, line in enumerate(data[: data.rfind(b"\n") + 1].splitlines(), start=1):
        try:
            vote = Vote(**json.loads(line))
            if not isinstance(vote.cluster, int) or not isinstance(vote.question, str):
                msg = "cluster or question is missing"
                raise TypeError(msg)
        except (ValueError, TypeError) as error:
            msg = f"{path}, line {number}, is no vote: {error}"
            raise UsageError(msg) from error
        yield vote
