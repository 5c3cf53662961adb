"""Tables that accompany an archive: one file per block, with a record of its inputs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from biomedica_dataset.io.rules import Count  # noqa: TC001 - for pydantic
from biomedica_dataset.io.tables import read_table
from biomedica_dataset.io.typed import typed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from biomedica_dataset.io.folders import Folder
    from biomedica_dataset.io.tables import Column


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


def block_name(block: int) -> str:
    """Return the name of a block's file, of embeddings and of assignments."""
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


def read_block(
    folder: Folder, block: int, columns: Mapping[str, Column], names: Sequence[str] | None = None
) -> pa.Table:
    """Return the rows of a block, or some of its columns.

    Raises
    ------
    ArchiveError
        The file is broken, or a value is not what its column may hold.
    """
    with folder.reading(block_name(block), AGAIN) as file:
        return read_table(file, columns, names)


def up_to_date_record(folder: Folder, block: int, fingerprint: str) -> BlockRecord | None:
    """Return the record of a block, if it has this fingerprint."""
    record = read_record(folder, block)
    return record if record is not None and record.fingerprint == fingerprint else None


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
