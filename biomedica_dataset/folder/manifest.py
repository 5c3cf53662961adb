"""The manifest: every file of a dataset folder with rows, bytes and SHA-256, written last."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING, Annotated

from biomedica_dataset.annotation.labels.audit import Purity  # noqa: TC001 - for pydantic
from biomedica_dataset.engine.report import total
from biomedica_dataset.errors import UsageError
from biomedica_dataset.io.failures import reading
from biomedica_dataset.io.rules import Count, Form, Positive, Sha256
from biomedica_dataset.io.typed import read_small, typed, versioned
from biomedica_dataset.licenses import LICENSE_GROUPS
from biomedica_dataset.plotting import can_plot
from biomedica_dataset.schema import SCHEMA_VERSION, TABLES, VERSIONS

from .attributes import CONFIG, Attribute
from .record import ShardFile  # noqa: TC001 - for pydantic
from .search_files import SearchFile, SearchIndex  # noqa: TC001 - for pydantic
from .splits import Splits

if TYPE_CHECKING:
    from biomedica_dataset.archive.ledger import Archive
    from biomedica_dataset.io.folders import Folder
    from biomedica_dataset.joins import Joins

    from .partition import Partition
    from .record import ShardRecord

MANIFEST = "manifest.json"
_AGAIN = "Remove it and serialize again, or get the folder from its source again."
_LOCAL = "a local copy of the bucket"
_LIBRARIES = ("biomedica-dataset", "datasets", "lxml", "pillow", "pyarrow")
_PLOTS = ("matplotlib",)
IMAGE_PATH = Form(
    r"(?:plots|examples)/[A-Za-z0-9_-]+\.(?:png|jpg)", "an image such as plots/licenses.png"
)
"""Where a dataset folder may have images of its card."""


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
    added: dict[str, Count] = field(default_factory=dict)
    removed: dict[str, Count] = field(default_factory=dict)
    articles_added: Count = 0
    articles_removed: Count = 0


@dataclass(frozen=True, slots=True)
class CardImage:
    """An image that the card shows."""

    path: Annotated[str, IMAGE_PATH]
    bytes: Count
    sha256: Sha256


@dataclass(frozen=True, slots=True)
class Whole:
    """The dataset folder of which another is a subset: its rows, and its manifest's digest."""

    rows: Count
    digest: Sha256


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
    split_by
        What stays in one split, one of `splits.SPLIT_BY`.
    image_groups
        Groups of articles that share an image, the articles in them and in the largest; empty if
        articles were not split by images.
    split_figures, panels
        Figures by whether they were split into panels, and panels by the outcome of their figure;
        empty if no panels were joined.
    document_figures, document_tables
        Kept figures, and tables, by whether the document of their article has them; empty without
        documents.
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
    search
        The search index, if one was built.
    attributes
        Tables of what is known of the images.
    subset_of
        What the rows were chosen from, if not from an archive.
    """

    schema_version: str
    source: str
    selection: str
    inventory: str | None
    block_width: Positive
    shard_blocks: Positive
    split: str
    libraries: dict[str, str]
    articles: dict[str, Count]
    figures: dict[str, Count]
    files: list[ShardFile]
    joined: dict[str, str] = field(default_factory=dict)
    audit: list[Purity] = field(default_factory=list)
    changes: Changes | None = None
    pictures: list[CardImage] = field(default_factory=list)
    split_by: str = "article"
    image_groups: dict[str, Count] = field(default_factory=dict)
    split_figures: dict[str, Count] = field(default_factory=dict)
    panels: dict[str, Count] = field(default_factory=dict)
    document_figures: dict[str, Count] = field(default_factory=dict)
    document_tables: dict[str, Count] = field(default_factory=dict)
    search: SearchIndex | None = None
    attributes: list[Attribute] = field(default_factory=list)
    subset_of: Whole | None = None

    @property
    def splits(self) -> Splits:
        """How it is split."""
        return Splits.parse(self.split, self.split_by)

    def __post_init__(self) -> None:
        """Check the split, and that each file is named once."""
        Splits.parse(self.split, self.split_by)
        paths = [file.path for file in (*self.files, *self.other_files)]
        if len(set(paths)) < len(paths):
            msg = f"{max(paths, key=paths.count)} is named twice"
            raise ValueError(msg)

    @property
    def other_files(self) -> list[CardImage | SearchFile]:
        """Files that are no tables: images of the card, and the search index."""
        return [*self.pictures, *(self.search.files if self.search else ())]

    def as_json(self) -> bytes:
        """Return the content of ``manifest.json``."""
        return json.dumps(asdict(self), indent=1).encode()

    @property
    def digest(self) -> str:
        """SHA-256 of the content."""
        return hashlib.sha256(self.as_json()).hexdigest()

    def configs(self) -> list[str]:
        """Return the configs that have rows, the default first."""
        named = [*TABLES, *(attribute.name for attribute in self.attributes)]
        return [config for config in named if self.rows(config)]

    def config_files(self, config: str) -> list[ShardFile]:
        """Return the files of a config; ``all`` has those of the licence groups."""
        if any(attribute.name == config for attribute in self.attributes):
            below = f"{CONFIG}/{config}/"
            return [file for file in self.files if file.path.startswith(below)]
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
    image_groups: dict[str, int],
) -> Manifest:
    """Return the manifest of some shards and the index over them."""
    report = archive.report()
    return Manifest(
        schema_version=SCHEMA_VERSION,
        # A path is specific to the maker's machine and of no use to others.
        source=archive.source if "://" in archive.source else _LOCAL,
        selection=str(archive.selection),
        inventory=report.inventory if report else None,
        block_width=archive.width,
        shard_blocks=started.blocks,
        split=str(started.splits),
        split_by=started.splits.by,
        image_groups=image_groups,
        libraries={name: version(name) for name in (*_LIBRARIES, *_PLOTS) if _is_used(name)},
        articles=total(record.articles for record in records),
        figures=total(record.figures for record in records),
        split_figures=total(record.split_figures for record in records),
        panels=total(record.panels for record in records),
        document_figures=total(record.document_figures for record in records),
        document_tables=total(record.document_tables for record in records),
        files=sorted((f for r in records for f in r.files), key=lambda f: f.path) + index,
        joined=joins.describe(),
        audit=joins.audit(),
        changes=changes,
    )


def _is_used(library: str) -> bool:
    return library not in _PLOTS or can_plot()


def parse_manifest(data: bytes, where: str) -> Manifest:
    """Return the manifest from the content of its file.

    Parameters
    ----------
    where
        The dataset folder, for errors.

    Raises
    ------
    ArchiveError
        It is not a manifest, or names a file outside of the folder.
    UsageError
        It has another schema version.
    """
    with reading(f"{where}/{MANIFEST}", _AGAIN):
        found, _ = versioned(data, "schema_version")
        if found in VERSIONS:
            return typed(Manifest, data)
    read = f"this package reads {', '.join(VERSIONS)}"
    msg = f"{where} has schema version {found}; {read}: update the package"
    raise UsageError(msg)


def read_manifest(folder: Folder) -> Manifest:
    """Return the manifest of a dataset folder.

    Raises
    ------
    UsageError
        The folder has no manifest, because it is not a dataset folder or is unfinished, or has
        another schema version.
    ArchiveError
        The manifest is damaged, or names a file outside of the folder.
    """
    if not folder.exists(MANIFEST):
        msg = (
            f"{folder.url} has no {MANIFEST}: it is not a dataset folder, or is half written; name "
            "another, or run `biomedica serialize` to its end"
        )
        raise UsageError(msg)
    with reading(folder.path(MANIFEST), _AGAIN):
        data = read_small(folder, MANIFEST)
    return parse_manifest(data, folder.url)
