"""Collects the files of a dataset folder to publish."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from biomedica_dataset.card.write import CARD, card_of_repository, publish
from biomedica_dataset.errors import ArchiveError, UsageError
from biomedica_dataset.folder.attributes import CONFIG as ATTRIBUTES
from biomedica_dataset.folder.index_places import check_places
from biomedica_dataset.folder.index_rows import read_index_table
from biomedica_dataset.folder.manifest import MANIFEST, CardImage, Changes, Manifest, read_manifest
from biomedica_dataset.folder.parquet import TableWriter
from biomedica_dataset.io.failures import reading
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.schema import IndexRow
from biomedica_dataset.serialization.attributes import StoredRows, write_attributes

if TYPE_CHECKING:
    from huggingface_hub import RepoFile

    from biomedica_dataset.folder.record import ShardFile
    from biomedica_dataset.folder.search_files import SearchFile

_LEFT_OUT = "other"
_AGAIN = "Serialize again, or get the folder from its source again."


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A local file of the dataset.

    Parameters
    ----------
    path
        Path in the repository.
    place
        Path on this machine.
    """

    path: str
    place: Path
    size: int
    sha256: str

    def is_same(self, there: RepoFile | None) -> bool:
        """Whether the repository has the same bytes."""
        if there is None or there.size != self.size:
            return False
        if there.lfs is not None:
            return bool(there.lfs.sha256 == self.sha256)
        data = self.place.read_bytes()
        return bool(hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest() == there.blob_id)


def collect(source: Folder, scratch: Path, repo_id: str, *, include_other: bool) -> list[LocalFile]:
    """Return the files to publish in upload order: index, card and manifest last."""
    manifest = read_manifest(source)
    if not source.exists(CARD) or source.sha256(MANIFEST).encode() not in source.read_bytes(CARD):
        msg = f"the {CARD} of {source.url} does not match its {MANIFEST}; serialize again first"
        raise UsageError(msg)
    place = Path(source.root)
    for file in _named(manifest):
        if not source.exists(file.path) or source.size(file.path) != file.bytes:
            advice = f"run `biomedica verify {source.url}`"
            msg = f"{file.path} is missing or differs from {MANIFEST}; {advice}"
            raise ArchiveError(msg)
    index = [_index(source, file) for file in manifest.config_files("index")]
    with reading(source.path("index"), _AGAIN):
        check_places(pa.concat_tables(index), {file.path: file for file in manifest.files})
    if not include_other and any(map(_is_left_out, manifest.files)):
        manifest = _without_other(source, manifest, scratch)
        place = scratch
    files = [LocalFile(f.path, place / f.path, f.bytes, f.sha256) for f in _named(manifest)]
    files.sort(key=lambda file: (file.path.startswith("index/"), file.path))
    card = scratch / "card" / CARD
    card.parent.mkdir()
    card.write_bytes(card_of_repository((place / CARD).read_bytes(), repo_id))
    return [*files, _local(card.parent, CARD), _local(place, MANIFEST)]


def _named(manifest: Manifest) -> list[ShardFile | CardImage | SearchFile]:
    return [*manifest.files, *manifest.other_files]


def _local(place: Path, path: str) -> LocalFile:
    data = (place / path).read_bytes()
    return LocalFile(path, place / path, len(data), hashlib.sha256(data).hexdigest())


def _is_left_out(file: ShardFile) -> bool:
    return _LEFT_OUT in file.path.split("/")


def _without_other(source: Folder, manifest: Manifest, scratch: Path) -> Manifest:
    """Make a folder without the group ``other``: links to shards; new index, card, manifest."""
    stage, files = Folder(scratch, links_to=(source.root,)), []
    left = 0
    for file in manifest.files:
        if _is_left_out(file) or file.config == ATTRIBUTES:
            continue
        if file.config == "index":
            kept, split = _index_without_other(source, file, stage)
            files += [kept] if kept.rows else []
            left += split
        else:
            _link(source, file.path, scratch)
            files.append(file)
    search = manifest.search.without_other() if manifest.search else None
    for searched in search.files if search else ():
        _link(source, searched.path, scratch)
    index = [file for file in files if file.config == "index"]
    files += _attributes_without_other(source, manifest, index, stage)
    staged = replace(
        manifest,
        files=files,
        search=search,
        figures=_moved(manifest, "figures", _count(manifest, _LEFT_OUT)),
        articles=_moved(manifest, "articles", _count(manifest, "articles")),
        split_figures=_moved(manifest, "split_figures", left),
        panels=_moved(manifest, "panels", _count(manifest, "panels")),
        document_figures={},  # known of all documents together alone
        document_tables={},
        changes=_changes_without_other(manifest.changes),
    )
    return publish(stage, staged)


def _link(source: Folder, path: str, scratch: Path) -> None:
    link = scratch / path
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(Path(source.place(path)).resolve())


def _attributes_without_other(
    source: Folder, manifest: Manifest, index: list[ShardFile], stage: Folder
) -> list[ShardFile]:
    stored = (StoredRows(source, attribute) for attribute in manifest.attributes)
    return write_attributes(stage, index, manifest.splits, stored)[1]


def _changes_without_other(changes: Changes | None) -> Changes | None:
    if changes is None:
        return None
    added, removed = (
        {group: n for group, n in counts.items() if group != _LEFT_OUT}
        for counts in (changes.added, changes.removed)
    )
    return replace(changes, added=added, removed=removed)


def _count(manifest: Manifest, config: str) -> int:
    """Return the omitted rows of a config."""
    return sum(f.rows for f in manifest.files if _is_left_out(f) and f.config == config)


def _moved(manifest: Manifest, what: str, left: int) -> dict[str, int]:
    """Return counts of the manifest with what was omitted counted as such, not as kept."""
    counts: dict[str, int] = getattr(manifest, what)
    return counts | ({"kept": counts["kept"] - left, "license_other": left} if left else {})


def _index(source: Folder, file: ShardFile) -> pa.Table:
    with source.reading(file.path, _AGAIN) as opened:
        return read_index_table(opened)


def _index_without_other(source: Folder, file: ShardFile, stage: Folder) -> tuple[ShardFile, int]:
    """Write a file of the index without omitted rows; return it, and how many were split."""
    whole = _index(source, file)
    table = whole.filter(pc.not_equal(whole["license_group"], _LEFT_OUT))
    split = pc.count(whole["panel_count_found"]).as_py()
    split -= pc.count(table["panel_count_found"]).as_py()
    with stage.create() as new:
        writer = TableWriter(new, IndexRow, {})
        writer.write_table(table)
        writer.close()
        if table.num_rows:
            new.publish(file.path)
    written = replace(
        file, rows=writer.rows, bytes=new.size, memory=writer.memory, sha256=new.sha256
    )
    return written, split
