"""Verifies an archive: digests, ledgers, images."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING

import pyarrow as pa

from biomedica_dataset.archive.entries import ARTICLE_STATUSES, LedgerRow, count, row_digest
from biomedica_dataset.archive.layout import articles_name
from biomedica_dataset.errors import ArchiveError
from biomedica_dataset.images.decode import decoding_problem
from biomedica_dataset.pmc.etags import md5_of
from biomedica_dataset.pmc.inventory import Inventory, Version

from .report import VerifyReport

if TYPE_CHECKING:
    from biomedica_dataset.archive.ledger import Archive
    from biomedica_dataset.engine.progress import Ticker


def verify_archive(archive: Archive, tick: Ticker, *, images: bool = False) -> VerifyReport:
    """Check the digests, ledgers and images of an archive."""
    report = VerifyReport("archive")
    named = set()
    for block in archive.blocks():
        name = articles_name(block)
        try:
            header = archive.header(block)
            named.add(header.images_file)
            _verify_block(archive, block, report)
            if images:
                _decode_images(archive, block, header.images_file, report)
        except (ArchiveError, pa.ArrowInvalid, OSError) as error:
            report.wrong(name, f"{error}")
        report.files += 1
        tick(1, 0, archive.folder.size(name))
    for image in archive.folder.names("images"):
        if f"images/{image}" not in named:
            report.wrong(f"images/{image}", "no block names it; the next run of extract removes it")
    return report


def _verify_block(archive: Archive, block: int, report: VerifyReport) -> None:
    name, header = articles_name(block), archive.header(block)
    versions: list[Version] = []
    promised: Counter[tuple[int, int, str, str]] = Counter()
    digest = hashlib.sha256()

    def rows() -> list[LedgerRow]:
        seen = []
        for row in archive.rows(block):
            versions.append(Version(row.pmcid, row.version, row.etag))
            digest.update(row_digest(row, row.xml))
            if row.status not in ARTICLE_STATUSES or row.pmcid // archive.width != block:
                report.wrong(name, f"the row of {row.name} does not belong to this block")
            kept = {(e.name, e.md5) for e in row.images if e.status == "kept"}
            promised.update((row.pmcid, row.version, n or "", m or "") for n, m in kept)
            seen.append(row)
        return seen

    counts = count(iter(rows()))
    report.rows += len(versions)
    if counts != header.counts:
        report.wrong(name, "its counts differ from its rows")
    if digest.hexdigest() != header.rows:
        report.wrong(name, "its rows differ from the digest in its header")
    if Inventory.of(versions).digest() != header.inventory:
        report.wrong(name, "its rows differ from the inventory digest in its header")
    if header.images_file is None:
        found: Counter[tuple[int, int, str, str]] = Counter()
    elif not archive.folder.exists(header.images_file):
        report.wrong(header.images_file, f"missing, but {name} names it")
        return
    else:
        report.files += 1
        if archive.folder.sha256(header.images_file) != header.images_sha256:
            report.wrong(header.images_file, f"differs from its SHA-256 in {name}")
            return
        found = Counter((p, v, n, md5_of(data)) for p, v, n, data in archive.images(block))
    if found != promised:
        lost = list((promised - found) + (found - promised))[:3]
        report.wrong(name, f"images and ledger differ, first in {lost}")


def _decode_images(archive: Archive, block: int, file: str | None, report: VerifyReport) -> None:
    for pmcid, version, name, data in archive.images(block):
        problem = decoding_problem(data)
        if problem:
            report.wrong(f"{file}", f"{name} of PMC{pmcid}.{version} cannot be decoded: {problem}")
