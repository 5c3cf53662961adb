"""The tables of documents as an attribute of the images that show them: ``table.html``."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from biomedica_dataset.folder.attributes import Attribute
from biomedica_dataset.folder.document_rows import DOCUMENT_RULES
from biomedica_dataset.folder.record import AGAIN, ShardFile
from biomedica_dataset.io.tables import CheckedFile, columns_of
from biomedica_dataset.schema import DocumentRow

if TYPE_CHECKING:
    from biomedica_dataset.io.folders import Folder

NAME = "table"
_HTML = "html"


@dataclass(frozen=True)
class DocumentTables:
    """The rows of tables in documents, by the key of the image that shows one.

    Parameters
    ----------
    files
        The files of documents by that of the index with the images beside them.
    """

    folder: Folder
    files: Mapping[str, Sequence[ShardFile]]

    @cached_property
    def attribute(self) -> Attribute:
        """The attribute."""
        digests = [file.sha256 for files in self.files.values() for file in files]
        digest = hashlib.sha256(" ".join(digests).encode()).hexdigest()
        return Attribute(
            name=NAME, made=f"tables of documents, {digest[:16]}", columns={_HTML: "string"}
        )

    def rows(self, index: str, keys: pa.ChunkedArray) -> pa.Table:
        """Return the tables in the documents beside the images of a file of the index."""
        found = (table for file in self.files.get(index, ()) for table in self._tables(file.path))
        return pa.concat_tables([self.attribute.schema.empty_table(), *found])

    def _tables(self, path: str) -> Iterator[pa.Table]:
        columns = {"blocks": columns_of(DocumentRow, DOCUMENT_RULES)["blocks"]}
        with self.folder.reading(path, AGAIN) as file:
            size = file.seek(0, 2)
            checked = CheckedFile(pq.read_metadata(file), size, columns)
            for group in range(checked.metadata.num_row_groups):
                blocks = pc.list_flatten(checked.read(file, group)["blocks"].combine_chunks())
                pairs = [pc.struct_field(blocks, name) for name in ("key", _HTML)]
                yield pa.table(pairs, schema=self.attribute.schema).drop_null()
