"""Writes tars of samples in shuffled order; the same samples give the same bytes."""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from biomedica_dataset.card.write import CARD
from biomedica_dataset.errors import ArchiveError
from biomedica_dataset.folder.splits import SPLITS, Splits
from biomedica_dataset.io.rules import Count, Form, Sha256
from biomedica_dataset.io.spool import Held, Spool
from biomedica_dataset.licenses import LICENSE_GROUPS

from .published import published_json, tar_card

if TYPE_CHECKING:
    from biomedica_dataset.io.folders import Folder
    from biomedica_dataset.io.partial import NewFile
    from biomedica_dataset.schema import ArticleRow, CaptionRow, Pair

SIZES = "sizes.json"
SAMPLES = 10_000
"""Maximum number of samples per tar."""

_SEED = "0"
_NAME = r"(?:[a-z]+-)*[0-9]{6,}-[0-9]{2,}\.tar"  # those of 0.1.0 are only numbers
TAR_PATH = Form(
    rf"(?:{'|'.join(LICENSE_GROUPS)})(?:/(?:{'|'.join(SPLITS)}))?/{_NAME}",
    "the path of a tar such as commercial/commercial-000000-00.tar",
)


@dataclass(frozen=True, slots=True)
class Sample:
    """One pair, with the parts of its article that its ``.json`` repeats.

    Parameters
    ----------
    group
        Its licence group.
    split
        Its split.
    article
        The row of its article, if known.
    siblings
        All pairs of the article, itself included, with their licence groups, in document order.
    ending
        Of the name of the image.
    """

    group: str
    split: str
    pair: Pair
    article: ArticleRow | None
    siblings: Sequence[tuple[str, Pair | CaptionRow]]
    ending: str = "jpg"


@dataclass(frozen=True, slots=True)
class Tar:
    """A finished tar: its number of samples, bytes and digest."""

    samples: Count
    bytes: Count
    sha256: Sha256


def write_tars(
    folder: Folder, number: int, samples: Iterable[Sample], splits: Splits
) -> dict[str, Tar]:
    """Write samples as the tars of one number; return the tars by path.

    Parameters
    ----------
    samples
        In any order; they are spooled to disk until all are known and can be ordered.
    """
    folders: dict[str, list[tuple[bytes, str, dict[str, Held]]]] = {}
    written = {}
    with Spool(folder.scratch()) as spool:
        for sample in samples:
            pair, members = sample.pair, _members(sample)
            order = hashlib.sha256(f"{_SEED} {pair.key}".encode()).digest()
            below = folders.setdefault(f"{sample.group}{splits.below(sample.split)}", [])
            endings = (sample.ending, "txt", "json")
            held = {of: spool.add(data) for of, data in zip(endings, members, strict=True)}
            below.append((order, pair.key, held))
        for name, own in sorted(folders.items()):
            own.sort(key=lambda entry: entry[:2])
            for part, start in enumerate(range(0, len(own), SAMPLES)):
                # No other folder has a tar of this name: readers of sizes go by the name alone.
                path = f"{name}/{name.replace('/', '-')}-{number:06d}-{part:02d}.tar"
                chosen = own[start : start + SAMPLES]
                with folder.create() as file:
                    _write_tar(file, chosen)
                    file.publish(path)
                written[path] = Tar(len(chosen), file.size, file.sha256)
    return written


def _members(sample: Sample) -> tuple[bytes, bytes, bytes]:
    """Return the image, the caption and the JSON of a sample."""
    pair, place = sample.pair, LICENSE_GROUPS.index(sample.group)
    if pair.image is None:
        msg = f"{pair.key} has no image"
        raise ArchiveError(msg)
    # Repeat the text of a figure only where the licence permits no more than its own.
    beside = [other for group, other in sample.siblings if LICENSE_GROUPS.index(group) <= place]
    text = json.dumps(published_json(pair, sample.article, beside), ensure_ascii=False)
    return pair.image["bytes"], pair.caption.encode(), text.encode()


def _write_tar(file: NewFile, samples: list[tuple[bytes, str, dict[str, Held]]]) -> None:
    # TarInfo's zeros and empty names keep the names and times of this machine out.
    to_write: Any = file  # tarfile only calls write
    with tarfile.open(fileobj=to_write, mode="w|", format=tarfile.GNU_FORMAT) as tar:
        for _order, key, held in samples:
            for ending, data in held.items():
                member = tarfile.TarInfo(f"{key}.{ending}")
                member.size = data.size
                tar.addfile(member, io.BytesIO(data.read()))


def sizes_of(tars: Mapping[str, Tar]) -> dict[str, dict[str, int]]:
    """Return the content of each ``sizes.json`` by folder: samples of all tars by name.

    open_clip looks up every tar in the folder of the first, so each has the tars of all folders.
    """
    sizes = {path.rpartition("/")[2]: tar.samples for path, tar in sorted(tars.items())}
    return dict.fromkeys(sorted({path.rpartition("/")[0] for path in tars}), sizes)


def retract(folder: Folder, splits: Splits) -> None:
    """Remove sizes and card while tars change."""
    for below in _folders(splits):
        folder.remove(f"{below}/{SIZES}")
    folder.remove(CARD)


def finish(
    folder: Folder,
    tars: Mapping[str, Tar],
    splits: Splits,
    *,
    ending: str = "jpg",
    note: str = "",
) -> None:
    """Remove tars of an earlier state; write sizes and card if they are missing.

    Their presence marks the folder as finished.

    Parameters
    ----------
    ending
        Of the names of images.
    note
        A further sentence of the card.
    """
    for below in _folders(splits):
        for name in folder.names(below):
            if re.fullmatch(_NAME, name) and f"{below}/{name}" not in tars:
                folder.remove(f"{below}/{name}")
    for below, sizes in sizes_of(tars).items():
        if not folder.exists(f"{below}/{SIZES}"):
            folder.write_bytes(f"{below}/{SIZES}", json.dumps(sizes, indent=1).encode())
    if not folder.exists(CARD):
        digests = sorted(f"{path} {tar.sha256}" for path, tar in tars.items())
        mark = hashlib.sha256("\n".join(digests).encode()).hexdigest()
        folder.write_bytes(CARD, tar_card(list(tars), mark, ending, note).encode())


def _folders(splits: Splits) -> list[str]:
    """Return the folders that may contain tars."""
    folders = (f"{group}{splits.below(split)}" for group in LICENSE_GROUPS for split in SPLITS)
    return list(dict.fromkeys(folders))
