"""The entries of a ledger: article versions, their graphics, and the header of a block."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated

from biomedica_dataset.io.rules import Count, Form, Sha256
from biomedica_dataset.pmc.etags import is_md5
from biomedica_dataset.pmc.matching import reader_fingerprint

ARTICLE_STATUSES = ("kept", "rejected", "unavailable", "corrupt", "too_large")
"""Statuses of an article version or an image: kept, or the reason why not."""

FAILED = ("unavailable", "corrupt")
"""Statuses that a retry may change."""

SETTLED = (*FAILED, "too_large")
"""Statuses of failed requests, which are not repeated while the ETag stays the same."""

NOT_WANTED = "image_not_wanted"
"""The reason of an image that the options of a run leave out."""

IMAGES_FILE = Form(
    r"images/[0-9]{7,}-[0-9a-f]{16}\.parquet", "an images file such as images/0000013-....parquet"
)

HEADER = b"biomedica_block"
"""Key of a block's header in the metadata of its articles file."""


@dataclass(frozen=True, slots=True)
class ImageEntry:
    """One graphic of an article, and its outcome.

    Parameters
    ----------
    href
        Its name in the document; ``None`` without a name.
    name, md5, size
        The matching file of the article version, if any.
    reason
        Details of a status other than kept.
    """

    href: str | None
    name: str | None = None
    md5: str | None = None
    size: int | None = None
    status: str = "kept"
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRow:
    """One article version of the inventory, and its outcome.

    Parameters
    ----------
    etag
        ETag in the inventory.
    metadata, metadata_md5
        The metadata JSON as read, which may be newer than the inventory.
    xml
        The document, unchanged, if it was fetched completely.
    images
        One entry per graphic, in document order.
    """

    pmcid: int
    version: int
    etag: str
    status: str
    reason: str | None = None
    metadata: bytes | None = None
    metadata_md5: str | None = None
    xml: bytes | None = None
    images: list[ImageEntry] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Such as ``PMC13900.1``."""
        return f"PMC{self.pmcid}.{self.version}"

    @property
    def newer(self) -> bool:
        """Whether the metadata is newer than the inventory, judging by its ETag."""
        return self.metadata_md5 not in (None, self.etag) and is_md5(self.etag)

    @property
    def failed(self) -> bool:
        """Whether the article or one of its images was unavailable or corrupt."""
        return any(s in FAILED for s in (self.status, *(entry.status for entry in self.images)))


@dataclass(frozen=True, slots=True)
class BlockHeader:
    """The header of a block, stored in the metadata of its articles file.

    Parameters
    ----------
    inventory, wants
        Digests of the block's (key, ETag) list and of the `Wants`.
    rows
        Digest of the rows, see `row_digest`.
    reader
        Fingerprint of the code that decided which images the articles need.
    images_file, images_sha256, images_bytes
        Name, digest and size of the images file; ``None`` for a block without images.
    counts
        Articles and figures by ``status`` or ``status: reason``.
    """

    inventory: str
    wants: str
    reader: str
    rows: Sha256
    images_file: Annotated[str, IMAGES_FILE] | None
    images_sha256: Sha256 | None
    images_bytes: Count | None
    counts: dict[str, dict[str, Count]]

    def __post_init__(self) -> None:
        """Check that the images file is described whole, and that everything is counted."""
        images = {self.images_file is None, self.images_sha256 is None, self.images_bytes is None}
        if len(images) > 1 or not {"articles", "figures"} <= self.counts.keys():
            msg = "a part of the images file is missing, or the counts of articles or figures"
            raise ValueError(msg)

    @property
    def digest(self) -> str:
        """Digest of the block: it changes with any row or image."""
        return hashlib.sha256(header_metadata(self)[HEADER]).hexdigest()

    def has_images(self, sizes: Mapping[str, int]) -> bool:
        """Whether the images file, if any, is among the files and has the right size."""
        return self.images_file is None or sizes.get(self.images_file) == self.images_bytes

    def may_gain(self) -> bool:
        """Whether a retry may add to the block: something failed, or the reader has changed."""
        if self.reader != reader_fingerprint():
            return True
        words = {key.partition(":")[0] for group in self.counts.values() for key in group}
        return not words.isdisjoint(FAILED)


def count(rows: Iterable[LedgerRow]) -> dict[str, dict[str, int]]:
    """Count articles and figures by status and reason."""
    articles: Counter[str] = Counter()
    figures: Counter[str] = Counter()
    newer = 0
    for row in rows:
        articles[_word(row.status, row.reason)] += 1
        figures.update(_word(entry.status, entry.reason) for entry in row.images)
        newer += row.newer
    return {
        "articles": dict(sorted(articles.items())),
        "figures": dict(sorted(figures.items())),
        "newer": {"metadata": newer},
    }


def row_digest(row: LedgerRow, xml: bytes | None) -> bytes:
    """Return the digest of a row, whose document is given separately; 32 bytes."""
    images = [[getattr(entry, name) for name in ImageEntry.__slots__] for entry in row.images]
    documents = [hashlib.sha256(data).hexdigest() if data else None for data in (row.metadata, xml)]
    ids = [row.pmcid, row.version, row.etag, row.status, row.reason, row.metadata_md5]
    return hashlib.sha256(json.dumps([*ids, *documents, images]).encode()).digest()


def _word(status: str, reason: str | None) -> str:
    return f"{status}: {reason}" if reason and status != "kept" else status


def header_metadata(header: BlockHeader) -> dict[bytes, bytes]:
    """Return a block's header as metadata of its articles file."""
    stored = {name: getattr(header, name) for name in BlockHeader.__slots__}
    return {HEADER: json.dumps(stored, sort_keys=True).encode()}
