"""The keys that attributes may have: of the figures in a file of the index, and of their panels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from biomedica_dataset.io.tables import read_table

from .index_rows import read_index_table
from .panel_rows import CONFIG, config_columns
from .record import AGAIN, path_beside

if TYPE_CHECKING:
    from biomedica_dataset.io.folders import Folder

    from .splits import Splits


def index_keys(folder: Folder, index: str, splits: Splits) -> tuple[pa.ChunkedArray, pa.Array]:
    """Return the keys of the figures in a file of the index, and of the panels of these.

    Raises
    ------
    ArchiveError
        A file is absent or damaged.
    """
    with folder.reading(index, AGAIN) as file:
        rows = read_index_table(file, ["key", "file", "panel_count_found"])
    split = rows.filter(pc.is_valid(rows["panel_count_found"]))
    panels = [pa.array([], pa.string())]
    for images in pc.unique(split["file"]).to_pylist():
        with folder.reading(path_beside(images, CONFIG, splits), AGAIN) as file:
            panels += read_table(file, config_columns(CONFIG), ["key"])["key"].chunks
    return rows["key"], pa.concat_arrays(panels)
