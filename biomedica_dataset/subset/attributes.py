"""Carries the attributes of chosen rows into a subset."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from biomedica_dataset.streaming.reading.texts import Texts

if TYPE_CHECKING:
    from biomedica_dataset.folder.attributes import Attribute
    from biomedica_dataset.streaming.reading.index import Index


@dataclass(frozen=True, slots=True)
class ChosenRows:
    """An attribute of the dataset that rows are chosen from."""

    source: Index
    attribute: Attribute

    def rows(self, index: str, keys: pa.ChunkedArray) -> pa.Table:
        """Return the rows of some keys, reading one row group after the other."""
        checks, wanted = self.attribute.checks, keys.combine_chunks()
        found = [self.attribute.schema.empty_table()]
        with closing(self.source.place.open()) as files:
            texts = Texts(files, self.source.files, list(checks), checks)
            for file in self.source.manifest.config_files(self.attribute.name):
                groups = texts.each_group(file.path)
                found += [one.filter(pc.is_in(one["key"], value_set=wanted)) for one in groups]
        return pa.concat_tables(found)
