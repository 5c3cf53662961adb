"""What a text tower reads of captions, and of the sentences that cite their figures.

    python benchmarks/packing.py FOLDER_OF_XML

Tokens are words and signs, which are fewer than those of a model. Packed texts stand beside
captions with whole paragraphs behind them.
"""

from __future__ import annotations

import argparse
import re
import time
from pathlib import Path

from options import check


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="folder of JATS documents")
    return parser


if __name__ == "__main__":
    check(arguments())


from biomedica_dataset.clip.train.packing import packed
from biomedica_dataset.errors import JatsError
from biomedica_dataset.jats.panels.mentions import citing_sentences
from biomedica_dataset.jats.reader import read_article

_TOKEN = re.compile(r"\w+|[^\w\s]")


def figures(folder: Path) -> list[tuple[str, str | None, tuple[str, ...]]]:
    """Return caption, label and citing paragraphs of the figures of a folder of documents."""
    found = []
    for path in sorted(folder.iterdir()):
        try:
            article = read_article(path.read_bytes())
        except JatsError:
            continue
        kept = (one for one in article.figures if one.dropped is None)
        found += [(one.caption or "", one.label, one.context) for one in kept]
    return found


def head(text: str, length: int) -> str:
    """Return the first tokens of a text."""
    return " ".join(_TOKEN.findall(text)[:length])


def main() -> None:
    rows = figures(arguments().parse_args().folder)
    begun = time.process_time()
    new = [packed(*row) for row in rows]
    print(f"{len(rows)} figures, {(time.process_time() - begun) / len(rows) * 1e6:,.0f} µs each")
    old = [" ".join([caption, *paragraphs]) for caption, _, paragraphs in rows]
    captions = [len(_TOKEN.findall(caption)) for caption, _, _ in rows]
    cited = [
        (n, head(one, len(one)))
        for n, (_, label, paragraphs) in enumerate(rows)
        for text in paragraphs
        for one in citing_sentences(label, text)
    ]
    for length in (77, 256, 512):
        lost = sum(max(0, n - length) for n in captions) / sum(captions)
        heads = ([head(text, length) for text in texts] for texts in (old, new))
        whole, first = (sum(one in texts[n] for n, one in cited) / len(cited) for texts in heads)
        print(
            f"{length}: {lost:.1%} of captions' tokens lost; "
            f"citing sentences {whole:.1%}, packed {first:.1%}"
        )


if __name__ == "__main__":
    main()
