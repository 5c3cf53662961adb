"""PubMed in bulk: the annual baseline and the updates, each file read once as a stream."""

from __future__ import annotations

import hashlib
import http.client
import re
import time
import urllib.request
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from biomedica_dataset.engine.collector import collector_paused
from biomedica_dataset.errors import SourceError, UsageError
from biomedica_dataset.io.folders import Folder

from .parts import PartMaker
from .split_records import SplitError, split_records

if TYPE_CHECKING:
    from .article_ids import Filter

Result = TypeVar("Result")

_NAME = re.compile(r"pubmed(\d\d)n(\d{4,6})\.xml\.gz")
_MD5 = re.compile(r"\b[0-9a-fA-F]{32}\b")
_PLACES = ("", "baseline", "updatefiles")
_CHUNK = 1 << 20
_TIMEOUT = 120.0
_TRIES = 5
_PAUSE = 2.0
_AT_ONCE = 16  # small files asked for together


class BrokenFileError(SourceError):
    """A file of PubMed differs from its MD5 or cannot be read."""


@dataclass(frozen=True, slots=True, order=True)
class BulkFile:
    """A file of the baseline or the updates; in their common numbering, later files win."""

    year: int
    number: int
    path: str

    @property
    def name(self) -> str:
        """The file name without the folder."""
        return self.path.rpartition("/")[2]


class Bulk:
    """A folder of PubMed's files, local, in a store or on a web server.

    Parameters
    ----------
    where
        A folder or an HTTP address; ``baseline`` and ``updatefiles`` below it are searched too.
    """

    def __init__(self, where: str) -> None:
        self.where = where.rstrip("/")
        self.is_web = urlsplit(where).scheme in ("http", "https")
        self._folder = None if self.is_web else Folder(where)

    def files(self) -> list[BulkFile]:
        """Return the files, in order.

        Raises
        ------
        UsageError
            There are no files, files of several years, or gaps in their numbers.
        """
        found = sorted(file for place in _PLACES for file in self._listed(place))
        if not found:
            msg = (
                f"{self.where} and its folders baseline and updatefiles hold no file such as "
                "pubmed26n0001.xml.gz"
            )
            raise UsageError(msg)
        years = sorted({file.year for file in found})
        if len(years) > 1:
            msg = (
                f"{self.where} holds files of several years ({years}); each year is complete, "
                "so give a folder with one year"
            )
            raise UsageError(msg)
        numbers = [file.number for file in found]
        missing = sorted(set(range(numbers[0], numbers[-1] + 1)) - set(numbers))
        if missing or len(set(numbers)) != len(numbers):
            msg = (
                f"{self.where}: files are missing or duplicated, such as number "
                f"{(missing or numbers)[0]}; download each file once"
            )
            raise UsageError(msg)
        return found

    def md5(self, file: BulkFile) -> str:
        """Return the expected MD5 of a file, from the .md5 file beside it."""
        found = _MD5.search(self._text(f"{file.path}.md5"))
        if found is None:
            msg = f"{self.where}/{file.path}.md5 contains no MD5"
            raise BrokenFileError(msg)
        return found[0].lower()

    def open(self, path: str) -> IO[bytes]:
        """Open a file as a stream."""
        if self._folder is not None:
            return self._folder.open(path)
        opened: IO[bytes] = urllib.request.urlopen(f"{self.where}/{path}", timeout=_TIMEOUT)
        return opened

    def _text(self, path: str) -> str:
        with self.open(path) as file:
            return file.read(_CHUNK).decode("utf-8", "replace")

    def _listed(self, place: str) -> Iterator[BulkFile]:
        names = self._web_names(place) if self._folder is None else self._folder.names(place)
        for name in names:
            if match := _NAME.fullmatch(name):
                path = f"{place}/{name}" if place else name
                yield BulkFile(int(match[1]), int(match[2]), path)

    def _web_names(self, place: str) -> list[str]:
        try:
            with self.open(f"{place}/" if place else "") as page:
                text = page.read(64 * _CHUNK).decode("utf-8", "replace")
        except (OSError, http.client.HTTPException) as error:
            if isinstance(error, urllib.error.HTTPError) and error.code in (403, 404):
                return []
            msg = f"{self.where}/{place} cannot be listed: {error}"
            raise SourceError(msg) from error
        return sorted({match[0] for match in _NAME.finditer(text)})


def part_name(file: BulkFile) -> str:
    """Return the name of the part made from a file."""
    return f"{file.name.partition('.')[0]}.parquet"


def make_part(bulk: Bulk, file: BulkFile, md5: str, wanted: Filter) -> PartMaker:
    """Read the wanted records of a file.

    Raises
    ------
    BrokenFileError
        The file differs from its MD5 after all retries.
    SourceError
        The file cannot be downloaded.
    """

    def read() -> PartMaker:
        maker = PartMaker(wanted)
        with collector_paused():
            _read(bulk, file, md5, maker)
        return maker

    return _retried(bulk, file.path, read)


def read_md5s(bulk: Bulk, files: Sequence[BulkFile]) -> list[str]:
    """Return the MD5 that each file must have.

    Raises
    ------
    SourceError
        An MD5 cannot be read.
    """
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        read = threads.map(lambda one: _retried(bulk, one.path, lambda: bulk.md5(one)), files)
        return list(read)


def _retried(bulk: Bulk, path: str, read: Callable[[], Result]) -> Result:
    """Return what can be read, tried again where a web server fails."""
    for attempt in range(1, _TRIES):
        try:
            return read()
        except (SourceError, OSError, http.client.HTTPException):
            if not bulk.is_web:
                break
            time.sleep(_PAUSE * 2 ** (attempt - 1))
    try:
        return read()
    except SourceError:
        raise
    except (OSError, http.client.HTTPException) as error:
        msg = f"{bulk.where}/{path} cannot be read: {error}"
        raise SourceError(msg) from error


def _read(bulk: Bulk, file: BulkFile, md5: str, maker: PartMaker) -> None:
    seen = hashlib.md5(usedforsecurity=False)
    problem: Exception | None = None
    with bulk.open(file.path) as opened:
        try:
            maker.add(split_records(_unzipped(opened, seen)))
        except (zlib.error, SplitError) as error:
            problem = error
        while chunk := opened.read(_CHUNK):
            seen.update(chunk)
    came = seen.hexdigest()
    if came != md5:
        msg = f"{bulk.where}/{file.path} has the MD5 {came}, not {md5}; download it again"
        raise BrokenFileError(msg) from problem
    if problem is not None:
        msg = f"{bulk.where}/{file.path} cannot be read: {problem}"
        raise BrokenFileError(msg) from problem


def _unzipped(opened: IO[bytes], seen: Any) -> Iterator[bytes]:
    """Yield the content of a gzip file with one or more members."""
    unzip = zlib.decompressobj(31)
    while chunk := opened.read(_CHUNK):
        seen.update(chunk)
        while chunk:
            yield unzip.decompress(chunk)
            chunk = unzip.unused_data
            if unzip.eof and chunk:
                unzip = zlib.decompressobj(31)
    if not unzip.eof:
        msg = "the gzip stream is truncated"
        raise SplitError(msg)
