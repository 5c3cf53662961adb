"""The votes of several annotators together: their files, and filled-in tables of questions."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biomedica_dataset.errors import StorageError, UsageError

from .votes import FLAGS, SETS, SINGLE, Vote, checked, read_file

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Sequence

    from .labels import ClusterLabel
    from .taxonomy import Taxonomy

_QUESTIONS = (*SINGLE, *SETS, *FLAGS, "comment", "wrong_images")
_LISTS = (*SETS, "wrong_images")
_MODEL = "model"  # tells of which clusters a table is, lest their numbers be taken for others'
_COLUMNS = ("cluster", *_QUESTIONS, _MODEL)
_OPEN = "open"  # what is left to a person, told in the table of an adjudication


def read_votes(
    paths: Iterable[str | os.PathLike[str]],
    taxonomy: Taxonomy,
    model: str,
    clusters: int | None = None,
) -> list[Vote]:
    """Return the votes of several annotators that count: the last answer to each question.

    Parameters
    ----------
    paths
        Files of votes (``.jsonl``), or filled-in tables of questions (``.csv``), whose name without
        ending is the annotator.
    clusters
        How many there are.

    Raises
    ------
    UsageError
        A file is none, two are of one annotator, or a vote names what there is not.
    """
    files: dict[str, Path] = {}
    latest: dict[tuple[str, int, str | None, str], Vote] = {}
    for path in map(Path, paths):
        is_table = path.suffix == ".csv"
        try:
            votes = read_table(path, taxonomy, model) if is_table else list(read_file(path))
        except StorageError as error:
            raise UsageError(str(error)) from error
        for vote in votes:
            if files.setdefault(vote.annotator, path) != path:
                msg = f"{path} and {files[vote.annotator]} both hold votes of {vote.annotator}"
                raise UsageError(msg)
            if vote.model != model:
                msg = f"{path} holds votes on other clusters than these"
                raise UsageError(msg)
            place = vote.annotator, vote.cluster, vote.key, vote.question
            latest[place] = checked(vote, taxonomy, clusters)
    return [vote for vote in latest.values() if vote.answer is not None]


def read_table(path: Path, taxonomy: Taxonomy, model: str) -> list[Vote]:
    """Return the votes of a filled-in table of questions; empty cells are no answer.

    Several concepts, or keys of images, stand in one cell, with semicolons between them.

    Raises
    ------
    UsageError
        It is no such table, or that of other clusters.
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
        msg = f"{path} has a column {unknown[0]!r}; there are {', '.join(_COLUMNS)}"
        raise UsageError(msg)
    votes = []
    for number, row in enumerate(rows, start=2):
        if "cluster" not in row or not str(row["cluster"]).strip().isdecimal():
            msg = f"{path}, line {number}: cluster is {row.get('cluster')!r}; a number was expected"
            raise UsageError(msg)
        if (row.get(_MODEL) or "").strip() != _mark(model):
            msg = (
                f"{path}, line {number}: {_MODEL} is {row.get(_MODEL)!r}; the table of questions "
                f"of these clusters has {_mark(model)!r} there"
            )
            raise UsageError(msg)
        for question in _QUESTIONS:
            text = (row.get(question) or "").strip()
            if text:
                vote = Vote(
                    annotator=path.stem,
                    cluster=int(row["cluster"]),
                    question=question,
                    answer=_cell(question, text, path, number),
                    taxonomy=taxonomy.digest,
                    model=model,
                )
                votes.append(vote)
    return votes


def _cell(question: str, text: str, path: Path, number: int) -> str | list[str] | bool:
    if question in _LISTS:
        return [name.strip() for name in text.split(";") if name.strip()]
    if question not in FLAGS:
        return text
    if text.casefold() not in ("yes", "no", "1", "0", "true", "false"):
        msg = f"{path}, line {number}: {question} is {text[:40]!r}; yes or no was expected"
        raise UsageError(msg)
    return text.casefold() in ("yes", "1", "true")


def questions(clusters: Iterable[int], model: str) -> bytes:
    """Return the table of questions, a row for each cluster, to be filled in without a server."""
    empty = [""] * len(_QUESTIONS)
    return _table(_COLUMNS, ([cluster, *empty, _mark(model)] for cluster in clusters))


def open_questions(labels: Iterable[ClusterLabel], model: str) -> bytes:
    """Return the table of what a person has to settle, what is settled filled in."""
    rows = (
        [
            label.cluster,
            label.panel_type,
            label.panel_subtype,
            "; ".join(label.primary or []),
            "; ".join(label.secondary or []),
            "yes" if label.ambiguous else "",
            "yes" if label.mixed else "",
            "",
            "",
            _mark(model),
            "; ".join([*label.open, *label.contradictions]),
        ]
        for label in labels
    )
    return _table((*_COLUMNS, _OPEN), rows)


def _mark(model: str) -> str:
    # A spreadsheet would take some digests for numbers.
    return f"clusters-{model[:12]}"


def _table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    written = io.StringIO(newline="")
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return written.getvalue().encode()
