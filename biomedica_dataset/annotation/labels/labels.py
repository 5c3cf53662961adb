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
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from biomedica_dataset.errors import ArchiveError
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.io.headers import read_header

from .taxonomy import Taxonomy

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping, Sequence

    from .votes import Vote

FORMAT_VERSION = 1
HEADER = "labels.json"
TABLE = "labels.parquet"
VOTES = "votes.parquet"
_NUMBER, _TEXT, _TEXTS, _FLAG = pa.int32(), pa.string(), pa.list_(pa.string()), pa.bool_()
_SCHEMA = pa.schema({
    "cluster": _NUMBER, "panel_type": _TEXT, "panel_subtype": _TEXT,
    "primary": _TEXTS, "secondary": _TEXTS, "ambiguous": _FLAG, "mixed": _FLAG,
    "votes": _NUMBER, "open": _TEXTS, "contradictions": _TEXTS,
})  # fmt: skip
_VOTE_SCHEMA = pa.schema({
    "annotator": _TEXT, "cluster": _NUMBER, "key": _TEXT, "question": _TEXT, "answer": _TEXT,
})  # fmt: skip


@dataclass(slots=True, kw_only=True)
class ClusterLabel:
    """The label of a cluster, which all its images get.

    Parameters
    ----------
    ambiguous, mixed
        Whether more than half of the annotators say so; the images then get no label.
    votes
        Number of annotators who answered.
    open
        Questions to settle in an adjudication: ties, contradictions, and answers without a majority
        of two thirds. Answers with more than half of the votes apply meanwhile.
    contradictions
        Descriptions of contradictory answers.
    """

    cluster: int
    panel_type: str | None = None
    panel_subtype: str | None = None
    primary: list[str] | None = None
    secondary: list[str] | None = None
    ambiguous: bool = False
    mixed: bool = False
    votes: int = 0
    open: list[str] = field(default_factory=list)
    contradictions: list[str] = field(default_factory=list)


class Labels:
    """The labels of clusters in a folder.

    Parameters
    ----------
    header
        The content of its ``labels.json``.
    """

    def __init__(
        self, folder: Folder, header: dict[str, Any], clusters: Mapping[int, ClusterLabel]
    ) -> None:
        self.folder, self.header, self._clusters = folder, header, dict(clusters)
        self.model: str = header["model"]
        self.taxonomy = Taxonomy.parse(json.dumps(header["taxonomy"]).encode(), folder.url)
        self._wrong = frozenset(header["wrong_images"])

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
        header = read_header(folder, HEADER, "a folder of labels", FORMAT_VERSION)
        try:
            data = folder.read_bytes(TABLE)
            if hashlib.sha256(data).hexdigest() != header["table"]:
                msg = "its SHA-256 differs from the one in the header"
                raise ValueError(msg)
            rows = pq.read_table(pa.BufferReader(data)).to_pylist()
            clusters = {row["cluster"]: ClusterLabel(**row) for row in rows}
            return cls(folder, header, clusters)
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            again = "Run `biomedica annotate labels` again."
            msg = f"{folder.path(TABLE)} is damaged: {error}. {again}"
            raise ArchiveError(msg) from error

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
