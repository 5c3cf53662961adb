"""The memory of workers on a block at every limit: articles, images, and very many figures.

::

    python -m tests.reliability.memory FOLDER --figures 10000
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from biomedica_dataset.extraction.fetch import MAX_IMAGE, MAX_XML
from biomedica_dataset.jats.limits import MAX_MARKS

from .buckets import NAMESPACE, article, figure, put

if TYPE_CHECKING:
    from collections.abc import Sequence

MEGABYTES = 1150
"""What a worker stays under; serialize takes 890 to 1,080 from run to run."""

_OF_AN_ARTICLE = 100  # figures
_FIRST = 5_000_000  # PMCID: all are of one block


@dataclass(frozen=True)
class Stage:
    """A command that was run: its name, memory at most in MB, seconds, and what it said."""

    name: str
    megabytes: float
    seconds: float
    said: str


def write_block(bucket: Path, *, figures: int, large: int) -> None:
    """Write a block with articles and images at the limits and just above, and many figures.

    Parameters
    ----------
    figures
        Of ordinary size, a hundred to an article.
    large
        Images of one article that are as large as may be.
    """
    bucket.mkdir(parents=True)
    most, more = bucket / "most.png", bucket / "more.png"
    most.write_bytes(_picture((5900, 5900)).ljust(MAX_IMAGE, b"\0"))
    shutil.copy(most, more)
    with more.open("ab") as file:
        file.write(b"\0")
    ordinary = _picture((130, 120)).ljust(50_000, b"\0")
    put(bucket, _FIRST, _long_article(MAX_XML), {"g.png": ordinary})
    put(bucket, _FIRST + 1, _long_article(MAX_XML + 1), {"g.png": ordinary})
    names = [f"g{number}.png" for number in range(large)]
    put(
        bucket,
        _FIRST + 2,
        _article([*names, "more.png"]),
        {**dict.fromkeys(names, most), "more.png": more},
    )
    for start in range(0, figures, _OF_AN_ARTICLE):
        names = [f"g{number}.png" for number in range(min(_OF_AN_ARTICLE, figures - start))]
        put(
            bucket,
            _FIRST + 10 + start // _OF_AN_ARTICLE,
            _article(names),
            dict.fromkeys(names, ordinary),
        )
    for file in (most, more):
        file.unlink()


def _article(names: Sequence[str]) -> bytes:
    return article("".join(figure(name, f"Made up, {n}.", n) for n, name in enumerate(names)))


def _long_article(size: int) -> bytes:
    """Return an article of so many bytes with as much markup as may be, mostly attributes.

    Each of its paragraphs has a character for which Python takes four bytes for all others.
    """
    attributes = "".join(f' a{n}=""' for n in range(10))
    cells = f"<td{attributes}>0.5</td>" * 20
    words = f"<p>{'Made up <italic>words</italic> of no meaning. ' * 20}\U0001f600</p>" * 2
    piece = f"{words}<table-wrap><table><tr>{cells}</tr></table></table-wrap>"
    piece += f"<p>{'Made up. ' * 490}\U0001f600</p>"
    start = f"<article {NAMESPACE}><body><sec>{figure('g.png')}".encode()
    end = b"</sec></body></article>"
    text = start + piece.encode() * ((size - len(start) - len(end)) // len(piece.encode()))
    assert 0.95 < sum(map(text.count, (b"<", b"=", b"&"))) / MAX_MARKS < 1
    return text + b" " * (size - len(text) - len(end)) + end


def _picture(size: tuple[int, int]) -> bytes:
    data = io.BytesIO()
    noise = os.urandom(3 * size[0] * size[1])
    Image.frombytes("RGB", size, noise).save(data, "PNG", compress_level=1)
    return data.getvalue()


_DECODE = """
import sys
from biomedica_dataset.annotation.embeddings.article_images import Frame, ImagesOf
from biomedica_dataset.annotation.embeddings.image_loader import ImageLoader
from biomedica_dataset.archive.ledger import Archive
archive = Archive.open(sys.argv[1])
with ImageLoader(archive, ImagesOf(Frame(size=224, colour=(0, 0, 0)), None), 0) as loader:
    parts = loader.images(archive.blocks(), lambda _block: {})
    assert sum(len(images) for _block, images in parts)
"""
# What a worker of embed does; the process with the model holds that beside it.

_TORCH = "import torch"
# Its libraries are mapped, and shared by all processes that load them.


def measure(folder: Path) -> list[Stage]:
    """Run extract, serialize and decoding on the bucket of a folder; return what each took.

    The memory of decoding is that beside torch, which resizes the images.
    """
    command, archive = ["-m", "biomedica_dataset"], folder / "archive"
    runs = {
        "extract": [*command, "extract", folder / "bucket", "-o", archive, "--workers", 1],
        "serialize": [*command, "serialize", archive, "-o", folder / "biomedica", "--workers", 1],
        "decode": ["-c", _DECODE, archive],
    }
    stages = [run_measured(name, [str(one) for one in given]) for name, given in runs.items()]
    torch = run_measured("torch", ["-c", _TORCH])
    stages[-1] = replace(stages[-1], megabytes=stages[-1].megabytes - torch.megabytes)
    return [*stages, torch]


_MEASURE = """
import os, sys
process = os.spawnv(os.P_NOWAIT, sys.executable, [sys.executable, *sys.argv[1:]])
_, status, usage = os.wait4(process, 0)
print(usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""
# A program begins with the mark of the process that started it, which must be a small one.


def run_measured(name: str, arguments: list[str]) -> Stage:
    """Run Python with some arguments in a fresh process."""
    started = time.monotonic()
    command = [sys.executable, "-c", _MEASURE, *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    *said, usage = done.stdout.splitlines()
    return Stage(name, int(usage) / 1024, time.monotonic() - started, "\n".join(said))


def main() -> None:
    """Write the block, run the stages, and say what they took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--figures", type=int, default=10_000)
    parser.add_argument("--large", type=int, default=3)
    given = parser.parse_args()
    write_block(given.folder / "bucket", figures=given.figures, large=given.large)
    stages = measure(given.folder)
    for stage in stages:
        print(f"{stage.name:>10}  {stage.megabytes:6.0f} MB  {stage.seconds:6.1f} s")
    sys.exit(max(stage.megabytes for stage in stages) > MEGABYTES)


if __name__ == "__main__":
    main()
