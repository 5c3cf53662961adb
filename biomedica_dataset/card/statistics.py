"""What the card counts, read from the index a piece at a time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc
import pyarrow.dataset as pads

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from biomedica_dataset.folder.manifest import Manifest
    from biomedica_dataset.io.folders import Folder


@dataclass(frozen=True, slots=True)
class Statistics:
    """Pictures by what they are.

    Parameters
    ----------
    groups, licenses, years, journals, kinds, caption_lengths, concepts, panel_types
        Counts by value; that of ``None`` is of the pictures where it is missing.
    """

    groups: Counter[Any] = field(default_factory=Counter)
    licenses: Counter[Any] = field(default_factory=Counter)
    years: Counter[Any] = field(default_factory=Counter)
    journals: Counter[Any] = field(default_factory=Counter)
    kinds: Counter[Any] = field(default_factory=Counter)
    caption_lengths: Counter[Any] = field(default_factory=Counter)
    concepts: Counter[Any] = field(default_factory=Counter)
    panel_types: Counter[Any] = field(default_factory=Counter)

    @property
    def pictures(self) -> int:
        """How many there are."""
        return self.groups.total()

    def caption_length(self, share: float) -> int:
        """Return the length that a share of the captions does not exceed."""
        wanted, reached = share * self.pictures, 0
        for length, count in sorted(self.caption_lengths.items()):
            reached += count
            if reached >= wanted:
                return int(length)
        return 0


_COLUMNS = {
    "groups": "license_group",
    "licenses": "article_license",
    "years": "article_year",
    "journals": "article_journal",
    "kinds": "image_kind",
    "caption_lengths": "caption_length",
    "concepts": "image_primary_label",
    "panel_types": "image_panel_type",
}


def batches(
    folder: Folder, manifest: Manifest, columns: list[str], chosen: pc.Expression | None = None
) -> Iterator[pa.RecordBatch]:
    """Yield the index in pieces, in order: as a whole it may not fit into memory."""
    paths = [folder.path(file.path) for file in manifest.config_files("index")]
    if paths:
        index = pads.dataset(paths, filesystem=folder.filesystem)
        yield from index.to_batches(columns=columns, filter=chosen)


def count(folder: Folder, manifest: Manifest) -> Statistics:
    """Return the counts of a dataset folder whose index is there."""
    counted = Statistics()
    for batch in batches(folder, manifest, list(_COLUMNS.values())):
        for name, column in _COLUMNS.items():
            values = batch[column]
            if name == "concepts":  # a picture with several counts in each of them
                values = pc.list_flatten(values)
            counts: Counter[Any] = getattr(counted, name)
            for item in pc.value_counts(values).to_pylist():
                counts[item["values"]] += item["counts"]
    return counted
