"""`BiomedicaBuilder`: the pairs as a `datasets` builder, from PMC, a bucket or an archive.

The only file that uses the builder API. It stays thin: datasets patches ``open``, ``os.path`` and
others inside it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import datasets
from datasets.builder import Key
from datasets.packaged_modules.parquet.parquet import ParquetConfig

from .archive.selection import Wants
from .errors import UsageError
from .extraction import live
from .folder.splits import SPLITS, Splits
from .images.decode import decoding_problem
from .images.lost import ON_ERROR, LostImages, OnError, lost_error
from .joins import JoinFolders, Joins
from .licenses import COMMERCIAL, NONCOMMERCIAL
from .pmc.source import DEFAULT_SOURCE
from .schema import CONFIGS, SCHEMA_VERSION, DocumentRow, Pair, features, to_dict
from .suggest import one_of

if TYPE_CHECKING:
    from .rows import ArticleRows

logger = logging.getLogger(__name__)

# A row is never freer than its article, so articles with stricter licences are not fetched.
_WANTED = {
    "commercial": frozenset(COMMERCIAL),
    "noncommercial": frozenset((*COMMERCIAL, *NONCOMMERCIAL)),
}
_ABOVE_ALL = 10**10  # above any PMCID
_VERSION = datasets.Version(f"{SCHEMA_VERSION}.0.0")
_DOCUMENTS = "documents"
_TEXTS = {
    "commercial": "pairs that may be used commercially",
    "noncommercial": "pairs for non-commercial use",
    "other": "pairs without a known licence or with third-party rights",
    "all": "all pairs",
    "documents": "articles as blocks in reading order, with their figures by key",
}


@dataclass
class BiomedicaConfig(datasets.BuilderConfig):  # type: ignore[misc]
    """A config: a licence group, and the source of the articles.

    Parameters
    ----------
    source
        An archive, or a bucket: ``s3://bucket``, ``https://host/path``, ``http://host/path`` or a
        folder.
    pmcids
        Only these articles of a bucket.
    limit
        Only this many of the newest articles of a bucket.
    inventory
        Date or file of the inventory, for a bucket that cannot be listed.
    mesh, clusters, labels, panels
        Folders to join to the rows, as for ``biomedica serialize``.
    splits
        Shares of train, validation and test by article, such as ``0.9,0.05,0.05``; by default all
        articles are ``train``.
    on_error
        What to do about an image that cannot be decoded: ``raise`` an error that names its key,
        ``skip`` its row, or give ``none`` in its place. Each image is decoded once to know it, a
        JPEG at an eighth of its scale.
    """

    source: str = DEFAULT_SOURCE
    pmcids: str | tuple[str, ...] | list[str] | None = None
    limit: int | None = None
    inventory: str | None = None
    mesh: str | None = None
    clusters: str | None = None
    labels: str | None = None
    panels: str | None = None
    splits: str = str(Splits())
    on_error: OnError = "raise"

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        if self.limit is not None and self.limit < 1:
            msg = f"limit is {self.limit}; it must be 1 or more"
            raise UsageError(msg)
        Splits.parse(self.splits)
        one_of("on_error", self.on_error, ON_ERROR)

    @property
    def joins(self) -> JoinFolders:
        """The folders to join to the rows."""
        return JoinFolders(
            mesh=self.mesh, clusters=self.clusters, labels=self.labels, panels=self.panels
        )

    def create_config_id(self, config_kwargs: dict[str, Any], *args: Any, **kwargs: Any) -> str:
        """Return the id of the cache, which changes with an archive and its joins."""
        if live.is_archive(self.source):
            config_kwargs = {**config_kwargs, "state": live.archive_fingerprint(self.source)}
        if self.joins != JoinFolders():
            everything = Joins.open(self.joins).digest(0, _ABOVE_ALL)
            config_kwargs = {**config_kwargs, "joined": everything}
        config_id: str = super().create_config_id(config_kwargs, *args, **kwargs)
        return config_id


class _OfNoFolder:
    """An option of the builder on the config of a dataset folder, which does not take it."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, config: Any, owner: type | None = None) -> None:
        """Return that it is not set."""

    def __set__(self, config: Any, value: Any) -> None:
        msg = (
            "load_dataset('biomedica') has found the dataset folder ./biomedica, which takes no "
            f"{self._name}; use BiomedicaBuilder(config_name={config.name!r}, {self._name}="
            f"{value!r}).as_streaming_dataset(split='train'), or run where no folder has that name"
        )
        raise UsageError(msg)


class FolderConfig(ParquetConfig):  # type: ignore[misc]
    """The config of a dataset folder that was found under the builder's name."""

    source, pmcids, limit, inventory = (_OfNoFolder() for _ in range(4))
    mesh, clusters, labels, panels, splits = (_OfNoFolder() for _ in range(5))


def refuse_options(configs: Iterable[datasets.BuilderConfig]) -> None:
    """Make configs of a dataset folder say what to do if they get options of the builder."""
    for config in configs:
        if type(config) is ParquetConfig:
            config.__class__ = FolderConfig


class BiomedicaBuilder(datasets.GeneratorBasedBuilder):  # type: ignore[misc]
    """Yields the same pairs with the same keys as the dataset folder, or the same documents.

    Rows are made while they are read, from PMC's bucket or an archive; no dataset folder is
    written. ``load_dataset("biomedica", ...)`` finds this class and takes the same options.

    Parameters
    ----------
    config_name
        ``commercial``, ``noncommercial``, ``other`` or ``all`` for pairs, or ``documents`` for
        articles as blocks.
    cache_dir
        Where `download_and_prepare` writes; by default the cache of `datasets`.
    **config_kwargs
        Options of `BiomedicaConfig`: ``source``, ``pmcids``, ``limit``, ``inventory``, ``mesh``,
        ``clusters``, ``labels``, ``panels``, ``splits`` and ``on_error``.

    Raises
    ------
    UsageError
        An option has a value that is not allowed, or the source is not an archive or a bucket.
    SourceError
        While streaming: the source cannot be read.
    ArticleError
        While streaming: an image cannot be decoded, and ``on_error`` is ``raise``.

    See Also
    --------
    open_dataset : Streams from a dataset folder, and fetches chosen rows alone.

    Notes
    -----
    `as_streaming_dataset` returns an `IterableDataset` whose shards are blocks of articles, which
    ranks and workers share. `as_dataset` after `download_and_prepare` reads rows at random.

    Examples
    --------
    >>> builder = BiomedicaBuilder(config_name="commercial", source="archive", splits="0.8,0.1,0.1")
    >>> rows = builder.as_streaming_dataset(split="train")
    >>> next(iter(rows))["key"]
    'PMC99000101_sjd-15-101-g001'
    """

    VERSION = _VERSION
    BUILDER_CONFIG_CLASS = BiomedicaConfig
    BUILDER_CONFIGS: ClassVar[list[BiomedicaConfig]] = [
        BiomedicaConfig(name=name, version=_VERSION, description=_TEXTS[name]) for name in _TEXTS
    ]
    DEFAULT_CONFIG_NAME = CONFIGS[0]
    DEFAULT_WRITER_BATCH_SIZE = 100  # rows that hold images

    def _info(self) -> datasets.DatasetInfo:
        return datasets.DatasetInfo(
            description="Figures of PubMed Central with captions and citing paragraphs.",
            features=features(DocumentRow if self.config.name == _DOCUMENTS else Pair),
            homepage="https://registry.opendata.aws/ncbi-pmc/",
            license="per row: image_license, article_license",
        )

    def _split_generators(self, _manager: Any) -> list[datasets.SplitGenerator]:
        config = self.config
        blocks = live.find_blocks(
            config.source,
            pmcids=config.pmcids,
            limit=config.limit,
            inventory=config.inventory,
            cache=f"{datasets.config.HF_DATASETS_CACHE}/biomedica-listings",
        )
        shared = {"url": blocks.url, "width": blocks.width, "listing": blocks.listing}
        # datasets distributes the only list over nodes, workers and processes.
        kwargs = {"blocks": list(blocks.numbers), **shared}
        shares = Splits.parse(config.splits)
        return [
            datasets.SplitGenerator(name=split, gen_kwargs={**kwargs, "split": split})
            for split, share in zip(SPLITS, shares.shares, strict=True)
            if share
        ]

    def _generate_examples(
        self, blocks: list[int], url: str, width: int, listing: str | None, split: str
    ) -> Iterator[tuple[Key, dict[str, Any]]]:
        wants = Wants(_WANTED.get(self.config.name))
        source = live.Blocks(url, tuple(blocks), width, listing)
        joins = Joins.open(self.config.joins)
        splits = Splits.parse(self.config.splits)
        lost = LostImages("skipped" if self.config.on_error == "skip" else "left empty")
        for shard, block in enumerate(blocks):
            position = 0
            articles = live.read_block(source, block, wants, lambda n: splits.of(n) == split)
            bounds = block * width, (block + 1) * width
            panels = joins.figure_panels(*bounds)
            documents = self.config.name == _DOCUMENTS
            for rows, _size in joins.rows(articles, *bounds, documents=documents, panels=panels):
                if rows.problem:
                    logger.warning("skipped: %s", rows.problem)
                for example in self._examples(rows, lost):
                    yield Key(shard, position), example
                    position += 1
        if lost.count:
            logger.warning("%s", lost)

    def _examples(self, rows: ArticleRows, lost: LostImages) -> Iterator[dict[str, Any]]:
        """Yield what the config has of an article: its pairs, or the article as a document."""
        if rows.document is not None:
            yield to_dict(rows.document.row)
            return
        for group, pair in rows.pairs:
            if self.config.name in (group, "all"):
                example = self._checked(to_dict(pair), lost)
                if example is not None:
                    yield example

    def _checked(self, example: dict[str, Any], lost: LostImages) -> dict[str, Any] | None:
        """Return an example, or what `on_error` makes of it if its image cannot be decoded."""
        problem = decoding_problem(example["image"]["bytes"])
        if problem is None:
            return example
        if self.config.on_error == "raise":
            raise lost_error(example["key"], problem)
        lost.add(example["key"])
        is_kept = self.config.on_error == "none"
        return example | {"image": None, "image_decodes": False} if is_kept else None
