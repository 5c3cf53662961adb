"""A finished shard: its files, and its record, which is written last."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Annotated

import pyarrow as pa
import pyarrow.parquet as pq

from biomedica_dataset.io.rules import Count, Form, OneOf, Sha256
from biomedica_dataset.io.typed import typed
from biomedica_dataset.licenses import LICENSE_GROUPS
from biomedica_dataset.schema import TABLES, IndexRow

from .attributes import CONFIG as ATTRIBUTES
from .attributes import NAME
from .index_rows import read_index_table
from .parquet import TableWriter
from .splits import SPLITS, Splits

if TYPE_CHECKING:
    from biomedica_dataset.io.folders import Folder

RECORDS = ".shards"
"""Folder of the records; it is not published with the dataset."""

AGAIN = "Remove it, if it exists, and serialize again."
"""What to do if a file of a shard cannot be read."""

_RECORD = b"biomedica_shard"
_ONLY = "-only.parquet"
_TABLES = tuple(config for config in TABLES if config != "all")
_CONFIGS = (*_TABLES, ATTRIBUTES)
SHARD_PATH = Form(
    rf"(?:{ATTRIBUTES}/{NAME.pattern}|"
    rf"(?:{'|'.join(_TABLES)})(?:/(?:{'|'.join(LICENSE_GROUPS)}))?(?:/(?:{'|'.join(SPLITS)}))?)"
    r"/[A-Za-z0-9_-]+\.parquet",
    "the path of a shard, such as commercial/train/000000.parquet",
)
"""Where a dataset folder may have Parquet files."""


@dataclass(frozen=True, slots=True)
class ShardFile:
    """One Parquet file of the dataset.

    Parameters
    ----------
    memory
        Bytes of its columns before compression.
    """

    path: Annotated[str, SHARD_PATH]
    config: Annotated[str, OneOf(_CONFIGS)]
    rows: Count
    bytes: Count
    memory: Count
    sha256: Sha256

    def __post_init__(self) -> None:
        """Check that the file is in the folder of its table."""
        if self.path.partition("/")[0] != self.config:
            msg = f"{self.path} is not a path of the config {self.config}"
            raise ValueError(msg)

    @property
    def split(self) -> str:
        """The split of its rows, from its folder."""
        return next((part for part in self.path.split("/") if part in SPLITS), SPLITS[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardRecord:
    """The inputs and the contents of a finished shard.

    Parameters
    ----------
    fingerprint, vectors
        Fingerprints of the inputs of its rows and its vectors; ``vectors`` is empty if none are
        joined.
    articles, figures, labels, embedded, images
        Counts by outcome; ``images`` is empty if they were not decoded.
    split_figures, panels
        Figures by whether they were split into panels, and panels by the outcome of their figure;
        empty if no panels are joined.
    document_figures, document_tables
        Kept figures, and tables, by whether the document of their article has them; empty without
        documents.
    undecodable
        Keys of images that cannot be decoded, each with the reason.
    """

    shard: Count
    fingerprint: str
    vectors: str = ""
    files: list[ShardFile] = field(default_factory=list)
    articles: dict[str, Count] = field(default_factory=dict)
    figures: dict[str, Count] = field(default_factory=dict)
    labels: dict[str, Count] = field(default_factory=dict)
    embedded: dict[str, Count] = field(default_factory=dict)
    images: dict[str, Count] = field(default_factory=dict)
    split_figures: dict[str, Count] = field(default_factory=dict)
    panels: dict[str, Count] = field(default_factory=dict)
    document_figures: dict[str, Count] = field(default_factory=dict)
    document_tables: dict[str, Count] = field(default_factory=dict)
    undecodable: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def is_whole(self, output: Folder) -> bool:
        """Whether the files of the shard exist and have their original sizes."""
        return all(
            output.exists(file.path) and output.size(file.path) == file.bytes for file in self.files
        )


def record_name(shard: int) -> str:
    """Return the name of a shard's record."""
    return f"{RECORDS}/{shard:06d}.parquet"


def read_record(output: Folder, shard: int) -> ShardRecord | None:
    """Return the record of a shard, or ``None`` if it is not finished."""
    name = record_name(shard)
    if not output.exists(name):
        return None
    with output.reading(name, AGAIN) as file:
        return typed(ShardRecord, pq.read_metadata(file).metadata[_RECORD])


def read_index(output: Folder, shard: int) -> pa.Table:
    """Return the index rows of a finished shard."""
    with output.reading(record_name(shard), AGAIN) as file:
        return read_index_table(file)


def write_record(output: Folder, record: ShardRecord, index: pa.Table) -> None:
    """Write the record of a shard, which contains the shard's rows of the index."""
    metadata = {_RECORD: json.dumps(asdict(record), sort_keys=True).encode()}
    with output.create() as file:
        writer = TableWriter(file, IndexRow, metadata)
        writer.write_table(index)
        writer.close()
        file.publish(record_name(record.shard))


def shard_path(config: str, group: str, split: str, shard: int, splits: Splits) -> str:
    """Return the path of the rows of one table, licence group and split of a shard."""
    images = f"{group}/{split}/{shard:06d}.parquet"
    return images if config == group else path_beside(images, config, splits)


def caption_only_path(captions: str) -> str:
    """Return the path of the captions of a shard whose images were not fetched.

    They have a file of their own, so that those of images stay row by row beside these.

    Examples
    --------
    >>> caption_only_path("captions/commercial/000012.parquet")
    'captions/commercial/000012-only.parquet'
    """
    return captions.removesuffix(".parquet") + _ONLY


def is_caption_only(file: ShardFile) -> bool:
    """Whether a file has captions of images that were not fetched."""
    return file.config == "captions" and file.path.endswith(_ONLY)


def path_beside(images: str, config: str, splits: Splits) -> str:
    """Return the path in another table of the rows of a file of images."""
    group, split, name = images.split("/")
    return f"{config}/{group}{splits.below(split)}/{name}"
