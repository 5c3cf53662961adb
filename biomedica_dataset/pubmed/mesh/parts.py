"""Parts of a MeSH table: the wanted records of one source file, kept for the next run.

A part says what it was made of. While that stays the same it is not made again: so a run that was
stopped goes on, and a monthly run reads only the new files.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from .join import Records
from .parse_citations import CitationError, parse_pieces
from .split_records import DELETED, Ids, Piece, ids_of
from .table_schema import as_metadata, part_schema, part_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from biomedica_dataset.io.folders import Folder

    from .article_ids import Filter
    from .citation import Citation

PARTS = ".parts"
"""Folder of the parts; the table does not need it once it is written."""

CODE = 1
"""Raised when parts must be made anew, since the reader reads better."""

_HEADER = b"biomedica_pubmed_part"
_BATCH = 2_048  # records looked at together
_ROW_GROUP = 8_192


@dataclass(slots=True)
class PartMaker:
    """Gathers the wanted records of one source, in its order.

    Attributes
    ----------
    counts
        Records seen, and what became of them.
    """

    wanted: Filter
    counts: Counter[str] = field(default_factory=Counter)
    _pieces: list[Piece] = field(default_factory=list)
    _tables: list[pa.Table] = field(default_factory=list)

    def add(self, pieces: Iterable[Piece]) -> None:
        """Take records in: only those that are wanted are parsed."""
        for piece in pieces:
            self._pieces.append(piece)
            if len(self._pieces) == _BATCH:
                self._look()
        self._look()

    def add_citations(self, citations: Sequence[Citation]) -> None:
        """Take records in that were parsed already."""
        self._tables.append(part_table(citations))

    def write(self, folder: Folder, name: str, made_of: dict[str, Any]) -> None:
        """Write the part."""
        header = {"made_of": made_of, "counts": dict(sorted(self.counts.items()))}
        schema = part_schema().with_metadata({_HEADER: as_metadata(header)})
        table = pa.concat_tables([part_schema().empty_table(), *self._tables]).combine_chunks()
        with folder.create() as file:
            with pq.ParquetWriter(file, schema, compression="zstd") as writer:
                writer.write_table(table.replace_schema_metadata(schema.metadata), _ROW_GROUP)
            file.publish(f"{PARTS}/{name}")

    def _look(self) -> None:
        pieces, self._pieces = self._pieces, []
        taken_back = [piece for piece in pieces if piece.name in DELETED]
        records = [piece for piece in pieces if piece.name not in DELETED]
        ids = [ids_of(piece.data) for piece in records]
        wants = self.wanted.wants(ids).tolist()
        kept = [i for i, is_wanted in enumerate(wants) if is_wanted]
        self.counts["seen"] += len(records)
        self.counts["not_wanted"] += len(records) - len(kept)
        citations = self._parse([records[i] for i in kept], [ids[i] for i in kept])
        self.counts["kept"] += len(citations)
        citations += self._deleted(taken_back)
        if citations:
            self.add_citations(citations)

    def _parse(self, pieces: Sequence[Piece], ids: Sequence[Ids]) -> list[Citation]:
        try:
            return parse_pieces(pieces, ids)
        except CitationError:
            if len(pieces) == 1:
                self.counts["unreadable"] += 1
                return []
        each = zip(pieces, ids, strict=True)
        return [citation for piece, own in each for citation in self._parse([piece], [own])]

    def _deleted(self, pieces: Sequence[Piece]) -> list[Citation]:
        """Return all take-backs: a record may be wanted by another id than its PMID."""
        citations = parse_pieces(pieces)
        self.counts["taken_back"] += len(citations)
        return citations


def read_header(folder: Folder, name: str) -> dict[str, Any] | None:
    """Return what a part says of itself, ``None`` where there is none that can be read."""
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
    """Return the ids of all records of parts, and the row at which each begins, and the end."""
    columns = ["pmid", "version", "pmcid", "doi", "kind"]
    tables = []
    for name in names:
        with folder.open(f"{PARTS}/{name}") as file:
            tables.append(pq.read_table(file, columns=columns))
    whole = pa.concat_tables([part_schema().empty_table().select(columns), *tables])
    pmids, versions, pmcids, dois = (whole[name].to_numpy() for name in columns[:4])
    deleted = pc.equal(whole["kind"], "deleted").to_numpy()
    starts = [0]
    for table in tables:
        starts.append(starts[-1] + table.num_rows)
    return Records(pmids, versions, pmcids, dois, deleted), starts


def read_rows(folder: Folder, name: str, rows: Sequence[int], columns: Sequence[str]) -> pa.Table:
    """Return some rows of a part."""
    with folder.open(f"{PARTS}/{name}") as file:
        table = pq.read_table(file, columns=list(columns))
    return table.take(pa.array(rows, pa.int64())).replace_schema_metadata(None)
