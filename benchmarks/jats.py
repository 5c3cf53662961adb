"""CPU time of the JATS reader beside `lxml.etree.fromstring` alone on the same bytes.

    python benchmarks/jats.py [FOLDER]

All ways read each document in turn, several times over; of each document and way the best time
counts, so that what else runs on the machine does not.
"""

from __future__ import annotations

import argparse
import sys
import time
from functools import partial
from typing import TYPE_CHECKING

from options import FILES, check


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", **FILES)
    return parser


if __name__ == "__main__":
    check(arguments())


from lxml import etree

from biomedica_dataset.errors import JatsError
from biomedica_dataset.jats.reader import read_article

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ROUNDS = 7


def plain_loop(xml: bytes) -> list[str]:
    """Join `itertext` of each caption, paragraph and reference: what a plain script would do."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    article = etree.fromstring(xml, parser)
    elements = article.iter("caption", "p", "ref", "article-title")
    return [" ".join("".join(element.itertext()).split()) for element in elements]


WAYS: dict[str, Callable[[bytes], object]] = {
    "lxml.etree.fromstring": etree.fromstring,
    "pairs, contexts, metadata": read_article,
    "with text and references": partial(read_article, full_text=True),
    "a plain itertext loop": plain_loop,
}


def documents(folder: Path) -> list[bytes]:
    """Return the files of a folder that both lxml and the reader take."""
    found = []
    for path in sorted(folder.rglob("*.xml")):
        xml = path.read_bytes()
        try:
            etree.fromstring(xml)
            read_article(xml)
        except (etree.XMLSyntaxError, JatsError):
            continue
        found.append(xml)
    return found


def best_times(texts: list[bytes]) -> dict[str, float]:
    """Return seconds of CPU for all documents by way."""
    best = {name: [float("inf")] * len(texts) for name in WAYS}
    for _ in range(ROUNDS):
        for number, xml in enumerate(texts):
            for name, way in WAYS.items():
                started = time.process_time()
                way(xml)
                best[name][number] = min(best[name][number], time.process_time() - started)
    return {name: sum(times) for name, times in best.items()}


def main() -> None:
    texts = documents(arguments().parse_args().folder)
    if not texts:
        sys.exit("no well-formed JATS file in that folder")
    times = best_times(texts)
    alone = times["lxml.etree.fromstring"]
    print(f"{len(texts)} articles, {sum(map(len, texts)) / 1e6:.1f} MB")
    for name, seconds in times.items():
        rate = len(texts) / seconds
        print(f"{name:28} {seconds / alone:5.2f} x lxml {rate:7.0f} articles per CPU second")


if __name__ == "__main__":
    main()
