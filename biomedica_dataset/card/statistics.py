"""What the card counts, read from the index a piece at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc
import pyarrow.dataset as pads

if TYPE_CHECKING:
    import pyarrow as pa

    from biomedica_dataset.folder.manifest import Manifest
    from biomedica_dataset.io.folders import Folder

_COLUMNS = [
    "license_group", "article_license", "article_year", "article_journal", "image_kind",
    "caption_length", "image_primary_label", "image_panel_type",
    "image_decodes",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Statistics:
    """Images by what they are.

    Parameters
    ----------
    counts
        By column of the index, then by value; ``None`` counts the images where it is missing.
    """

    counts: dict[str, Counter[Any]]

    @property
    def images(self) -> int:
        """How many there are."""
        return self.counts["license_group"].total()

    def most_frequent(
        self, column: str, most: int, *, by_value: bool = False
    ) -> list[tuple[Any, int]]:
        """Return the most frequent values of a column with their counts, in order of either."""
        ordered = sorted(self.counts[column].items(), key=lambda one: (-one[1], str(one[0])))[:most]
        return sorted(ordered, key=lambda one: str(one[0])) if by_value else ordered

    def caption_length(self, share: float) -> int:
        """Return the length that a share of the captions does not exceed."""
        wanted, reached = share * self.images, 0
        for length, count in sorted(self.counts["caption_length"].items()):
            reached += count
            if reached >= wanted:
                return int(length)
        return 0


def batches(
    folder: Folder, manifest: Manifest, columns: list[str], chosen: pc.Expression | None = None
) -> Iterator[pa.RecordBatch]:
    """Yield the index in pieces, in order: as a whole it may not fit into memory."""
    paths = [folder.place(file.path) for file in manifest.config_files("index")]
    if paths:
        index = pads.dataset(paths, filesystem=folder.filesystem)
        yield from index.to_batches(columns=columns, filter=chosen)


def count(folder: Folder, manifest: Manifest) -> Statistics:
    """Return the counts of a dataset folder whose index is there."""
    counts: dict[str, Counter[Any]] = {column: Counter() for column in _COLUMNS}
    for batch in batches(folder, manifest, _COLUMNS):
        for column, counter in counts.items():
            values = batch[column]
            if column == "image_primary_label":  # an image with several counts in each of them
                values = pc.list_flatten(values)
            for item in pc.value_counts(values).to_pylist():
                counter[item["values"]] += item["counts"]
    return Statistics(counts)
