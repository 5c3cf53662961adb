"""Checks that the rows of an index lie where the manifest has files, and in the right group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from biomedica_dataset.io.rules import shown
from biomedica_dataset.licenses import CODES, LICENSE_GROUPS, license_group

from .splits import SPLITS

if TYPE_CHECKING:
    from .record import ShardFile


def check_places(table: pa.Table, files: Mapping[str, ShardFile]) -> None:
    """Check that rows of the index lie within files of the manifest, in the group of their licence.

    Parameters
    ----------
    files
        The files of the manifest by path.

    Raises
    ------
    ValueError
        A row does not; the error names it and the column.
    """
    coded = table["file"].combine_chunks().dictionary_encode()
    named, of = coded.dictionary.to_pylist(), coded.indices.to_numpy()
    for path in named:
        if path not in files:
            _refuse(of == named.index(path), table, "file", "is not in the manifest")

    def by_file(values: list[int]) -> Any:
        return np.array(values, np.int64)[of]

    sizes = by_file([files[path].bytes for path in named])
    _refuse(table["row"].to_numpy() >= by_file([files[p].rows for p in named]), table, "row",
            "is beyond the rows of its file")  # fmt: skip
    for what, length in (("image_offset", "image_length"), ("caption_offset", "caption_bytes")):
        beyond = table[what].to_numpy() > sizes - table[length].to_numpy()
        _refuse(beyond, table, what, "is beyond the end of its file")
    groups = by_file([LICENSE_GROUPS.index(path.split("/")[0]) for path in named])
    own = _codes(table["license_group"], LICENSE_GROUPS)
    _refuse(own != groups, table, "license_group", "is not that of its file")
    splits = by_file([SPLITS.index(path.split("/")[1]) for path in named])
    _refuse(_codes(table["split"], SPLITS) != splits, table, "split", "is not that of its file")
    _refuse(own < _strictness(table["image_license"]), table, "image_license",
            "is stricter than the licence group")  # fmt: skip


def _codes(column: pa.ChunkedArray, values: tuple[str, ...]) -> Any:
    return pc.index_in(column, value_set=pa.array(values)).to_numpy()


def _strictness(licenses: pa.ChunkedArray) -> Any:
    """Return the place in `LICENSE_GROUPS` that images of some licences need at least."""
    coded = licenses.combine_chunks().dictionary_encode(null_encoding="encode")
    groups = [
        license_group(next((code for code in CODES if _is_named(code, name)), None))
        for name in coded.dictionary.to_pylist()
    ]
    return np.array([LICENSE_GROUPS.index(group) for group in groups], np.int64)[
        coded.indices.to_numpy()
    ]


def _is_named(code: str, name: str | None) -> bool:
    """Whether a licence with or without a version has a code."""
    return name is not None and code in (name, name.rpartition(" ")[0])


def _refuse(wrong: np.ndarray, table: pa.Table, column: str, why: str) -> None:
    if wrong.any():
        row = int(wrong.argmax())
        one = table.slice(row, 1).to_pylist()[0]
        msg = f"row {row} ({one['key']}): {column} {shown(one[column])} {why}"
        raise ValueError(msg)
