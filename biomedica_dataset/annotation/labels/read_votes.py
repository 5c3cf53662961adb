"""Reads the votes of several annotators: vote files and completed tables of questions."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biomedica_dataset.errors import UsageError

from .annotator_file import annotator_name, read_files
from .votes import FLAGS, SETS, SINGLE, Vote, check_vote, read_file

if TYPE_CHECKING:
    from biomedica_dataset.io.folders import Folder

    from .cluster_label import ClusterLabel
    from .taxonomy import Taxonomy

_QUESTIONS = (*SINGLE, *SETS, *FLAGS, "comment", "wrong_images")
_LISTS = (*SETS, "wrong_images")
_CLUSTERS = "model"  # stored name of the column that identifies the clusters
_COLUMNS = ("cluster", *_QUESTIONS, _CLUSTERS)
_OPEN = "open"  # column of the open questions, in the table of an adjudication


def read_votes(
    paths: Iterable[str | os.PathLike[str]],
    taxonomy: Taxonomy,
    clusters: str,
    count: int | None = None,
) -> list[Vote]:
    """Return the votes of several annotators; the last answer to each question counts.

    Parameters
    ----------
    paths
        Files of votes (``.jsonl``) or completed tables of questions (``.csv``); the name of a table
        without its extension is the annotator.
    clusters
        Digest of the clusters.
    count
        Number of clusters, if known.

    Raises
    ------
    UsageError
        A file is invalid, two files belong to one annotator, or a vote is invalid.
    """

    def read(path: Path) -> Iterable[Vote]:
        is_table = path.suffix == ".csv"
        return read_table(path, taxonomy, clusters) if is_table else read_file(path)

    latest: dict[tuple[str, int, str | None, str], Vote] = {}
    for path, vote in read_files(paths, read):
        if vote.clusters != clusters:
            msg = f"{path} holds votes on other clusters; give the assignments that they are of"
            raise UsageError(msg)
        place = vote.annotator, vote.cluster, vote.key, vote.question
        latest[place] = check_vote(vote, taxonomy, count)
    return [vote for vote in latest.values() if vote.answer is not None]


def read_table(path: Path, taxonomy: Taxonomy, clusters: str) -> list[Vote]:
    """Return the votes of a completed table of questions; empty cells are not answers.

    A cell with several concepts or keys of images separates them by semicolons.

    Raises
    ------
    UsageError
        It is not such a table, or belongs to other clusters.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            rows, columns = list(reader), reader.fieldnames or []
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        msg = f"{path} cannot be read as a table of questions: {error}"
        raise UsageError(msg) from error
    unknown = [name for name in columns if name not in (*_COLUMNS, _OPEN)]
    if unknown:
        msg = f"{path} has an unknown column {unknown[0]!r}; known are {', '.join(_COLUMNS)}"
        raise UsageError(msg)
    votes = []
    for number, row in enumerate(rows, start=2):
        if "cluster" not in row or not str(row["cluster"]).strip().isdecimal():
            msg = f"{path}, line {number}: cluster is {row.get('cluster')!r}; expected a number"
            raise UsageError(msg)
        if (row.get(_CLUSTERS) or "").strip() != _mark(clusters):
            msg = (
                f"{path}, line {number}: {_CLUSTERS} is {row.get(_CLUSTERS)!r}; expected "
                f"{_mark(clusters)!r}, the mark of these clusters"
            )
            raise UsageError(msg)
        for question in _QUESTIONS:
            text = (row.get(question) or "").strip()
            if text:
                answer = _cell(question, text, path, number)
                vote = Vote(
                    annotator=annotator_name(path.stem), cluster=int(row["cluster"]),
                    question=question, answer=answer, taxonomy=taxonomy.digest, clusters=clusters,
                )  # fmt: skip
                votes.append(vote)
    return votes


def _cell(question: str, text: str, path: Path, number: int) -> str | list[str] | bool:
    if question in _LISTS:
        return [name.strip() for name in text.split(";") if name.strip()]
    if question not in FLAGS:
        return text
    if text.casefold() not in ("yes", "no", "1", "0", "true", "false"):
        msg = f"{path}, line {number}: {question} is {text[:40]!r}; expected yes or no"
        raise UsageError(msg)
    return text.casefold() in ("yes", "1", "true")


def questions(numbers: Iterable[int], clusters: str) -> bytes:
    """Return a table of questions to complete without a server, one row per cluster number."""
    empty = [""] * len(_QUESTIONS)
    return _table(_COLUMNS, ([number, *empty, _mark(clusters)] for number in numbers))


def open_questions(labels: Iterable[ClusterLabel], clusters: str) -> bytes:
    """Return the table of the clusters with open questions, settled answers filled in."""
    rows = (
        [
            label.cluster, label.panel_type, label.panel_subtype,
            "; ".join(label.primary or []), "; ".join(label.secondary or []),
            "yes" if label.ambiguous else "", "yes" if label.mixed else "", "", "",
            _mark(clusters), "; ".join([*label.open, *label.contradictions]),
        ]
        for label in labels
    )  # fmt: skip
    return _table((*_COLUMNS, _OPEN), rows)


def refuse_completed(folder: Folder, name: str, ours: Iterable[bytes | None], advice: str) -> None:
    """Refuse to replace a table that differs from those that this package has written.

    Parameters
    ----------
    ours
        The table to write, and the one that was written before.
    advice
        What to do with the answers in it.

    Raises
    ------
    UsageError
        Someone has changed it.
    """
    if folder.exists(name) and folder.read_bytes(name) not in ours:
        msg = (
            f"{folder.path(name)} is not as it was written and would be replaced: if it has "
            f"answers, {advice}; otherwise remove it"
        )
        raise UsageError(msg)


def _mark(clusters: str) -> str:
    # A spreadsheet would read some digests as numbers.
    return f"clusters-{clusters[:12]}"


def _table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    written = io.StringIO(newline="")
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return written.getvalue().encode()
