"""The files of a search index on this machine: where they are, or fetched once and kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from biomedica_dataset.errors import ArchiveError
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.streaming.reading.index import cache_folder
from biomedica_dataset.streaming.reading.places import Files, Place, until_valid

if TYPE_CHECKING:
    from biomedica_dataset.engine.progress import Progress
    from biomedica_dataset.folder.record import ShardFile
    from biomedica_dataset.folder.search_files import SearchFile

_THREADS = 8
_PIECE = 2**24  # bytes of a request


def local_files(place: Place, files: Sequence[SearchFile], progress: Progress) -> dict[str, Path]:
    """Return where each file is on this machine, by its path in the dataset folder.

    Files of another machine are kept by their digests, so that only changed ones are fetched again.

    Raises
    ------
    ArchiveError
        A file of a folder here is missing or has another size.
    SourceError
        A file cannot be fetched.
    """
    if place.is_local:
        folder = Folder(place.url)
        found = {file.path: Path(folder.place(file.path)) for file in files}
        for file in files:
            path = found[file.path]
            if not path.is_file() or path.stat().st_size != file.bytes:
                msg = (
                    f"{path} is missing or half there; run `biomedica search build {place.url}`, "
                    "or get the folder from its source again"
                )
                raise ArchiveError(msg)
        return found
    kept = cache_folder() / "search"
    found = {file.path: kept / file.sha256 for file in files}
    fetch_files(place, files, found, progress, "files of the search index")
    return found


def fetch_files(
    place: Place,
    files: Sequence[SearchFile | ShardFile],
    found: Mapping[str, Path],
    progress: Progress,
    what: str,
) -> None:
    """Fetch the files that are not yet where they belong, after their size was said.

    Parameters
    ----------
    found
        Where each file belongs, by its path in the dataset folder.
    what
        Says what they are.

    Raises
    ------
    SourceError
        A file cannot be fetched.
    """
    absent = [file for file in files if not _is_there(found[file.path], file)]
    if not absent:
        return
    total = sum(file.bytes for file in absent)
    progress.say(
        f"fetching {len(absent):,} {what} once, {total / 1e6:,.1f} MB, into {cache_folder()}"
    )
    progress.start(len(absent), "files")

    def one(file: SearchFile | ShardFile) -> None:
        until_valid(opened, file.path, lambda: _fetch_file(opened, file, found[file.path]))
        progress.tick(1, 0, file.bytes)

    with closing(place.open()) as opened, progress.shown(), ThreadPoolExecutor(_THREADS) as pool:
        for done in [pool.submit(one, file) for file in absent]:
            done.result()


def _is_there(path: Path, file: SearchFile | ShardFile) -> bool:
    return path.is_file() and path.stat().st_size == file.bytes


def _fetch_file(files: Files, file: SearchFile | ShardFile, kept: Path) -> None:
    with Folder(kept.parent).create() as new:
        for start in range(0, file.bytes, _PIECE):
            new.write(files.range(file.path, start, min(_PIECE, file.bytes - start)))
        if new.sha256 != file.sha256:
            msg = f"{files.base}/{file.path} differs from its SHA-256 in the manifest"
            raise ArchiveError(msg)
        new.publish(kept.name)
