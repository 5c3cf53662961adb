"""The labels of clusters, as files.

::

    LABELS/
      labels.json        taxonomy, digest of the clusters, agreement, audit, wrong images
      labels.parquet     one row per cluster: its label and its open questions
      votes.parquet      every answer that counts
      adjudication.csv   table of the open questions
      report.md          report for people to read
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from biomedica_dataset.io.failures import reading
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.io.headers import read_header
from biomedica_dataset.io.rules import COUNT, PAIR_KEY, Between, OneOf, Rule, Sha256
from biomedica_dataset.io.tables import Column, read_table
from biomedica_dataset.io.typed import read_small, typed

from .agreement import Agreement  # noqa: TC001 - for pydantic
from .audit import Purity  # noqa: TC001 - for pydantic
from .cluster_label import ClusterLabel
from .taxonomy import CHOICES, Taxonomy
from .votes import QUESTIONS, Vote

FORMAT_VERSION = 1
HEADER = "labels.json"
TABLE = "labels.parquet"
VOTES = "votes.parquet"
ADJUDICATION = "adjudication.csv"
_NUMBER, _TEXT, _TEXTS, _FLAG = pa.int32(), pa.string(), pa.list_(pa.string()), pa.bool_()
_SCHEMA = pa.schema({
    "cluster": _NUMBER, "panel_type": _TEXT, "panel_subtype": _TEXT,
    "primary": _TEXTS, "secondary": _TEXTS, "ambiguous": _FLAG, "mixed": _FLAG,
    "votes": _NUMBER, "open": _TEXTS, "contradictions": _TEXTS,
})  # fmt: skip
_VOTE_COLUMNS = {
    "annotator": Column(type=_TEXT),
    "cluster": Column(type=_NUMBER),
    "key": Column(type=_TEXT, rule=PAIR_KEY, is_nullable=True),
    "question": Column(type=_TEXT, rule=OneOf(QUESTIONS)),
    "answer": Column(type=_TEXT),
}
_VOTE_SCHEMA = pa.schema([(name, column.type) for name, column in _VOTE_COLUMNS.items()])
_AGAIN = "Run `biomedica annotate labels` again."


@dataclass(frozen=True, slots=True)
class LabelsHeader:
    """The content of ``labels.json``."""

    model: str
    taxonomy: dict[str, Any]
    annotators: list[str]
    agreement: list[Agreement]
    audit: list[Purity]
    panel_letters: dict[str, Any] | None
    wrong_images: list[str]
    table: Sha256


def _columns(taxonomy: Taxonomy) -> dict[str, Column]:
    """Return what the columns of the table may hold: names of the taxonomy."""
    rules: dict[str, Rule] = {name: OneOf(tuple(taxonomy.names(name))) for name in CHOICES}
    rules |= {"cluster": Between(0, 2**31 - 1), "votes": COUNT}
    return {
        one.name: Column(
            type=one.type,
            rule=rules.get(one.name),
            is_nullable=one.name in CHOICES,
            is_unique=one.name == "cluster",
        )
        for one in _SCHEMA
    }


class Labels:
    """The labels of clusters in a folder.

    Parameters
    ----------
    header
        The content of its ``labels.json``.
    """

    def __init__(
        self,
        folder: Folder,
        header: LabelsHeader,
        taxonomy: Taxonomy,
        clusters: Mapping[int, ClusterLabel],
    ) -> None:
        self.folder, self.header, self.taxonomy = folder, header, taxonomy
        self._clusters, self._wrong = dict(clusters), frozenset(header.wrong_images)
        self.model = header.model

    @classmethod
    def open(cls, url: str | os.PathLike[str]) -> Labels:
        """Open existing labels.

        Raises
        ------
        UsageError
            The folder holds no labels, or labels of another format version.
        ArchiveError
            The table is damaged.
        """
        folder = Folder(url)
        header = read_header(folder, HEADER, "a folder of labels", FORMAT_VERSION, LabelsHeader)
        with reading(folder.path(TABLE), _AGAIN):
            data = read_small(folder, TABLE)
            if hashlib.sha256(data).hexdigest() != header.table:
                msg = "its SHA-256 differs from the one in the header"
                raise ValueError(msg)
            taxonomy = Taxonomy.parse(json.dumps(header.taxonomy).encode(), folder.url)
            rows = read_table(pa.BufferReader(data), _columns(taxonomy)).to_pylist()
            clusters = {row["cluster"]: ClusterLabel(**row) for row in rows}
            return cls(folder, header, taxonomy, clusters)

    @property
    def digest(self) -> str:
        """Digest of all labels."""
        return self.digest_of(self._clusters)

    def of(self, cluster: int | None, key: str | None = None) -> ClusterLabel | None:
        """Return the label of a cluster; ``None`` for an image that experts removed from it."""
        if cluster is None or key in self._wrong:
            return None
        return self._clusters.get(cluster)

    def all(self) -> dict[int, ClusterLabel]:
        """Return the labels by cluster."""
        return dict(self._clusters)

    def votes(self) -> list[Vote]:
        """Return the answers that the labels were made from.

        Raises
        ------
        ArchiveError
            The file is damaged.
        """
        own = {"taxonomy": self.taxonomy.digest, "clusters": self.model}
        with self.folder.reading(VOTES, _AGAIN) as file:
            rows = read_table(file, _VOTE_COLUMNS).to_pylist()
            return [
                typed(Vote, json.dumps(row | own | {"answer": json.loads(row["answer"])}))
                for row in rows
            ]

    def digest_of(self, clusters: Iterable[int], keys: Iterable[str] = ()) -> str:
        """Return a digest that changes with the labels of the given clusters.

        Parameters
        ----------
        keys
            Images of these clusters; the digest also covers which of them were removed.
        """
        stored = [
            (number, label.panel_type, label.panel_subtype, label.primary, label.secondary)
            for number in sorted(set(clusters))
            if (label := self._clusters.get(number)) is not None
        ]
        removed = sorted(self._wrong & set(keys))
        return hashlib.sha256(json.dumps([stored, removed]).encode()).hexdigest()


def write_labels(
    folder: Folder,
    labels: Mapping[int, ClusterLabel],
    votes: Sequence[Vote],
    header: dict[str, Any],
    texts: Mapping[str, bytes],
) -> None:
    """Write labels. ``labels.json`` is written last and makes them valid.

    Parameters
    ----------
    texts
        The other files, by name.
    """
    folder.remove(HEADER)
    rows = [asdict(labels[cluster]) for cluster in sorted(labels)]
    digest = _write_table(folder, TABLE, pa.Table.from_pylist(rows, _SCHEMA))
    _write_table(folder, VOTES, _vote_table(votes))
    for name, text in texts.items():
        folder.write_bytes(name, text)
    stored = {"format_version": FORMAT_VERSION, **header, "table": digest}
    folder.write_bytes(HEADER, json.dumps(stored, indent=1, ensure_ascii=False).encode())


def _vote_table(votes: Sequence[Vote]) -> pa.Table:
    order = sorted(votes, key=lambda v: (v.annotator, v.cluster, v.key or "", v.question))
    answers = (json.dumps(vote.answer, ensure_ascii=False) for vote in order)
    rows = [asdict(vote) | {"answer": text} for vote, text in zip(order, answers, strict=True)]
    return pa.Table.from_pylist(rows, _VOTE_SCHEMA)


def _write_table(folder: Folder, name: str, table: pa.Table) -> str:
    with folder.create() as file:
        pq.write_table(table, file, compression="zstd")
        file.publish(name)
        return file.sha256
