"""What the source holds: the (key, ETag) list of all article versions.

PMC writes an inventory a day: a manifest that names gzipped CSV files of bucket, key, date and ETag. The ETag of a
version's metadata JSON changes when any of its objects changes.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import SourceError, UsageError
from .source import NetworkFailedError, Source, TooLargeError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

REPORTS = "inventory-reports/pmc-oa-opendata/metadata"
_KEY = r"^metadata/PMC(?P<pmcid>[1-9]\d{0,17})\.(?P<version>[1-9]\d{0,8})\.json$"
_DATE = re.compile(r"\d{4}-\d\d-\d\d(T\d\d-\d\dZ)?")
_MANIFEST_LIMIT = 2**20
_FILE_LIMIT = 2**32


@dataclass(frozen=True, slots=True)
class Version:
    """One article version as the inventory lists it."""

    pmcid: int
    version: int
    etag: str

    @property
    def name(self) -> str:
        """Such as ``PMC13900.1``."""
        return f"PMC{self.pmcid}.{self.version}"

    @property
    def key(self) -> str:
        """Key of its metadata JSON."""
        return f"metadata/{self.name}.json"


class Inventory:
    """Article versions sorted by PMCID and version.

    Parameters
    ----------
    table
        Columns ``pmcid`` (int64), ``version`` (int32), ``etag`` (string), in any order, without repeats.
    date
        When the source wrote it, or ``None`` for a listing made now.
    """

    def __init__(self, table: pa.Table, date: str | None) -> None:
        keys = [("pmcid", "ascending"), ("version", "ascending")]
        self.table = table.sort_by(keys).combine_chunks()
        self.date = date

    @classmethod
    def of(cls, versions: Sequence[Version], date: str | None = None) -> Inventory:
        """Return an inventory of a few versions."""
        import pyarrow as pa

        columns = {
            "pmcid": pa.array([v.pmcid for v in versions], pa.int64()),
            "version": pa.array([v.version for v in versions], pa.int32()),
            "etag": pa.array([v.etag for v in versions], pa.string()),
        }
        return cls(pa.table(columns), date)

    def __len__(self) -> int:
        """Return the number of article versions."""
        return int(self.table.num_rows)

    def pmcids(self) -> Any:  # noqa: ANN401 - a numpy array
        """Return the distinct PMCIDs, ascending, as int64 of shape (n,)."""
        import numpy as np

        return np.unique(self.table["pmcid"].to_numpy())

    def only(self, pmcids: Sequence[int]) -> Inventory:
        """Return the part of some PMCIDs."""
        import pyarrow as pa
        import pyarrow.compute as pc

        wanted = pc.is_in(self.table["pmcid"], value_set=pa.array(pmcids, pa.int64()))
        return Inventory(self.table.filter(wanted), self.date)

    def blocks(self, width: int) -> Iterator[tuple[int, Inventory]]:
        """Yield each block's number and part: the PMCIDs with the same ``id // width``."""
        import numpy as np

        numbers = self.table["pmcid"].to_numpy() // width
        starts = np.flatnonzero(np.diff(numbers, prepend=-1))
        ends = [*starts[1:].tolist(), len(numbers)]
        for start, end in zip(starts.tolist(), ends, strict=True):
            part = object.__new__(Inventory)
            part.table, part.date = self.table.slice(start, end - start), self.date
            yield int(numbers[start]), part

    def digest(self) -> str:
        """Return the SHA-256 of the (key, ETag) list."""
        import pyarrow.compute as pc

        line = pc.binary_join_element_wise(
            pc.cast(self.table["pmcid"], "string"),
            pc.cast(self.table["version"], "string"),
            self.table["etag"],
            "\t",
        )
        digest = hashlib.sha256()
        for chunk in line.chunks:
            digest.update(pc.binary_join(_as_list(chunk), "\n")[0].as_buffer())
            digest.update(b"\n")
        return digest.hexdigest()

    def versions(self) -> list[Version]:
        """Return the article versions, by PMCID and version."""
        columns = (self.table[name].to_pylist() for name in ("pmcid", "version", "etag"))
        return [Version(*row) for row in zip(*columns, strict=True)]


def read_inventory(source: Source, which: str | None = None) -> Inventory:
    """Return the newest complete inventory of a source, or the one named.

    Parameters
    ----------
    which
        A date such as ``2026-11-20`` or ``2026-11-20T01-00Z``, or a local file: a manifest's CSV, gzipped or not.

    Raises
    ------
    UsageError
        No such date or file.
    SourceError
        It cannot be read, or the source cannot be listed.
    """
    if which is None:
        return asyncio.run(_newest(source))
    if Path(which).is_file():
        return _parse([Path(which).read_bytes()], None)
    if not _DATE.fullmatch(which):
        msg = f"inventory {which!r} is neither a file nor a date such as 2026-11-20 or 2026-11-20T01-00Z"
        raise UsageError(msg)
    date = which if "T" in which else f"{which}T01-00Z"
    found = asyncio.run(_dated(source, date))
    if found is None:
        msg = f"{source.url} has no complete inventory of {date}; reports are kept for 30 days"
        raise UsageError(msg)
    return found


async def _newest(source: Source) -> Inventory:
    dates = [name for name in await source.folders(REPORTS) if _DATE.fullmatch(name)]
    for date in reversed(dates):  # the newest may still be being written
        found = await _dated(source, date)
        if found is not None:
            return found
    msg = f"{source.url} holds no inventory below {REPORTS}/; is it the PMC bucket or a copy of it?"
    raise SourceError(msg)


async def _dated(source: Source, date: str) -> Inventory | None:
    key = f"{REPORTS}/{date}/manifest.json"
    try:
        manifest = json.loads(await source.get(key, limit=_MANIFEST_LIMIT))
        files = [(str(f["key"]), str(f["MD5checksum"])) for f in manifest["files"]]
    except UnavailableError:
        return None
    except (ValueError, KeyError, TypeError, NetworkFailedError, TooLargeError) as error:
        msg = f"{source.url}/{key} cannot be read: {error!r}"
        raise SourceError(msg) from error
    return _parse([await _inventory_file(source, *file) for file in files], date)


async def _inventory_file(source: Source, key: str, md5: str) -> bytes:
    for _attempt in range(3):
        try:
            data = await source.get(key, limit=_FILE_LIMIT)
        except (UnavailableError, NetworkFailedError, TooLargeError) as error:
            msg = f"{source.url}/{key}, a part of the inventory, cannot be read: {error}"
            raise SourceError(msg) from error
        if hashlib.md5(data).hexdigest() == md5:  # noqa: S324 - what the manifest promises
            return data
    msg = f"{source.url}/{key}, a part of the inventory, differs from the MD5 {md5} that its manifest gives"
    raise SourceError(msg)


def _parse(files: list[bytes], date: str | None) -> Inventory:
    import pyarrow as pa

    try:
        tables = [_parse_file(data) for data in files]
    except (pa.ArrowInvalid, OSError) as error:
        msg = f"the inventory is no CSV of bucket, key, date and ETag: {error}"
        raise SourceError(msg) from error
    table = pa.concat_tables(tables)
    return Inventory(table, date)


def _parse_file(data: bytes) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import csv

    names = ["bucket", "key", "date", "etag"]
    opened: Any = io.BytesIO(data)
    if data[:2] == b"\x1f\x8b":
        opened = pa.CompressedInputStream(pa.py_buffer(data), "gzip")
    table = csv.read_csv(
        opened,
        read_options=csv.ReadOptions(column_names=names),
        convert_options=csv.ConvertOptions(
            include_columns=["key", "etag"], column_types={"key": pa.string(), "etag": pa.string()}
        ),
    )
    parts = pc.extract_regex(table["key"], _KEY)
    table = table.filter(pc.is_valid(parts))
    parts = pc.drop_null(parts)
    return pa.table(
        {
            "pmcid": pc.cast(pc.struct_field(parts, "pmcid"), pa.int64()),
            "version": pc.cast(pc.struct_field(parts, "version"), pa.int32()),
            "etag": table["etag"],
        }
    )


def _as_list(strings: pa.Array) -> pa.Array:
    """Return an array of one list that holds all the strings."""
    import pyarrow as pa

    return pa.ListArray.from_arrays(pa.array([0, len(strings)], pa.int32()), strings)
