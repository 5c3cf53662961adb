"""Where the images of a benchmark come from: a task of evaluation, or a folder of images."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from biomedica_dataset.clip.evaluate.find import find_tasks
from biomedica_dataset.clip.evaluate.read_table import read_table
from biomedica_dataset.errors import UsageError
from biomedica_dataset.keys import is_raster


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Images that models are evaluated on.

    Parameters
    ----------
    digest
        Differs if the images do.
    images
        Their names.
    read
        Returns the bytes of an image; raises `ArticleError` where there is none.
    """

    name: str
    digest: str
    images: list[str]
    read: Callable[[int], bytes]


def find_benchmarks(words: Sequence[str], data: str = ".") -> list[Benchmark]:
    """Return the benchmarks that words name, each once.

    Parameters
    ----------
    words
        Folders of images, or words that name tasks; see `find_tasks`.
    data
        Folder with the files of shipped tasks.

    Raises
    ------
    UsageError
        A word names nothing, a benchmark has no images, or two have one name.
    SourceError
        The Hub cannot be reached.
    """
    found: dict[str, Benchmark] = {}
    for one in _named(words, data):
        if found.setdefault(one.name, one).digest != one.digest:
            msg = f"two benchmarks are named {one.name!r}; give one of them another name"
            raise UsageError(msg)
    return list(found.values())


def _named(words: Sequence[str], data: str) -> Iterator[Benchmark]:
    tasks = [word for word in words if not _is_of_images(Path(word))]
    for word in words:
        if word not in tasks:
            yield _folder(Path(word))
    for task in find_tasks(tasks, data) if tasks or not words else []:
        table = read_table(task)
        rows = {key: row for row, key in reversed(list(enumerate(table.keys)))}
        images = sorted(rows)
        places = [rows[key] for key in images]
        yield Benchmark(task.name, table.digest(places), images, _Rows(table.read, places))


def _is_of_images(path: Path) -> bool:
    return path.is_dir() and not any(path.glob("*.y*ml"))


@dataclass(frozen=True, slots=True)
class _Rows:
    """Reads the images of some rows."""

    of: Callable[[int], bytes]
    rows: list[int]

    def __call__(self, number: int) -> bytes:
        return self.of(self.rows[number])


def _folder(folder: Path) -> Benchmark:
    paths = sorted(path for path in folder.rglob("*") if is_raster(path.name) and path.is_file())
    if not paths:
        msg = f"the folder {folder} has no images; name a folder of images, or tasks"
        raise UsageError(msg)
    images = [path.relative_to(folder).as_posix() for path in paths]
    states = [(path.stat().st_size, path.stat().st_mtime_ns) for path in paths]
    digest = hashlib.sha256(json.dumps([images, states]).encode()).hexdigest()
    return Benchmark(folder.resolve().name, digest, images, lambda n: paths[n].read_bytes())
