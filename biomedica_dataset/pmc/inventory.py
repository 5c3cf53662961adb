"""The inventory of a source: the (key, ETag) list of all article versions.

PMC writes one inventory a day: a manifest that lists gzipped CSV files of bucket, key, date and
ETag. The ETag of a version's metadata JSON changes when any of its objects changes.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biomedica_dataset.errors import SourceError, UsageError
from biomedica_dataset.io.async_runner import run_async

from .etags import md5_of
from .source import NetworkFailedError, Source, TooLargeError, UnavailableError

if TYPE_CHECKING:
    import pyarrow as pa

REPORTS = "inventory-reports/pmc-oa-opendata/metadata"
KEY = re.compile(r"metadata/PMC(?P<pmcid>[1-9]\d{0,17})\.(?P<version>[1-9]\d{0,8})\.json")
"""Keys of metadata JSONs."""

_DATE = re.compile(r"\d{4}-\d\d-\d\d(T\d\d-\d\dZ)?")
_COLUMNS = ("bucket", "key", "lastmodifieddate", "etag")
_MANIFEST_LIMIT = 2**20
_FILE_LIMIT = 2**32
_TRIES = 3


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
    """Unique article versions sorted by PMCID and version.

    Parameters
    ----------
    table
        Columns ``pmcid`` (int64), ``version`` (int32), ``etag`` (string), in any order; the last
        row of a repeated version counts.
    date
        When the source wrote the inventory, or ``None`` for a listing made now.
    """

    def __init__(self, table: pa.Table, date: str | None) -> None:
        self.table = _sorted(table)
        self.date = date

    @classmethod
    def _of_sorted(cls, table: pa.Table, date: str | None) -> Inventory:
        made: Inventory = object.__new__(cls)
        made.table, made.date = table, date
        return made

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

    def __reduce__(self) -> tuple[Callable[..., Inventory], tuple[pa.Table, str | None]]:
        """Pickle the rows only: Arrow pickles a slice with its whole table."""
        import numpy as np

        return Inventory._of_sorted, (self.table.take(np.arange(len(self))), self.date)

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def pmcids(self) -> Any:
        """Return the distinct PMCIDs, ascending, as int64 of shape (n,)."""
        import numpy as np

        return np.unique(self.table["pmcid"].to_numpy())

    def only(self, pmcids: Sequence[int]) -> Inventory:
        """Return the part with the given PMCIDs."""
        import pyarrow as pa
        import pyarrow.compute as pc

        wanted = pc.is_in(self.table["pmcid"], value_set=pa.array(pmcids, pa.int64()))
        return Inventory._of_sorted(self.table.filter(wanted).combine_chunks(), self.date)

    def only_versions(self, versions: Mapping[int, int]) -> Inventory:
        """Return the part without other versions of some articles than those given by PMCID."""
        import numpy as np
        import pyarrow as pa

        ids, numbers = (self.table[name].to_numpy() for name in ("pmcid", "version"))
        meant = np.array([versions.get(int(pmcid), 0) for pmcid in ids], dtype=np.int64)
        kept = self.table.filter(pa.array((meant == 0) | (meant == numbers))).combine_chunks()
        return Inventory._of_sorted(kept, self.date)

    def blocks(self, width: int) -> Iterator[tuple[int, Inventory]]:
        """Yield each block's number and part: the PMCIDs with the same ``id // width``."""
        import numpy as np

        numbers = self.table["pmcid"].to_numpy() // width
        starts = np.flatnonzero(np.diff(numbers, prepend=-1))
        ends = [*starts[1:].tolist(), len(numbers)][: len(starts)]
        for start, end in zip(starts.tolist(), ends, strict=True):
            part = Inventory._of_sorted(self.table.slice(start, end - start), self.date)
            yield int(numbers[start]), part

    def digest(self) -> str:
        """Return the SHA-256 of the (key, ETag) list."""
        import pyarrow as pa
        import pyarrow.compute as pc

        ids = (pc.cast(self.table[name], "string") for name in ("pmcid", "version"))
        line = pc.binary_join_element_wise(*ids, self.table["etag"], "\t")
        digest = hashlib.sha256()
        for chunk in line.chunks:
            lines = pa.ListArray.from_arrays(pa.array([0, len(chunk)], pa.int32()), chunk)
            digest.update(pc.binary_join(lines, "\n")[0].as_buffer())
            digest.update(b"\n")
        return digest.hexdigest()

    def versions(self) -> list[Version]:
        """Return the article versions, by PMCID and version."""
        columns = (self.table[name].to_pylist() for name in ("pmcid", "version", "etag"))
        return [Version(*row) for row in zip(*columns, strict=True)]


def read_inventory(source: Source, which: str | None) -> Inventory:
    """Return an inventory of the source, or of a file.

    Parameters
    ----------
    which
        A date (``2026-11-20`` or ``2026-11-20T01-00Z``) or a CSV file; by default the newest
        complete inventory.

    Raises
    ------
    UsageError
        ``which`` is neither a date nor a readable file.
    SourceError
        The source has no readable inventory or cannot be listed.
    """
    if which is None:
        found = run_async(_newest(source))
    elif Path(which).is_file():
        found = _local(which)
    elif not _DATE.fullmatch(which):
        msg = f"inventory {which!r} is not a file or a date such as 2026-11-20"
        raise UsageError(msg)
    else:
        date = which if "T" in which else f"{which}T01-00Z"
        dated = run_async(_dated(source, date))
        if dated is None:
            msg = f"{source.url} has no complete inventory of {date}; reports are kept for 30 days"
            raise UsageError(msg)
        found = dated
    if not len(found):  # an empty inventory would empty the archive
        where, advice = f"{found.date or which} of {source.url}", "--inventory DATE_OR_FILE"
        msg = f"the inventory {where} lists no articles; choose another with {advice}"
        raise SourceError(msg)
    return found


def _local(path: str) -> Inventory:
    try:
        return Inventory(_parse(Path(path).read_bytes(), _COLUMNS), None)
    except (ValueError, OSError) as error:  # Arrow's errors are ValueErrors
        msg = f"inventory {path} is not a complete CSV of bucket, key, date and ETag: {error}"
        raise UsageError(msg) from error


async def _newest(source: Source) -> Inventory:
    dates = [name for name in await source.folders(REPORTS) if _DATE.fullmatch(name)]
    for date in reversed(dates):  # the newest may still be incomplete
        found = await _dated(source, date)
        if found is not None:
            return found
    msg = f"{source.url} has no inventory in {REPORTS}/; give the PMC bucket or a copy of it"
    raise SourceError(msg)


async def _dated(source: Source, date: str) -> Inventory | None:
    """Return the inventory of a date, or ``None`` if it is incomplete."""
    import pyarrow as pa

    key = f"{REPORTS}/{date}/manifest.json"
    try:
        manifest = json.loads(await source.get(key, limit=_MANIFEST_LIMIT))
        files = [(str(f["key"]), str(f["MD5checksum"])) for f in manifest["files"]]
        schema = manifest.get("fileSchema") or ",".join(_COLUMNS)
        columns = [name.strip().lower() for name in schema.split(",")]
        tables = []
        for name, md5 in files:
            key = name
            tables.append(_parse(await _inventory_file(source, name, md5), columns))
    except UnavailableError:
        return None
    except (ValueError, LookupError, TypeError, AttributeError, OSError, RecursionError) as error:
        if isinstance(error, SourceError):
            raise
        msg = f"{source.url}/{key} cannot be read as an inventory: {error!r}"
        raise SourceError(msg) from error
    except (NetworkFailedError, TooLargeError) as error:
        msg = f"{source.url}/{key} cannot be read: {error}"
        raise SourceError(msg) from error
    return Inventory(pa.concat_tables(tables), date) if tables else Inventory.of([], date)


async def _inventory_file(source: Source, key: str, md5: str) -> bytes:
    for _attempt in range(_TRIES):
        data = await source.get(key, limit=_FILE_LIMIT)
        if md5_of(data) == md5:
            return data
    msg = f"{source.url}/{key} differs from its MD5 {md5} in the manifest; try again later"
    raise SourceError(msg)


def _parse(data: bytes, columns: Sequence[str]) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import csv

    opened: Any = io.BytesIO(data)
    if data[:2] == b"\x1f\x8b":
        opened = pa.CompressedInputStream(pa.py_buffer(data), "gzip")
    kept = {"key": pa.string(), "etag": pa.string()}
    table = csv.read_csv(
        opened,
        read_options=csv.ReadOptions(column_names=list(columns)),
        convert_options=csv.ConvertOptions(include_columns=list(kept), column_types=kept),
    )
    parts = pc.extract_regex(table["key"], f"^{KEY.pattern}$")
    table = table.filter(pc.is_valid(parts))
    parts = pc.drop_null(parts)
    pmcids = pc.cast(pc.struct_field(parts, "pmcid"), pa.int64())
    versions = pc.cast(pc.struct_field(parts, "version"), pa.int32())
    return pa.table({"pmcid": pmcids, "version": versions, "etag": table["etag"]})


def _sorted(table: pa.Table) -> pa.Table:
    """Return a table sorted by PMCID and version; the last of repeated rows is kept."""
    import numpy as np

    pmcids, versions = (table[name].to_numpy() for name in ("pmcid", "version"))
    order = np.lexsort((versions, pmcids))
    pmcids, versions = pmcids[order], versions[order]
    is_last = np.ones(len(order), bool)
    is_last[:-1] = (np.diff(pmcids) != 0) | (np.diff(versions) != 0)
    return table.take(order[is_last]).combine_chunks()
