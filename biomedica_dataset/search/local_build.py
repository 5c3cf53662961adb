"""The words of a dataset without a search index, made searchable on this machine.

What a search index of words is made from is fetched once, which is a small part of a dataset
without its images. The index that `search build` makes of it is kept by the digest of the manifest;
captions and images of what is found still come from the dataset itself.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from biomedica_dataset.extras import require
from biomedica_dataset.folder.manifest import MANIFEST, Manifest, read_manifest
from biomedica_dataset.folder.search_files import FORMAT_VERSION, SearchIndex
from biomedica_dataset.io.failures import io_errors
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.streaming.reading.index import cache_folder
from biomedica_dataset.streaming.reading.places import Place

from .build import SearchStage
from .local_files import fetch_files

if TYPE_CHECKING:
    from biomedica_dataset.engine.progress import Progress
    from biomedica_dataset.folder.record import ShardFile

_CONFIGS = ("index", "captions", "panels")


@dataclass(frozen=True)
class _LocalStage(SearchStage):
    """Builds the index of a folder that has nothing else, and leaves the index alone."""

    def publish(self, manifest: Manifest) -> None:
        """Write the manifest, without a card."""
        for config in _CONFIGS:
            shutil.rmtree(self.output.place(config), ignore_errors=True)
        self.output.write_bytes(MANIFEST, manifest.as_json())


def build_here(
    place: Place, manifest: Manifest, digest: str, progress: Progress
) -> tuple[Place, SearchIndex]:
    """Return a search index of words for a dataset without one, and the folder that has its files.

    Parameters
    ----------
    digest
        SHA-256 of the manifest.

    Raises
    ------
    UsageError
        A library is missing.
    SourceError
        The dataset cannot be read.
    """
    require("tantivy", "search")
    folder = cache_folder() / "built-search" / digest
    made = _made(folder)
    if made is None:
        with _locked(folder, progress):
            made = _made(folder) or _build(folder, place, manifest, progress)
    return Place(str(folder)), made


@contextmanager
def _locked(folder: Path, progress: Progress) -> Iterator[None]:
    """Let one of several searches that begin together build an index, and the others wait."""
    with io_errors(folder.parent):
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(f"{folder}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            progress.say("another search builds this index: waiting for it")
            lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _build(folder: Path, place: Place, manifest: Manifest, progress: Progress) -> SearchIndex:
    files = _sources(manifest)
    found = {file.path: folder / file.path for file in files}
    fetch_files(place, files, found, progress, "files to build a search index")
    Folder(str(folder)).write_bytes(MANIFEST, manifest.as_json())
    made: SearchIndex = _LocalStage(str(folder)).run(progress=progress).finished
    return made


def source_bytes(manifest: Manifest) -> int:
    """Return the bytes that `build_here` fetches."""
    return sum(file.bytes for file in _sources(manifest))


def _sources(manifest: Manifest) -> list[ShardFile]:
    return [file for config in _CONFIGS for file in manifest.config_files(config)]


def _made(folder: Path) -> SearchIndex | None:
    """Return the index that an earlier call made."""
    if not (folder / MANIFEST).is_file():
        return None
    search = read_manifest(Folder(str(folder))).search
    return search if search is not None and search.version == FORMAT_VERSION else None
