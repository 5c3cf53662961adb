"""What a finished shard is made of and holds: its files, and the record that is written last."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from biomedica_dataset.schema import IndexRow

from .parquet import TableWriter
from .splits import SPLITS, Splits

if TYPE_CHECKING:
    from biomedica_dataset.io.folders import Folder

RECORDS = ".shards"
"""Folder of the records; it stays with the maker and is no part of the dataset."""

AGAIN = "Remove it, if it is there, and serialize again."
"""What helps where a file of a shard cannot be read."""

_RECORD = b"biomedica_shard"


@dataclass(frozen=True, slots=True)
class ShardFile:
    """One Parquet file of the dataset.

    Parameters
    ----------
    memory
        Bytes of its columns before compression.
    """

    path: str
    config: str
    rows: int
    bytes: int
    memory: int
    sha256: str

    @property
    def split(self) -> str:
        """The split of its rows, by the folder it lies in."""
        return next((part for part in self.path.split("/") if part in SPLITS), SPLITS[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardRecord:
    """What a finished shard is made of and holds.

    Parameters
    ----------
    fingerprint, vectors
        Digests of what its rows and its vectors are made of; ``vectors`` is empty where none are
        joined.
    articles, figures, labels, embedded
        Counts by what became of them.
    """

    shard: int
    fingerprint: str
    vectors: str = ""
    files: list[ShardFile] = field(default_factory=list)
    articles: dict[str, int] = field(default_factory=dict)
    figures: dict[str, int] = field(default_factory=dict)
    labels: dict[str, int] = field(default_factory=dict)
    embedded: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def is_whole(self, output: Folder) -> bool:
        """Whether the files of the shard are there, as long as they were."""
        return all(
            output.exists(file.path) and output.size(file.path) == file.bytes for file in self.files
        )


def record_name(shard: int) -> str:
    """Return the name of a shard's record."""
    return f"{RECORDS}/{shard:06d}.parquet"


def read_record(output: Folder, shard: int) -> ShardRecord | None:
    """Return the record of a shard, or ``None`` where it is not finished."""
    name = record_name(shard)
    if not output.exists(name):
        return None
    with output.reading(name, AGAIN) as file:
        stored = json.loads(pq.read_metadata(file).metadata[_RECORD])
        stored["files"] = [ShardFile(**entry) for entry in stored["files"]]
        return ShardRecord(**stored)


def read_index(output: Folder, shard: int) -> pa.Table:
    """Return the index rows of a finished shard."""
    name = record_name(shard)
    with output.reading(name, AGAIN) as file:
        return pq.read_table(file).replace_schema_metadata(None)


def write_record(output: Folder, record: ShardRecord, index: pa.Table) -> None:
    """Write the record of a shard, and in it the shard's rows of the index."""
    metadata = {_RECORD: json.dumps(asdict(record), sort_keys=True).encode()}
    with output.create() as file:
        writer = TableWriter(file, IndexRow, metadata)
        writer.write_table(index)
        writer.close()
        file.publish(record_name(record.shard))


def shard_path(config: str, group: str, split: str, shard: int, splits: Splits) -> str:
    """Return where the rows of one table, licence group and split of a shard lie."""
    pictures = f"{group}/{split}/{shard:06d}.parquet"
    return pictures if config == group else path_beside(pictures, config, splits)


def path_beside(pictures: str, config: str, splits: Splits) -> str:
    """Return where another table has the rows of a file of pictures."""
    group, split, name = pictures.split("/")
    return f"{config}/{group}{splits.below(split)}/{name}"
