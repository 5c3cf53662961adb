"""Tables beside an archive, a file a block, each with a record of what it was made of."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from biomedica_dataset.errors import UsageError
from biomedica_dataset.io.failures import reading

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from biomedica_dataset.io.folders import Folder


AGAIN = "Remove it, if it is there, and run the same command again."
"""What helps where a block cannot be read."""


RECORD = b"biomedica_block"


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockRecord:
    """What a finished block is made of and holds.

    Parameters
    ----------
    counts
        Images by what became of them: ``kept``, or the reason for which they have no vector.
    problems
        Keys without a vector, with the reason.
    """

    fingerprint: str
    counts: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def block_name(block: int) -> str:
    """Return the name of a block's file, of embeddings and of assignments."""
    return f"blocks/{block:07d}.parquet"


def block_numbers(folder: Folder) -> list[int]:
    """Return the numbers of the finished blocks, ascending."""
    names = (name.removesuffix(".parquet") for name in folder.names("blocks"))
    return sorted(int(name) for name in names if name.isdecimal())


def read_record(folder: Folder, block: int) -> BlockRecord | None:
    """Return the record of a block, or ``None`` where it is not finished.

    Raises
    ------
    ArchiveError
        The file is broken.
    """
    name = block_name(block)
    if not folder.exists(name):
        return None
    with folder.reading(name, AGAIN) as file:
        return BlockRecord(**json.loads(pq.read_metadata(file).metadata[RECORD]))


def read_block(folder: Folder, block: int, columns: list[str] | None = None) -> pa.Table:
    """Return the rows of a block, or some of its columns.

    Raises
    ------
    ArchiveError
        The file is broken.
    """
    name = block_name(block)
    with folder.reading(name, AGAIN) as file:
        return pq.read_table(file, columns=columns, page_checksum_verification=True)


def stale_blocks(folder: Folder, blocks: Sequence[int], made_of: Callable[[int], str]) -> list[int]:
    """Return the blocks that are not there, or made of something else than they would be now."""
    same = folder.map(lambda block: up_to_date_record(folder, block, made_of(block)), blocks)
    return [block for block, record in zip(blocks, same, strict=True) if record is None]


def up_to_date_record(folder: Folder, block: int, made_of: str) -> BlockRecord | None:
    """Return the record of a block, if it is made of that."""
    record = read_record(folder, block)
    return record if record is not None and record.fingerprint == made_of else None


def write_block(folder: Folder, block: int, table: pa.Table, record: BlockRecord) -> None:
    """Write a block at once."""
    metadata = {RECORD: json.dumps(asdict(record), sort_keys=True).encode()}
    with folder.create() as file:
        told = table.replace_schema_metadata(metadata)
        texts = [field.name for field in table.schema if field.type == pa.string()]
        packed = {field.name: "zstd" if field.name in texts else "none" for field in table.schema}
        options: Any = {"compression": packed, "write_page_checksum": True}
        pq.write_table(told, file, use_dictionary=False, **options)
        file.publish(block_name(block))


def read_header(folder: Folder, name: str, what: str, version: int) -> dict[str, Any]:
    """Return the header of a folder of ours.

    Raises
    ------
    UsageError
        It has none, or one of another version.
    """
    if not folder.exists(name):
        msg = f"{folder.url} holds no {what}: it has no {name}"
        raise UsageError(msg)
    with reading(folder.path(name), "Put it back, or make the folder anew."):
        header: dict[str, Any] = json.loads(folder.read_bytes(name))
        found = header["format_version"]
    if found != version:
        msg = f"{folder.path(name)} has format version {found}; this package reads {version}"
        raise UsageError(msg)
    return header
