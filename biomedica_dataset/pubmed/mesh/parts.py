"""Parts of a MeSH table: the records kept of one source file, cached for the next run.

A part stores the fingerprint of its sources and is reused while that stays the same. So a stopped
run resumes, and a monthly run reads only new files.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from biomedica_dataset.io.tables import read_table

from .join import Records
from .parse_citations import CitationError, parse_records
from .split_records import DELETED, Ids, Record, ids_of
from .table_schema import as_metadata, part_columns, part_schema, part_table

if TYPE_CHECKING:
    from biomedica_dataset.io.folders import Folder

    from .article_ids import Filter
    from .citation import Citation

PARTS = ".parts"
"""Folder of the parts; the finished table does not need it."""

CODE = 1
"""Version of the reader; raise it to make all parts again."""

_HEADER = b"biomedica_pubmed_part"
_BATCH = 2_048  # records filtered together
_ROW_GROUP = 8_192


@dataclass(slots=True)
class PartMaker:
    """Collects the records to keep of one source, in its order.

    Attributes
    ----------
    counts
        Number of records by outcome.
    """

    wanted: Filter
    counts: Counter[str] = field(default_factory=Counter)
    _pending: list[Record] = field(default_factory=list)
    _tables: list[pa.Table] = field(default_factory=list)

    def add(self, records: Iterable[Record]) -> None:
        """Add records; only those to keep are parsed."""
        for record in records:
            self._pending.append(record)
            if len(self._pending) == _BATCH:
                self._filter()
        self._filter()

    def add_citations(self, citations: Sequence[Citation]) -> None:
        """Add parsed records."""
        self._tables.append(part_table(citations))

    def write(self, folder: Folder, name: str, fingerprint: dict[str, Any]) -> None:
        """Write the part."""
        header = {"made_of": fingerprint, "counts": dict(sorted(self.counts.items()))}
        schema = part_schema().with_metadata({_HEADER: as_metadata(header)})
        table = pa.concat_tables([part_schema().empty_table(), *self._tables]).combine_chunks()
        with folder.create() as file:
            with pq.ParquetWriter(file, schema, compression="zstd") as writer:
                writer.write_table(table.replace_schema_metadata(schema.metadata), _ROW_GROUP)
            file.publish(f"{PARTS}/{name}")

    def _filter(self) -> None:
        pending, self._pending = self._pending, []
        withdrawals = [record for record in pending if record.name in DELETED]
        records = [record for record in pending if record.name not in DELETED]
        ids = [ids_of(record.data) for record in records]
        wants = self.wanted.wants(ids).tolist()
        kept = [i for i, is_wanted in enumerate(wants) if is_wanted]
        self.counts["seen"] += len(records)
        self.counts["not_wanted"] += len(records) - len(kept)
        citations = self._parse([records[i] for i in kept], [ids[i] for i in kept])
        self.counts["kept"] += len(citations)
        # All of them: a record may be kept by another id than its PMID.
        taken_back = parse_records(withdrawals)
        self.counts["taken_back"] += len(taken_back)
        if citations or taken_back:
            self.add_citations(citations + taken_back)

    def _parse(self, records: Sequence[Record], ids: Sequence[Ids]) -> list[Citation]:
        try:
            return parse_records(records, ids)
        except CitationError:
            if len(records) == 1:
                self.counts["unreadable"] += 1
                return []
        each = zip(records, ids, strict=True)
        return [citation for record, own in each for citation in self._parse([record], [own])]


def read_header(folder: Folder, name: str) -> dict[str, Any] | None:
    """Return the header of a part, or ``None`` if it is missing or unreadable."""
    path = f"{PARTS}/{name}"
    if not folder.exists(path):
        return None
    try:
        with folder.open(path) as file:
            header: dict[str, Any] = json.loads(pq.read_metadata(file).metadata[_HEADER])
    except (OSError, KeyError, ValueError, TypeError, RecursionError):
        return None  # made again
    return header


def read_records(folder: Folder, names: Sequence[str]) -> tuple[Records, list[int]]:
    """Return the ids of all records, the first row of each part, and the end."""
    columns = ["pmid", "version", "pmcid", "doi", "kind"]
    tables = [_read(folder, name, columns) for name in names]
    whole = pa.concat_tables([part_schema().empty_table().select(columns), *tables])
    pmids, versions, pmcids, dois = (whole[name].to_numpy() for name in columns[:4])
    deleted = pc.equal(whole["kind"], "deleted").to_numpy()
    starts = accumulate((table.num_rows for table in tables), initial=0)
    return Records(pmids, versions, pmcids, dois, deleted), list(starts)


def read_rows(folder: Folder, name: str, rows: Sequence[int], columns: Sequence[str]) -> pa.Table:
    """Return some rows of a part."""
    return _read(folder, name, columns).take(pa.array(rows, pa.int64()))


def _read(folder: Folder, name: str, columns: Sequence[str]) -> pa.Table:
    with folder.reading(f"{PARTS}/{name}", "Remove it and run the same command again.") as file:
        return read_table(file, part_columns(), columns)
