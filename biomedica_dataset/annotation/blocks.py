"""Tables that accompany an archive: a header, and one file per block with a record."""

from __future__ import annotations

import json
import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from biomedica_dataset.engine.fingerprint import digest_of
from biomedica_dataset.errors import UsageError
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.io.headers import begin_folder, read_header
from biomedica_dataset.io.rules import Count  # noqa: TC001 - for pydantic
from biomedica_dataset.io.tables import Column, read_table
from biomedica_dataset.io.typed import typed

AGAIN = "Remove it, if it is there, and run the same command again."
"""What to do if a block cannot be read."""


RECORD = b"biomedica_block"


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockRecord:
    """The inputs and the contents of a finished block.

    Parameters
    ----------
    counts
        Number of images by outcome: ``kept``, or the reason why there is no vector.
    problems
        Keys without a vector, each with the reason.
    """

    fingerprint: str
    counts: dict[str, Count] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


class BlockHeader(Protocol):
    """What the header of every folder of block tables says: PMCIDs per block."""

    @property
    def width(self) -> int:
        """PMCIDs per block."""


Header = TypeVar("Header", bound=BlockHeader)


class BlockTables(ABC, Generic[Header]):
    """A folder with a header that says what made it, and a Parquet file per block.

    Parameters
    ----------
    folder
        Where the files are.
    header
        A dataclass, stored as JSON.

    Attributes
    ----------
    what
        What the folder is, for messages, such as ``a folder of panels``.
    name, version, header_type
        The name, format version and dataclass of the header.
    """

    what: ClassVar[str]
    name: ClassVar[str]
    version: ClassVar[int] = 1
    header_type: ClassVar[type]

    def __init__(self, folder: Folder, header: Header) -> None:
        self.folder, self.header = folder, header

    @property
    def width(self) -> int:
        """PMCIDs per block."""
        return self.header.width

    @classmethod
    def open(cls, url: str | os.PathLike[str]) -> Self:
        """Open a folder.

        Raises
        ------
        UsageError
            The folder is something else, or of another format version.
        """
        folder = Folder(url)
        return cls(folder, read_header(folder, cls.name, cls.what, cls.version, cls.header_type))

    @classmethod
    def begin(cls, folder: Folder, header: Header) -> Self:
        """Begin an empty folder, or resume one with the same header.

        Raises
        ------
        UsageError
            The folder is something else, or has another header.
        """
        stored = asdict(header)  # type: ignore[call-overload]
        found: Header = begin_folder(
            folder, cls.name, cls.what, cls.version, stored, cls.header_type
        )
        there = cls(folder, found)
        if found != header:
            raise UsageError(there.difference(header))
        return there

    def check_width(self, width: int, again: str) -> None:
        """Refuse tables of another archive.

        Parameters
        ----------
        width
            PMCIDs per block of the archive.
        again
            What to do, such as ``embed this archive``.

        Raises
        ------
        UsageError
            Blocks have another width.
        """
        if self.width != width:
            msg = (
                f"{self.folder.url} was made from an archive with blocks of {self.width} PMCIDs; "
                f"this one has {width}; {again}"
            )
            raise UsageError(msg)

    @abstractmethod
    def difference(self, header: Header) -> str:
        """Return why the folder cannot go on with another header."""

    @property
    @abstractmethod
    def columns(self) -> dict[str, Column]:
        """What the columns of a block may hold."""

    @property
    def made(self) -> str:
        """What the tables are, for the card."""
        return self.what

    def state(self) -> str:
        """Return a digest of the header and of what each block was made from."""
        records = [(block, read_record(self.folder, block)) for block in self.blocks()]
        return digest_of(self.header, [(n, one.fingerprint) for n, one in records if one])

    def blocks(self) -> list[int]:
        """Return the numbers of the finished blocks, ascending."""
        return block_numbers(self.folder)

    def read(self, block: int, names: Sequence[str] | None = None) -> pa.Table:
        """Return the rows of a block, or some of its columns.

        Raises
        ------
        ArchiveError
            The file is broken, or a value is not what its column may hold.
        """
        with self.folder.reading(block_name(block), AGAIN) as file:
            return read_table(file, self.columns, names)

    def read_beside(self, name: str, columns: Mapping[str, Column]) -> pa.Table:
        """Return a table that lies beside the blocks.

        Raises
        ------
        ArchiveError
            See `read`.
        """
        with self.folder.reading(name, AGAIN) as file:
            return read_table(file, columns)

    def write_beside(self, name: str, table: pa.Table) -> None:
        """Write a table beside the blocks."""
        with self.folder.create() as file:
            pq.write_table(table, file, compression="zstd", write_page_checksum=True)
            file.publish(name)

    def read_all(self, names: Sequence[str]) -> pa.Table:
        """Return some columns of all blocks, in order."""
        empty = pa.schema([(name, self.columns[name].type) for name in names]).empty_table()
        return pa.concat_tables([empty, *(self.read(block, names) for block in self.blocks())])


def block_name(block: int) -> str:
    """Return the name of a block's file."""
    return f"blocks/{block:07d}.parquet"


def block_numbers(folder: Folder) -> list[int]:
    """Return the numbers of the finished blocks, ascending."""
    names = (name.removesuffix(".parquet") for name in folder.names("blocks"))
    return sorted(int(name) for name in names if name.isdecimal())


def read_record(folder: Folder, block: int) -> BlockRecord | None:
    """Return the record of a block, or ``None`` if it is not finished.

    Raises
    ------
    ArchiveError
        The file is broken.
    """
    name = block_name(block)
    if not folder.exists(name):
        return None
    with folder.reading(name, AGAIN) as file:
        return typed(BlockRecord, pq.read_metadata(file).metadata[RECORD])


def write_block(folder: Folder, block: int, table: pa.Table, record: BlockRecord) -> None:
    """Write a block."""
    metadata = {RECORD: json.dumps(asdict(record), sort_keys=True).encode()}
    with folder.create() as file:
        stored = table.replace_schema_metadata(metadata)
        texts = [field.name for field in table.schema if field.type == pa.string()]
        packed = {field.name: "zstd" if field.name in texts else "none" for field in table.schema}
        options: Any = {"compression": packed, "write_page_checksum": True}
        pq.write_table(stored, file, use_dictionary=False, **options)
        file.publish(block_name(block))


def remove_blocks_except(folder: Folder, blocks: Iterable[int]) -> None:
    """Remove the blocks that the source no longer has."""
    for gone in set(block_numbers(folder)) - set(blocks):
        folder.remove(block_name(gone))
