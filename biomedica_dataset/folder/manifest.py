"""The manifest: every file of a dataset folder with rows, bytes and SHA-256, written last."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from biomedica_dataset.engine.report import total
from biomedica_dataset.errors import UsageError
from biomedica_dataset.io.failures import reading
from biomedica_dataset.licenses import LICENSE_GROUPS
from biomedica_dataset.plotting import can_plot
from biomedica_dataset.schema import SCHEMA_VERSION, TABLES, VERSIONS

from .record import ShardFile

if TYPE_CHECKING:
    from biomedica_dataset.archive.ledger import Archive
    from biomedica_dataset.io.folders import Folder
    from biomedica_dataset.joins import Joins

    from .partition import Partition
    from .record import ShardRecord

MANIFEST = "manifest.json"
_LOCAL = "a local copy of the bucket"
_LIBRARIES = ("biomedica-dataset", "datasets", "lxml", "pillow", "pyarrow")
_PLOTS = ("matplotlib",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Rows and articles that were added and removed.

    Parameters
    ----------
    since
        Tag of the last release.
    added, removed
        Rows by licence group; a row whose group changed counts in both.
    articles_added, articles_removed
        Articles that gained their first row, and articles that lost their last.
    """

    since: str
    added: dict[str, int] = field(default_factory=dict)
    removed: dict[str, int] = field(default_factory=dict)
    articles_added: int = 0
    articles_removed: int = 0


@dataclass(frozen=True, slots=True)
class CardImage:
    """An image that the card shows."""

    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a dataset folder contains and how it was made.

    Parameters
    ----------
    inventory
        Date of the inventory; ``None`` if ids were listed one by one.
    shard_blocks, block_width
        Blocks per shard, and PMCIDs per block.
    split
        Shares of train, validation and test.
    joined
        What was joined to the rows, in words.
    articles, figures
        Counts by outcome.
    audit
        How many audited images have a correct label; see `annotation.audit.Purity`.
    changes
        Changes since the last release, if there was one.
    pictures
        Plots and examples of the card.
    """

    schema_version: str
    source: str
    selection: str
    inventory: str | None
    block_width: int
    shard_blocks: int
    split: str
    libraries: dict[str, str]
    articles: dict[str, int]
    figures: dict[str, int]
    files: list[ShardFile]
    joined: dict[str, str] = field(default_factory=dict)
    audit: list[dict[str, Any]] = field(default_factory=list)
    changes: Changes | None = None
    pictures: list[CardImage] = field(default_factory=list)

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
    archive: Archive,
    started: Partition,
    joins: Joins,
    records: list[ShardRecord],
    index: list[ShardFile],
    changes: Changes | None,
) -> Manifest:
    """Return the manifest of some shards and the index over them."""
    return Manifest(
        schema_version=SCHEMA_VERSION,
        # A path is specific to the maker's machine and of no use to others.
        source=archive.source if "://" in archive.source else _LOCAL,
        selection=str(archive.selection),
        inventory=archive.inventory_date(),
        block_width=archive.width,
        shard_blocks=started.blocks,
        split=str(started.splits),
        libraries={name: version(name) for name in (*_LIBRARIES, *_PLOTS) if _is_used(name)},
        articles=total(record.articles for record in records),
        figures=total(record.figures for record in records),
        files=sorted((f for r in records for f in r.files), key=lambda f: f.path) + index,
        joined=joins.describe(),
        audit=joins.audit(),
        changes=changes,
    )


def _is_used(library: str) -> bool:
    return library not in _PLOTS or can_plot()


def parse_manifest(stored: dict[str, Any]) -> Manifest:
    """Return the manifest from its stored form.

    Raises
    ------
    KeyError, TypeError
        It is not a manifest of this version.
    """
    files = [ShardFile(**file) for file in stored["files"]]
    images = [CardImage(**image) for image in stored["pictures"]]
    changes = stored["changes"] and Changes(**stored["changes"])
    return Manifest(**{**stored, "files": files, "pictures": images, "changes": changes})


def read_manifest(folder: Folder) -> Manifest:
    """Return the manifest of a dataset folder.

    Raises
    ------
    UsageError
        The folder has no manifest, because it is not a dataset folder or is unfinished, or has
        another schema version.
    """
    if not folder.exists(MANIFEST):
        msg = f"{folder.url} has no {MANIFEST}: not a dataset folder, or serialize has not finished"
        raise UsageError(msg)
    with reading(folder.path(MANIFEST), "Remove it and serialize again."):
        stored: dict[str, Any] = json.loads(folder.read_bytes(MANIFEST))
        found = stored["schema_version"]
        if found in VERSIONS:
            return parse_manifest(stored)
    msg = f"{folder.url} has schema version {found}; this package reads {' and '.join(VERSIONS)}"
    raise UsageError(msg)
