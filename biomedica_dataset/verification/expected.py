"""What the files of a dataset folder should have: columns, and values in their byte ranges."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Any

from biomedica_dataset.folder.attributes import CONFIG
from biomedica_dataset.folder.parquet import caption_digest
from biomedica_dataset.schema import TABLES, arrow_schema

if TYPE_CHECKING:
    import pyarrow as pa

    from biomedica_dataset.folder.manifest import Manifest
    from biomedica_dataset.folder.record import ShardFile


def expected_schema(manifest: Manifest, file: ShardFile) -> pa.Schema | None:
    """Return the columns that a file should have; ``None`` if it is of an unknown attribute."""
    if file.config != CONFIG:
        return arrow_schema(TABLES[file.config], manifest.schema_version)
    schemas = {attribute.name: attribute.schema for attribute in manifest.attributes}
    return schemas.get(file.path.split("/")[1])


def damaged_values(
    file: IO[bytes], row: dict[str, Any], texts: dict[str, Any] | None
) -> Iterator[str]:
    """Yield which values of a row of the index are not what its shard or its digest says."""
    file.seek(row["image_offset"])
    image = hashlib.sha256(file.read(row["image_length"])).hexdigest()
    if texts and image != texts["image_hash"]:
        yield "image"
    file.seek(row["caption_offset"])
    caption, digest = file.read(row["caption_bytes"]), row["caption_digest"]
    if (texts and caption != texts["caption"].encode()) or (
        digest is not None and digest != caption_digest(caption)
    ):
        yield "caption"
