"""The previous state of a block: read once, and copied where nothing has changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from biomedica_dataset.archive.layout import articles_name
from biomedica_dataset.archive.stored_images import ImageId, StoredImages
from biomedica_dataset.pmc.matching import reader_fingerprint

from .fetch import Fetched, Known

if TYPE_CHECKING:
    from biomedica_dataset.archive.entries import BlockHeader, LedgerRow
    from biomedica_dataset.archive.ledger import Archive
    from biomedica_dataset.io.folders import Folder
    from biomedica_dataset.io.spool import Held, Spool
    from biomedica_dataset.pmc.inventory import Version

    from .tasks import Task


class PreviousBlock:
    """The rows, documents and images of an older state of a block; empty if there is none.

    Attributes
    ----------
    header
        Its header, if there is one.
    rows
        Its ledger by PMCID and version, without the documents.
    images
        Its images, in order; empty if their file is gone.
    """

    def __init__(self) -> None:
        self.header: BlockHeader | None = None
        self.images: list[ImageId] = []
        self.rows: dict[int, dict[int, LedgerRow]] = {}
        self._xml: dict[int, dict[int, Held]] = {}
        self._held: dict[int, dict[tuple[str, str], Held]] = {}

    @classmethod
    @contextmanager
    def open(cls, archive: Archive, block: int, spool: Spool) -> Iterator[PreviousBlock]:
        """Yield the stored block; its images can be read until the body ends.

        Raises
        ------
        ArchiveError
            The stored block is damaged.
        """
        old = cls()
        if not archive.folder.exists(articles_name(block)):
            yield old
            return
        old.header = archive.header(block)
        images_file = old.header.images_file
        old._read_rows(archive, block, spool)
        if images_file is None or not _is_whole(archive.folder, images_file, old.header):
            yield old
            return
        with archive.folder.open(images_file) as file:
            old._read_images(StoredImages(file, archive.folder.path(images_file)))
            yield old

    def _read_rows(self, archive: Archive, block: int, spool: Spool) -> None:
        for row in archive.rows(block):
            if row.xml is not None:
                self._xml.setdefault(row.pmcid, {})[row.version] = spool.add(row.xml)
            self.rows.setdefault(row.pmcid, {})[row.version] = replace(row, xml=None)

    def _read_images(self, images: StoredImages) -> None:
        sizes = {
            (row.pmcid, row.version, entry.name, entry.md5): entry.size or 0
            for rows in self.rows.values()
            for row in rows.values()
            for entry in row.images
        }
        for image, group, position in images.entries():
            self.images.append(image)
            held = _PreviousImage(images, group, position, sizes.get(image, 0))
            self._held.setdefault(image[0], {})[image[2:]] = held

    def known(self, pmcid: int, *, retry: bool) -> Known:
        """Return what is stored of a PMCID; with ``retry``, temporary failures count as unknown."""
        rows = self.rows.get(pmcid, {})
        if retry:
            rows = {
                version: replace(row, etag="", metadata=None, metadata_md5=None)
                if row.failed
                else row
                for version, row in rows.items()
            }
        return Known(rows, self._xml.get(pmcid, {}), self._held.get(pmcid, {}))

    def unchanged(self, pmcid: int, versions: Sequence[Version], task: Task) -> Fetched | None:
        """Return what is stored of a PMCID, if nothing about it has changed."""
        rows = self.rows.get(pmcid, {})
        if self.header is None or self.header.wants != task.wants.digest:
            return None
        if {v.version: v.etag for v in versions} != {r.version: r.etag for r in rows.values()}:
            return None
        ordered = [rows[version] for version in sorted(rows)]
        if task.retry and self._may_gain(ordered):
            return None
        held = self._held.get(pmcid, {})
        wanted = [
            (row.version, entry.name, entry.md5)
            for row in ordered
            for entry in row.images
            if entry.status == "kept" and entry.name and entry.md5
        ]
        if any((name, md5) not in held for _version, name, md5 in wanted):
            return None  # the images file is gone
        images = {(version, name): held[name, md5] for version, name, md5 in wanted}
        return Fetched(ordered, dict(self._xml.get(pmcid, {})), images)

    def _may_gain(self, rows: Sequence[LedgerRow]) -> bool:
        has_other_reader = self.header is not None and self.header.reader != reader_fingerprint()
        return has_other_reader or any(row.failed for row in rows)


def _is_whole(folder: Folder, name: str, header: BlockHeader) -> bool:
    return folder.exists(name) and folder.size(name) == header.images_bytes


@dataclass(frozen=True, slots=True)
class _PreviousImage:
    images: StoredImages
    group: int
    row: int
    size: int

    def read(self) -> Any:
        return self.images.read(self.group, self.row)
