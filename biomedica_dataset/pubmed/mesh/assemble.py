"""Writes the MeSH table from its parts: joins records to articles, in order of PMCID."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from .join import MATCHES, NO_ROW, Joined, join
from .parts import read_header, read_records, read_rows
from .table import FORMAT_VERSION, HEADER, MESH
from .table_schema import PAYLOAD, as_metadata, table_schema

if TYPE_CHECKING:
    from biomedica_dataset.io.folders import Folder

    from .article_ids import ArticleIds

_AT_ONCE = 200_000  # articles in memory at once: about 1 GB
_ROW_GROUP = 5_000


def assemble(
    output: Folder, parts: Sequence[str], ids: ArticleIds, source: dict[str, Any]
) -> dict[str, Any]:
    """Write the table, and return its header.

    Parameters
    ----------
    parts
        In the order of the source: a later record replaces an earlier one.
    source
        Source and date, for the header.
    """
    records, starts = read_records(output, parts)
    joined = join(ids, records)
    statuses = _statuses(output, parts, starts, ids, joined)
    counts: Counter[str] = Counter()
    for name in parts:
        counts.update((read_header(output, name) or {}).get("counts", {}))
    header = {
        "format_version": FORMAT_VERSION,
        **source,
        "wanted": ids.digest(),
        "articles": dict(sorted(Counter(statuses).items())),
        "matched": dict(sorted(joined.counts().items())),
        "records": dict(sorted(counts.items())) | {"repeated": joined.repeated},
    }
    schema = table_schema().with_metadata({HEADER: as_metadata(header)})
    with output.create() as file:
        with pq.ParquetWriter(file, schema, compression="zstd", write_page_index=True) as writer:
            for table in _tables(output, parts, starts, ids, joined, statuses):
                writer.write_table(table.replace_schema_metadata(schema.metadata), _ROW_GROUP)
        file.publish(MESH)
    return header


def _statuses(
    output: Folder, parts: Sequence[str], starts: Sequence[int], ids: ArticleIds, joined: Joined
) -> list[str]:
    statuses = ["not_found"] * len(ids)
    for article, reason in joined.reasons.items():
        statuses[article] = reason
    for name, articles, rows in _by_part(parts, starts, joined.rows, 0, len(ids)):
        table = read_rows(output, name, rows, ["kind", "mesh"])
        has_terms = pc.is_valid(table["mesh"]).to_pylist()
        for article, kind, is_indexed in zip(
            articles, table["kind"].to_pylist(), has_terms, strict=True
        ):
            statuses[article] = "book" if kind == "book" else "mesh" if is_indexed else "no_mesh"
    return statuses


def _by_part(
    parts: Sequence[str], starts: Sequence[int], rows: Any, first: int, end: int
) -> Iterator[tuple[str, list[int], list[int]]]:
    """Yield each part with the articles of a range whose records it has, and their rows."""
    own = rows[first:end]
    for name, start, stop in zip(parts, starts, starts[1:], strict=False):
        articles = np.flatnonzero((own >= start) & (own < stop))
        if len(articles):
            yield name, (articles + first).tolist(), (own[articles] - start).tolist()


def _tables(
    output: Folder,
    parts: Sequence[str],
    starts: Sequence[int],
    ids: ArticleIds,
    joined: Joined,
    statuses: Sequence[str],
) -> Iterator[pa.Table]:
    """Yield the rows of the table, a bounded number of articles at a time."""
    for first in range(0, len(ids), _AT_ONCE):
        end = min(first + _AT_ONCE, len(ids))
        found, order = [], []
        for name, articles, rows in _by_part(parts, starts, joined.rows, first, end):
            found.append(read_rows(output, name, rows, ["pmid", *PAYLOAD]))
            order += articles
        places = np.full(end - first, NO_ROW, dtype=np.int64)
        places[np.array(order, dtype=np.int64) - first] = np.arange(len(order))
        matched = [
            MATCHES[joined.matched_by[i]] if joined.rows[i] != NO_ROW else None
            for i in range(first, end)
        ]
        fixed = {
            "pmcid": pa.array(ids.pmcids[first:end]),
            "matched_by": pa.array(matched, pa.string()),
            "status": pa.array(statuses[first:end], pa.string()),
        }
        yield _table(fixed, found, pa.array(places, mask=places == NO_ROW))


def _table(fixed: dict[str, pa.Array], found: Sequence[pa.Table], places: pa.Array) -> pa.Table:
    """Return a table of articles; columns of a missing record are null."""
    schema = table_schema()
    empty = schema.empty_table().select(["pmid", *PAYLOAD])
    payload = pa.concat_tables([empty, *found]).combine_chunks().take(places)
    columns = [fixed[name] if name in fixed else payload[name] for name in schema.names]
    return pa.Table.from_arrays(columns, schema=schema)
