"""Changes one value in a file of ours, as somebody who means harm could: digests stay right."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from pathlib import Path

VALUES: tuple[Any, ...] = (
    *(None, True, -1, 0, 10**13, 2**63 - 1, 2**70, 1e308, 0.5, float("nan"), "", "x", "0"),
    *("../../mine/commercial/000000.parquet", "/etc/passwd", "a\0b", "\x1b[31m", "commercial"),
    *("..", "unknown", "\ud800", "PMC1_../x", [], ["a", None], [[]], {}, {"path": "../x"}),
)
"""What a value is replaced by."""

GARBAGE: tuple[bytes, ...] = (
    *(b"", b"null", b"[]", b"{}", b"PAR1", b"PAR1" * 9, bytes(range(256)) * 40, b'{"a":' * 9999),
    b'{"schema_version": "3", "format_version": 1}',
)
"""What a file is replaced by."""


@dataclass(frozen=True)
class Tampering:
    """A change of one file: of the place with a number, modulo how many it has, to a value."""

    place: int
    value: int

    def of(self, path: Path) -> str:
        """Change a file; return what was changed, for the message of a failing test."""
        if self.value >= len(VALUES):
            path.write_bytes(GARBAGE[self.value % len(GARBAGE)])
            return f"{path.name} is garbage"
        value = VALUES[self.value]
        if path.suffix == ".parquet":
            return self._table(path, value or None if isinstance(value, dict) else value)
        stored = json.loads(path.read_bytes())
        places = [(), *_places(stored)]
        where = places[self.place % len(places)]
        path.write_text(json.dumps(_replaced(stored, where, value)), encoding="utf-8")
        return f"{path.name}: {where} is {value!r}"

    def _table(self, path: Path, value: Any) -> str:
        table = pq.read_table(path)
        metadata = table.schema.metadata or {}
        headers = [
            key for key in metadata if key.startswith(b"biomedica_") and b"{" in metadata[key]
        ]
        number = self.place % (table.num_columns + len(headers))
        if number >= table.num_columns:
            key = headers[number - table.num_columns]
            stored = json.loads(metadata[key])
            places = [(), *_places(stored)]
            where = places[self.place // 7 % len(places)]
            text = json.dumps(_replaced(stored, where, value)).encode()
            pq.write_table(table.replace_schema_metadata({**metadata, key: text}), path)
            return f"{path.name}: {key!r} {where} is {value!r}"
        column = table.column_names[number]
        values = table[column].to_pylist()
        row = self.place // 5 % max(1, len(values))
        changed = [value if i == row else one for i, one in enumerate(values)]
        try:
            made = pa.array(changed, table.schema.field(number).type)
        except (pa.ArrowException, OverflowError, TypeError, ValueError):
            try:
                made = pa.array([value] * len(values))
            except (pa.ArrowException, OverflowError, TypeError, ValueError):
                made = pa.array([repr(value)] * len(values))
        table = table.set_column(number, column, made).replace_schema_metadata(metadata)
        pq.write_table(table, path)
        return f"{path.name}: {column} of row {row} is {value!r}"


def _places(stored: Any, above: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if not isinstance(stored, (dict, list)):
        return []
    inner = stored.items() if isinstance(stored, dict) else enumerate(stored)
    below = [((*above, key), value) for key, value in inner]
    return [one for where, value in below for one in (where, *_places(value, where))]


def _replaced(stored: Any, where: tuple[Any, ...], value: Any) -> Any:
    if not where:
        return value
    copy = stored.copy()
    copy[where[0]] = _replaced(stored[where[0]], where[1:], value)
    return copy


def sign(dataset: Path) -> None:
    """Let manifest and card of a dataset folder agree with its files, as their maker would."""
    path = dataset / "manifest.json"
    try:
        manifest = json.loads(path.read_bytes())
        for file in manifest["files"]:
            data = (dataset / file["path"]).read_bytes()
            if file["config"] == "index":
                file |= {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        path.write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        pass
    card = dataset / "README.md"
    card.write_text(f"{card.read_text()}\n{hashlib.sha256(path.read_bytes()).hexdigest()}")
