"""Mutants of real articles, pictures and metadata through the code that reads them.

::

    python -m tests.reliability.fuzz ../shared/real --times 100000

What a mutant may do: give rows, or be dropped for a reason. What it may not: raise anything else,
take more than a second of the processor, lose a figure, or bring the process above its memory.
"""

from __future__ import annotations

import argparse
import faulthandler
import io
import json
import re
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from biomedica_dataset.archive.entries import LedgerRow
from biomedica_dataset.errors import ArticleError, JatsError
from biomedica_dataset.images.decode import decode_rgb
from biomedica_dataset.images.fit import fitted
from biomedica_dataset.images.probe import probe
from biomedica_dataset.jats.parse import parse
from biomedica_dataset.pmc.metadata import parse_metadata
from biomedica_dataset.pmc.names import href_name
from biomedica_dataset.rows import ArticleRows, rows_of
from biomedica_dataset.schema import ArticleRow, CaptionRow, to_table

from .mutations import Mutator

if TYPE_CHECKING:
    from collections.abc import Callable

    from lxml.etree import _Element

SECONDS, MEGABYTES = 1.0, 1000
_STUCK = 60  # seconds after which a process says where it is, and ends
_PART = 2000  # mutants a process
_NAME = "PMC1.1"
_HREFS = re.compile(rb'href\s*=\s*"([^"]{1,200})"')


@dataclass
class Findings:
    """What became of mutants."""

    outcomes: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    slowest: list[tuple[float, int, str]] = field(default_factory=list)
    megabytes: float = 0.0
    faults: list[str] = field(default_factory=list)

    def add(self, other: Findings) -> None:
        self.outcomes.update(other.outcomes)
        self.seconds += other.seconds
        slowest = [tuple(entry) for entry in (*self.slowest, *other.slowest)]
        self.slowest = sorted(slowest, reverse=True)[:5]
        self.megabytes = max(self.megabytes, other.megabytes)
        self.faults += other.faults

    @property
    def inputs(self) -> int:
        return self.outcomes.total()


def read_xml(original: Path, data: bytes) -> str:
    """Return what became of an article; its figures are all there, kept or dropped."""
    pictures, metadata = _pictures(original)
    row = LedgerRow(pmcid=1, version=1, etag="", status="kept", metadata=metadata, xml=data)
    return outcome(rows_of(row, pictures, full_text=True), data)


def outcome(rows: ArticleRows, xml: bytes) -> str:
    """Return what became of an article; check that no figure of it is lost."""
    assert "the reader failed" not in (rows.problem or ""), rows.problem
    try:
        tree = parse(xml)
    except JatsError:
        assert rows.problem, "an article that cannot be parsed has rows"
        return "no article"
    if "more than" in (rows.problem or ""):
        return "an article that asks for too much"
    _check_rows(rows, tree)
    return "rows" if rows.pairs else "an article without rows"


def _check_rows(rows: ArticleRows, tree: _Element) -> None:
    """Check that no figure of a tree is missing in its rows, and that they can be written."""
    least, most = figures_of(tree)
    assert least <= rows.figures.total() <= most, (least, rows.figures, most)
    assert rows.figures["kept"] == len(rows.pairs)
    assert len({pair.key for _group, pair in rows.pairs}) == len(rows.pairs)
    assert all(re.fullmatch(r"PMC1_[A-Za-z0-9_-]+", pair.key) for _group, pair in rows.pairs)
    to_table(CaptionRow, [pair for _group, pair in rows.pairs])
    to_table(ArticleRow, [rows.article[1]] if rows.article else [])


def figures_of(tree: _Element) -> tuple[int, int]:
    """Return how many figures there are at least and at most, by a count of its own."""
    names = ("fig", "graphic", "media", "supplementary-material")
    groups = {fig.getparent() for fig in tree.iterfind(".//fig/fig") if fig.find("caption") is None}
    least = sum(fig not in groups for fig in tree.iter("fig"))
    return least, sum(1 for _ in tree.iter(*names))


@cache
def _pictures(article: Path) -> tuple[dict[str, bytes], bytes]:
    """Return a picture for each name in an article, and the metadata JSON that names them."""
    hrefs = _HREFS.findall(article.read_bytes())
    names = {href_name(href.decode("utf-8", "replace")) for href in hrefs}
    media = sorted(f"{name}.jpg" for name in names if name.isprintable() and "/" not in name)
    urls = [f"s3://b/{_NAME}/{name}?md5={'0' * 32}" for name in media]
    record = {"pmcid": "PMC1", "version": 1, "media_urls": urls}
    return dict.fromkeys(media, picture()), json.dumps(record).encode()


@cache
def picture() -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (4, 4)).save(data, "PNG")
    return data.getvalue()


def read_picture(_original: Path, data: bytes) -> str:
    """Return what became of a picture: its size and pixels, or why not."""
    try:
        facts = probe(data)
    except ArticleError:
        return "no picture"
    assert facts.width > 0
    assert facts.height > 0
    try:
        image = decode_rgb(data, 224)
    except ArticleError:
        return "a picture that cannot be decoded"
    assert fitted(image, 224, (0, 0, 0)).shape == (224, 224, 3)
    return "pixels"


def read_json(original: Path, data: bytes) -> str:
    """Return what became of a metadata JSON."""
    name = original.name.removesuffix(".json")
    try:
        metadata = parse_metadata(data, name)
    except ArticleError:
        return "no metadata"
    assert all(file.key == f"{name}/{file.name}" for file in metadata.media.values())
    row = LedgerRow(
        pmcid=int(name[3:].split(".")[0]), version=int(name.split(".")[1]), etag="",
        status="kept", metadata=data, xml=_ARTICLE,
    )  # fmt: skip
    pictures = dict.fromkeys(metadata.media, picture())
    rows = rows_of(row, pictures, full_text=True)
    to_table(ArticleRow, [rows.article[1]] if rows.article else [])
    return "metadata"


_ARTICLE = b"<article><body><fig><caption><p>Made up.</p></caption></fig></body></article>"
READERS: dict[str, tuple[tuple[str, ...], Callable[[Path, bytes], str]]] = {
    "xml": (("jats/*.xml", "articles/**/*.xml", "articles/**/*.nxml"), read_xml),
    "picture": (("images/*/*.jp*g", "images/*/*.png", "images/*/*.tif"), read_picture),
    "json": (("pmc_cloud/metadata/*.json", "articles/**/PMC*.json"), read_json),
}


def files_of(real: Path, kind: str) -> list[Path]:
    """Return the real files of a kind."""
    return [path for pattern in READERS[kind][0] for path in real.glob(pattern)]


def fuzz(files: list[Path], kind: str, numbers: range) -> Findings:
    """Read mutants in this process."""
    mutator, read, found = Mutator(files), READERS[kind][1], Findings()
    read(mutator.files[0], mutator.files[0].read_bytes())  # what is loaded late is no mutant's time
    for number in numbers:
        original, data = mutator.mutant(number)
        faulthandler.dump_traceback_later(_STUCK, exit=True)
        started = time.process_time()
        try:
            found.outcomes[read(original, data)] += 1
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the finding
            found.outcomes["fault"] += 1
            found.faults.append(f"{kind} {number} of {original.name}: {error!r}"[:300])
        spent = time.process_time() - started
        faulthandler.cancel_dump_traceback_later()
        if spent > SECONDS:
            found.faults.append(f"{kind} {number} of {original.name}: {spent:.1f} s")
        found.seconds += spent
        found.slowest = sorted([*found.slowest, (spent, number, original.name)], reverse=True)[:5]
    found.megabytes = peak()
    return found


def peak() -> float:
    """Return the most memory this program held, in MB; `ru_maxrss` begins with its parent's."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM:")).split()[1]) / 1024


def fuzz_apart(real: Path, kind: str, times: int, first: int = 0) -> Findings:
    """Read mutants in processes, one after the other, so that one that dies is a finding too."""
    found = Findings()
    for start in range(first, first + times, _PART):
        count = min(_PART, first + times - start)
        command = [sys.executable, "-m", __spec__.name, str(real), "--kind", kind]
        command += ["--times", str(count), "--first", str(start), "--here"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            found.faults.append(f"{kind} {start} to {start + count}: died, {done.stderr[-3000:]}")
        else:
            stored = json.loads(done.stdout)
            found.add(Findings(**{**stored, "outcomes": Counter(stored["outcomes"])}))
        print(f"{found.inputs:,}: {found}", file=sys.stderr)
    return found


def main() -> None:
    """Read so many mutants, and say what became of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("real", type=Path)
    parser.add_argument("--kind", choices=READERS, default="xml")
    parser.add_argument("--times", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--here", action="store_true", help="in this process, as JSON")
    given = parser.parse_args()
    if given.here:
        numbers = range(given.first, given.first + given.times)
        found = fuzz(files_of(given.real, given.kind), given.kind, numbers)
        print(json.dumps(vars(found)))
        return
    found = fuzz_apart(given.real, given.kind, given.times, given.first)
    print(f"{found.inputs:,} mutants of {len(files_of(given.real, given.kind))} files")
    for outcome, count in found.outcomes.most_common():
        print(f"  {count:>9,}  {outcome}")
    each = 1000 * found.seconds / max(found.inputs, 1)
    print(f"  {each:.1f} ms each, {found.megabytes:.0f} MB at most")
    print("  slowest: " + ", ".join(f"{s:.2f} s ({n} of {f})" for s, n, f in found.slowest))
    print(f"  faults: {len(found.faults)}", *found.faults[:50], sep="\n  ")
    sys.exit(bool(found.faults) or found.megabytes > MEGABYTES)


if __name__ == "__main__":
    main()
