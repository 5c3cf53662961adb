"""Panel letters and subcaptions read from captions, beside what people read from them.

    python benchmarks/panels.py ../shared/real/panels

The captions are split in halves by a hash of the name of their figure: the rules were developed on
the first, the second was kept back. A letter that is not found counts with the whole caption.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from options import check


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="with captions.json and figures.json")
    return parser


if __name__ == "__main__":
    check(arguments())


from lxml import etree

from biomedica_dataset.jats.panels.marks import find_marks, letters_of
from biomedica_dataset.jats.panels.numbers import find_numbers
from biomedica_dataset.jats.panels.subcaptions import split_caption
from biomedica_dataset.jats.reader import read_article

HALVES = ("developed on", "kept back")


def half(figure: str) -> str:
    return HALVES[hashlib.sha256(figure.encode()).digest()[1] % 2]


def token_f1(ours: str, theirs: str) -> float:
    """Return F1 over the words of two texts, each as often as it occurs."""
    one, other = (Counter(re.findall(r"\w+", text.lower())) for text in (ours, theirs))
    both = one.total() + other.total()
    return 2 * (one & other).total() / both if both else 1.0


def letters(panels: list[dict[str, Any]]) -> set[str]:
    return {panel["letter"][0].upper() for panel in panels if panel["letter"]}


def of_captions(figures: list[dict[str, Any]]) -> None:
    exact: dict[tuple[str, str], list[bool]] = defaultdict(list)
    f1: dict[tuple[str, str], list[float]] = defaultdict(list)
    for figure in figures:
        key = figure["set"], half(figure["figure"])
        caption, marks = figure["caption"], find_marks(figure["caption"])
        split = split_caption(caption, marks or find_numbers(caption))
        texts = split.of(caption) if split else {}
        truth = letters(figure["panels"])
        if truth:
            found = set(letters_of(marks))
            exact[key].append(found == truth or (len(truth) == 1 and not found))
        for panel in figure["panels"]:
            if panel["subcaption"]:
                name = panel["letter"] or ""
                name = name[:1].upper() + name[1:]
                text = texts.get(name) or texts.get(name[:1]) or caption
                f1[key].append(token_f1(text, panel["subcaption"]))
    for key in sorted(f1):
        mean = sum(f1[key]) / len(f1[key])
        right = sum(exact[key]) / len(exact[key])
        print(
            f"{key[0]:10} {key[1]:13} {len(exact[key]):4} figures, letters exact {right:.3f}; "
            f"{len(f1[key]):4} subcaptions, token F1 {mean:.3f}"
        )


def of_figures(figures: list[dict[str, Any]]) -> None:
    """Print how often the letters of captions with markup are exact."""
    right = total = 0
    for figure in figures:
        xml = figure.get("caption_xml")
        if not xml or not etree.fromstring(xml, etree.XMLParser(recover=True)).xpath("string()"):
            continue
        total += 1
        truth = letters(figure["panels"])
        found = set(read_panels(xml))
        right += found == truth or (len(truth) == 1 and not found)
    print(f"{total} captions with markup, letters exact {right / total:.3f}")


def read_panels(caption_xml: str) -> tuple[str, ...]:
    caption = re.sub(r"(</?|\s)\w+:", r"\1", caption_xml)  # prefixes without a declaration
    xml = f"<article><body><fig>{caption}<graphic/></fig></body></article>"
    return read_article(xml.encode()).figures[0].panels


def main() -> None:
    folder = arguments().parse_args().folder
    of_captions(json.loads((folder / "captions.json").read_text(encoding="utf-8")))
    of_figures(json.loads((folder / "figures.json").read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
