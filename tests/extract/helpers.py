"""A bucket that tests change, runs of extract on it, and what they left."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
from typing import TYPE_CHECKING, Any

from biomedica_dataset.archive.ledger import Archive
from biomedica_dataset.extraction.extract import extract

from ..servers import BucketServer, Fault

if TYPE_CHECKING:
    from pathlib import Path

    from biomedica_dataset.archive.entries import LedgerRow
    from biomedica_dataset.extraction.report import ExtractReport

__all__ = ["Bucket", "BucketServer", "Fault"]

REPORTS = "inventory-reports/pmc-oa-opendata/metadata"
DAY = "2026-11-21T01-00Z"


def run(source: object, archive: Path, **options: Any) -> ExtractReport:
    """Extract in this process, unless told otherwise."""
    return extract(str(source), archive, **{"workers": 1, **options})


def rows(archive: Path) -> dict[str, LedgerRow]:
    """Return all ledger rows by name of the article version."""
    opened = Archive.open(archive)
    return {row.name: row for block in opened.blocks() for row in opened.rows(block)}


def fates(archive: Path) -> dict[str, str]:
    """Return status and reason by name of the article version."""
    return {
        name: f"{row.status}: {row.reason}" if row.reason else row.status
        for name, row in rows(archive).items()
    }


def images(archive: Path) -> dict[str, bytes]:
    """Return the bytes of all images by article version and file name."""
    opened = Archive.open(archive)
    return {
        f"PMC{pmcid}.{version}/{name}": data
        for block in opened.blocks()
        for pmcid, version, name, data in opened.images(block)
    }


class Bucket:
    """A copy of the sample bucket that a test changes."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def names(self) -> list[str]:
        return sorted(path.stem for path in (self.root / "metadata").iterdir())

    def record(self, name: str) -> dict[str, Any]:
        return json.loads((self.root / f"metadata/{name}.json").read_bytes())

    def change(self, name: str, **flags: object) -> None:
        """Change fields of a metadata JSON; the inventory does not know of it."""
        self.put(name, json.dumps(self.record(name) | flags).encode())

    def put(self, name: str, data: bytes) -> None:
        (self.root / f"metadata/{name}.json").write_bytes(data)

    def replace(self, name: str, file: str, data: bytes) -> None:
        """Replace a file of an article version, and its MD5 in the metadata."""
        (self.root / name / file).write_bytes(data)
        text = json.dumps(self.record(name))
        start = text.index(f"/{file}?md5=") + len(f"/{file}?md5=")
        self.put(name, (text[:start] + _md5(data) + text[start + 32 :]).encode())

    def copy(self, name: str, to: str, **flags: object) -> None:
        """Make a new article version of the files of another one."""
        text = json.dumps(self.record(name))
        (self.root / to).mkdir()
        for path in (self.root / name).iterdir():
            (self.root / to / path.name.replace(name, to)).write_bytes(path.read_bytes())
        pmcid, _, version = to.partition(".")
        record = json.loads(text.replace(name, to)) | {"pmcid": pmcid, "version": int(version)}
        self.put(to, json.dumps(record | flags).encode())

    def remove(self, name: str) -> None:
        (self.root / f"metadata/{name}.json").unlink()

    def etags(self) -> dict[str, str]:
        return {
            f"metadata/{path.name}": _md5(path.read_bytes())
            for path in sorted((self.root / "metadata").iterdir())
        }

    def take_inventory(self, day: str = DAY, etags: dict[str, str] | None = None) -> Path:
        """Write an inventory of what is there now, or of other ETags; return its manifest."""
        return self.put_inventory(day, inventory_csv(self.etags() if etags is None else etags))

    def put_inventory(self, day: str, table: bytes, md5: str | None = None) -> Path:
        """Write an inventory that holds some bytes."""
        key = f"{REPORTS}/data/{day}.csv.gz"
        (self.root / key).write_bytes(table)
        manifest = {
            "fileSchema": "Bucket, Key, LastModifiedDate, ETag",
            "files": [{"key": key, "MD5checksum": md5 or _md5(table)}],
        }
        path = self.root / REPORTS / day / "manifest.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(manifest))
        return path


def inventory_csv(etags: dict[str, str]) -> bytes:
    """Return a gzipped inventory of keys with their ETags."""
    table = io.StringIO()
    writer = csv.writer(table, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerows(
        ("pmc-oa-opendata", k, "2026-11-20T11:47:59.000Z", e) for k, e in etags.items()
    )
    return gzip.compress(table.getvalue().encode(), mtime=0)


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()
