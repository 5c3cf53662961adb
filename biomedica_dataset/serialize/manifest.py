"""The manifest: every file of a dataset folder with rows, bytes and SHA-256, written last."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from biomedica_dataset.errors import ArchiveError, UsageError
from biomedica_dataset.report import total
from biomedica_dataset.schema import LICENSE_GROUPS, SCHEMA_VERSION, TABLES

from .shard import ShardFile

if TYPE_CHECKING:
    from biomedica_dataset.extract.ledger import Archive
    from biomedica_dataset.storage import Folder

    from .shard import ShardRecord

MANIFEST = "manifest.json"
_LOCAL = "a local copy of the bucket"
_LIBRARIES = ("biomedica-dataset", "datasets", "lxml", "pillow", "pyarrow")


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a dataset folder holds and how it was made.

    Parameters
    ----------
    inventory
        Date of the inventory; ``None`` where ids were listed one by one.
    shard_blocks, block_width
        Blocks a shard, and PMCIDs a block.
    articles, figures
        Counts by what became of them.
    """

    schema_version: str
    source: str
    selection: str
    inventory: str | None
    block_width: int
    shard_blocks: int
    libraries: dict[str, str]
    articles: dict[str, int]
    figures: dict[str, int]
    files: list[ShardFile]

    def as_json(self) -> bytes:
        """Return the content of ``manifest.json``."""
        return json.dumps(asdict(self), indent=1).encode()

    @property
    def digest(self) -> str:
        """SHA-256 of the content."""
        return hashlib.sha256(self.as_json()).hexdigest()

    def configs(self) -> list[str]:
        """Return the configs that have rows, the default first."""
        return [config for config in TABLES if self.rows(config)]

    def config_files(self, config: str) -> list[ShardFile]:
        """Return the files of a config; ``all`` has those of the licence groups."""
        configs = LICENSE_GROUPS if config == "all" else (config,)
        return [file for file in self.files if file.config in configs]

    def rows(self, config: str) -> int:
        """Return the rows of a config."""
        return sum(file.rows for file in self.config_files(config))

    def config_bytes(self, config: str) -> int:
        """Return the bytes of the files of a config."""
        return sum(file.bytes for file in self.config_files(config))


def make_manifest(
    archive: Archive, shard_blocks: int, records: list[ShardRecord], index: list[ShardFile]
) -> Manifest:
    """Return the manifest of some shards and the index over them."""
    return Manifest(
        schema_version=SCHEMA_VERSION,
        # A path says something of the maker's machine and nothing to anybody else.
        source=archive.source if "://" in archive.source else _LOCAL,
        selection=str(archive.selection),
        inventory=archive.inventory_date(),
        block_width=archive.width,
        shard_blocks=shard_blocks,
        libraries={name: version(name) for name in _LIBRARIES},
        articles=total(record.articles for record in records),
        figures=total(record.figures for record in records),
        files=sorted((f for r in records for f in r.files), key=lambda f: f.path) + index,
    )


def read_manifest(folder: Folder) -> Manifest:
    """Return the manifest of a dataset folder.

    Raises
    ------
    UsageError
        The folder has none: it is no dataset folder, or one that is half written; or it has another
        schema version.
    """
    if not folder.exists(MANIFEST):
        msg = f"{folder.url} has no {MANIFEST}: no dataset folder, or serialize has not finished"
        raise UsageError(msg)
    try:
        stored: dict[str, Any] = json.loads(folder.read_bytes(MANIFEST))
        if stored["schema_version"] != SCHEMA_VERSION:
            found = stored["schema_version"]
            msg = f"{folder.url} has schema version {found}; this package reads {SCHEMA_VERSION}"
            raise UsageError(msg)
        return Manifest(**{**stored, "files": [ShardFile(**file) for file in stored["files"]]})
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, UsageError):
            raise
        msg = f"{folder.path(MANIFEST)} cannot be read: {error!r}"
        raise ArchiveError(msg) from error
