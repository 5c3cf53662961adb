"""Answers of experts: one append-only file per annotator, each answer synced to disk."""

from __future__ import annotations

import hashlib
import json
import os
import re
import unicodedata
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from biomedica_dataset.errors import UsageError
from biomedica_dataset.io.failures import io_errors
from biomedica_dataset.io.rules import Between, Key
from biomedica_dataset.io.typed import typed

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
"""Questions about one image: whether the label of its cluster fits it."""

QUESTIONS = (*SINGLE, *SETS, *FLAGS, "comment", "wrong_images", *AUDIT)
_CLUSTERS = Between(-(2**31), 2**31 - 1)
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_LONGEST_NAME, _LONGEST = 64, 10_000  # characters of a name, and of a comment


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


def annotator_name(given: str) -> str:
    """Return the name of an annotator in one form: composed letters, single spaces.

    Raises
    ------
    UsageError
        It is empty, longer than 64 characters, or has characters that are not shown.

    Examples
    --------
    >>> annotator_name("  Zoe\u0308  M. @ home ")
    'Zoë M. @ home'
    """
    name = " ".join(unicodedata.normalize("NFC", given).split())
    if not name:
        msg = "the name is empty; enter the name to save your answers under"
        raise UsageError(msg)
    if len(name) > _LONGEST_NAME or not name.isprintable():
        msg = f"{name[:80]!r} is not a valid name; use 1 to {_LONGEST_NAME} visible characters"
        raise UsageError(msg)
    return name


def file_name(annotator: str) -> str:
    """Return the name of an annotator's file, without its extension: safe on every system.

    Examples
    --------
    >>> file_name("anna"), file_name("Zoë M. @ home")
    ('anna', 'Zoe-M-home-e04ef6f6')
    """
    if _FILE_NAME.fullmatch(annotator):
        return annotator
    plain = unicodedata.normalize("NFKD", annotator).encode("ascii", "ignore").decode()
    words = "-".join(re.findall("[A-Za-z0-9_]+", plain))[:40] or "annotator"
    return f"{words}-{hashlib.sha256(annotator.encode()).hexdigest()[:8]}"


class VoteFile:
    """The answers of one annotator; each is on disk when `answer` returns.

    Parameters
    ----------
    folder
        Folder of the files, one per annotator.
    annotator
        See `annotator_name`; the file is named by `file_name`.
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
        self.annotator = annotator_name(annotator)
        self._taxonomy, self._clusters = taxonomy, clusters
        self.path = Path(folder) / f"{file_name(self.annotator)}.jsonl"
        with io_errors(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("a+b")
        if fcntl is not None:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                self._file.close()
                msg = f"{self.path} is being written by another process; stop that process first"
                raise UsageError(msg) from error
        data = self.path.read_bytes()
        if not data.endswith(b"\n"):  # cut off by a kill: that answer was never confirmed
            self._file.truncate(data.rfind(b"\n") + 1)
        self._latest: dict[tuple[int, str | None], dict[str, Any]] = {}
        for vote in read_file(self.path):
            if vote.annotator != self.annotator:  # a file system may ignore case
                self._file.close()
                msg = f"{self.path} holds votes of {vote.annotator!r}; choose another name"
                raise UsageError(msg)
            if (vote.taxonomy, vote.clusters) != (taxonomy.digest, clusters):
                self._file.close()
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
        line = json.dumps(vote.as_json(), ensure_ascii=True).encode() + b"\n"
        with io_errors(self.path):
            self._file.write(line)
            self._file.flush()
            os.fsync(self._file.fileno())
        self._keep(vote)

    def answers(self, cluster: int, key: str | None = None) -> dict[str, Any]:
        """Return the current answers on a cluster, or on one of its images, by question."""
        return dict(self._latest.get((cluster, key), {}))

    def close(self) -> None:
        """Close the file."""
        self._file.close()

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
    with io_errors(path, "read"):
        data = path.read_bytes()
    for number, line in enumerate(data[: data.rfind(b"\n") + 1].splitlines(), start=1):
        try:
            vote = Vote.from_json(line)
        except (ValueError, RecursionError) as error:
            msg = f"{path}, line {number}, is not a valid vote: {error}"
            raise UsageError(msg) from error
        yield vote
