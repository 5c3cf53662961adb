"""Documents in which one element stands thousands of times, or in itself as deep as parses.

::

    python -m tests.reliability.crowds ../shared/real

Every name of an element in real articles takes its turn, in every place and with every content
below.
What a document may do and may not is as in `fuzz`.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from lxml import etree

from biomedica_dataset.archive.entries import LedgerRow
from biomedica_dataset.rows import rows_of

from .fuzz import MEGABYTES, SECONDS, files_of, outcome, peak, picture

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SHAPES = ("many", "deep")
_MANY, _DEEP = 3000, 230
_LONGEST = 3 * SECONDS  # a process of many tests may collect its garbage meanwhile
_MORE = 100  # MB that one document may add to the most memory
_NAMESPACES = (
    'xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:mml="http://www.w3.org/1998/Math/MathML"'
)
_ATTRIBUTES = 'id="f1" rid="f1" xlink:href="g.jpg" ref-type="fig"'
_FIGURE = (
    '<fig id="f1"><label>Fig. 1</label>{}<caption><p>Made up.{}</p></caption>'
    '<graphic xlink:href="g.jpg"/>{}</fig>'
)
_PLACES = (
    "<front><article-meta>{}</article-meta></front>",
    "<front><article-meta><abstract><p>a{}</p></abstract></article-meta></front>",
    "<body>{}</body>",
    '<body><p>a <xref ref-type="fig" rid="f1">Fig. 1</xref>{}</p></body>',
    f"<body>{_FIGURE.format('{}', '', '')}</body>",
    f"<body>{_FIGURE.format('', '{}', '')}</body>",
    f"<body>{_FIGURE.format('', '', '{}')}</body>",
    "<body><fig-group><caption><p>Made up.</p></caption>{}</fig-group></body>",
    "<back><ref-list><ref>{}</ref></ref-list></back>",
    "{}",
)
_CONTENTS = (
    "",
    "Fig. 1",
    "a, 1 (b) " * 5,
    '<xref ref-type="fig" rid="f1">1</xref>–<xref ref-type="bibr" rid="r">2</xref>',
    f"<graphic {_ATTRIBUTES}/>",
    "<label>Fig. 1</label><caption><p>© 2010 Roe, with permission of Doe</p></caption>",
    "<p>a</p>" * 3,
)


_METADATA = json.dumps(
    {"pmcid": "PMC1", "version": 1, "media_urls": [f"s3://b/PMC1.1/g.jpg?md5={'0' * 32}"]}
).encode()


def crowds(names: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Yield documents, each with what it is."""
    for name, place, content in product(names, _PLACES, _CONTENTS):
        start, end = f"<{name} {_ATTRIBUTES}>", f"</{name}>"
        for shape in _SHAPES:
            xml = _document(place, _repeated(shape, start, content, end))
            yield f"{shape} {name} of {content[:40]!r} in {place[:70]}", xml


def _repeated(shape: str, start: str, content: str, end: str) -> str:
    if shape == "many":
        return f"{start}{content}{end}" * _MANY
    return f"{start}{content}" * _DEEP + content * 500 + end * _DEEP


def _document(place: str, text: str) -> bytes:
    """Return an article with a text at a place, and with a figure and its citation elsewhere."""
    figure = f"<floats-group>{_FIGURE.format('', '', '')}</floats-group>"
    return f"<article {_NAMESPACES}>{place.format(text)}{figure}</article>".encode()


def names_of(files: Iterable[Path]) -> list[str]:
    """Return the names of elements in real articles, without namespaces but that of MathML."""
    found = set()
    parser = etree.XMLParser(recover=True, resolve_entities=False)
    for file in files:
        for element in etree.parse(file, parser).iter(etree.Element):
            found.add(etree.QName(element).localname)
            if "MathML" in str(element.tag):
                found.add(f"mml:{etree.QName(element).localname}")
    return sorted(found)


def faults(documents: Iterable[tuple[str, bytes]], report: int = 0) -> list[str]:
    """Read documents; return what was wrong with which."""
    found = []
    for number, (what, xml) in enumerate(documents):
        row = LedgerRow(pmcid=1, version=1, etag="", status="kept", metadata=_METADATA, xml=xml)
        started, before = time.process_time(), peak()
        rows = rows_of(row, {"g.jpg": picture()}, full_text=True)
        spent, more = time.process_time() - started, peak() - before
        try:
            outcome(rows, xml)
        except AssertionError as error:
            found.append(f"{what}: {error}")
        if spent > _LONGEST:
            found.append(f"{what}: {spent:.1f} s for {len(xml):,} bytes")
        if more > _MORE:
            found.append(f"{what}: {more:.0f} MB more for {len(xml):,} bytes")
        if report and number % report == 0:
            print(number, what, f"{peak():.0f} MB", file=sys.stderr)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("real", type=Path)
    given = parser.parse_args()
    names = names_of(files_of(given.real, "xml"))
    found = faults(crowds(names), report=1000)
    count = len(names) * len(_PLACES) * len(_CONTENTS) * len(_SHAPES)
    print(f"{len(names)} names, {count:,} documents, {peak():.0f} MB at most")
    print(f"faults: {len(found)}", *found[:200], sep="\n  ")
    sys.exit(bool(found) or peak() > MEGABYTES)


if __name__ == "__main__":
    main()
