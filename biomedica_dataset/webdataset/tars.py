"""Writes tars of samples in a mixed order, the same bytes for the same pairs."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from biomedica_dataset.errors import ArchiveError
from biomedica_dataset.licenses import LICENSE_GROUPS

from .published import published_json

if TYPE_CHECKING:
    from biomedica_dataset.folder.splits import Splits
    from biomedica_dataset.io.folders import Folder
    from biomedica_dataset.io.partial import NewFile
    from biomedica_dataset.io.spool import Held, Spool
    from biomedica_dataset.rows import ArticleRows
    from biomedica_dataset.schema import Pair


@dataclass(frozen=True, slots=True)
class Tar:
    """A tar that was written: its samples, bytes and digest."""

    samples: int
    bytes: int
    sha256: str


SAMPLES = 10_000
"""The most samples of a tar."""

_SEED = "0"


class Samples:
    """The samples of one run of blocks, out of memory until their order is known."""

    def __init__(self, spool: Spool, splits: Splits) -> None:
        self._spool, self._splits = spool, splits
        self._folders: dict[str, list[tuple[bytes, str, list[Held]]]] = {}

    def add(self, rows: ArticleRows) -> None:
        """Take in the pairs of an article."""
        article = rows.article[1] if rows.article else None
        for group, pair in rows.pairs:
            siblings = [other for g, other in rows.pairs if _may_stand_beside(g, group)]
            text = json.dumps(published_json(pair, article, siblings), ensure_ascii=False)
            members = (_image(pair), pair.caption.encode(), text.encode())
            order = hashlib.sha256(f"{_SEED} {pair.key}".encode()).digest()
            held = [self._spool.add(data) for data in members]
            split = self._splits.of(int(pair.article_accession_id.removeprefix("PMC")))
            below = f"{group}{self._splits.below(split)}"
            self._folders.setdefault(below, []).append((order, pair.key, held))

    def write(self, folder: Folder, run: int) -> dict[str, Tar]:
        """Write the tars; return them by path."""
        written = {}
        for below, samples in sorted(self._folders.items()):
            samples.sort(key=lambda sample: sample[:2])
            for part, start in enumerate(range(0, len(samples), SAMPLES)):
                chosen = samples[start : start + SAMPLES]
                path = f"{below}/{run:06d}-{part:02d}.tar"
                with folder.create() as file:
                    _write_tar(file, chosen)
                    file.publish(path)
                written[path] = Tar(len(chosen), file.size, file.sha256)
        return written


def _may_stand_beside(other: str, group: str) -> bool:
    """Whether the text of a pair of one group may be repeated in the row of another."""
    return LICENSE_GROUPS.index(other) <= LICENSE_GROUPS.index(group)


def _image(pair: Pair) -> bytes:
    if pair.image is None:
        msg = f"{pair.key} has no image"
        raise ArchiveError(msg)
    data: bytes = pair.image["bytes"]
    return data


def _write_tar(file: NewFile, samples: list[tuple[bytes, str, list[Held]]]) -> None:
    # The names and times of a maker's machine stay out: TarInfo has zeros and empty names for them.
    to_write: Any = file  # of which tarfile only wants write
    with tarfile.open(fileobj=to_write, mode="w|", format=tarfile.GNU_FORMAT) as tar:
        for _order, key, held in samples:
            for ending, data in zip(("jpg", "txt", "json"), held, strict=True):
                member = tarfile.TarInfo(f"{key}.{ending}")
                member.size = data.size
                tar.addfile(member, io.BytesIO(data.read()))
