"""Precision and recall of the credits that the reader finds, beside a list read by hand.

    python benchmarks/credits.py ../shared/real

`credits.json` names each figure that somebody else than its article's authors made or has rights
on, by file and href, with the words that say so. Every figure in no list was read too and has no
such words. Rules were developed on one half of the articles; the other half is held out.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections import Counter
from pathlib import Path

from options import check


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="with jats/ and articles/, as ../shared/real")
    parser.add_argument("--show", action="store_true", help="print what is wrong")
    return parser


if __name__ == "__main__":
    check(arguments())


from biomedica_dataset.errors import JatsError
from biomedica_dataset.jats.reader import read_article

TRUTH = Path(__file__).with_suffix(".json")


def half(article: str) -> str:
    """Return the half of an article, by the digest of its name."""
    return ("developed", "held out")[hashlib.sha256(article.encode()).digest()[0] % 2]


def credits_of(path: Path) -> dict[str, str | None]:
    """Return the credit of each figure by its first href, or by its id."""
    found: dict[str, str | None] = {}
    for figure in read_article(path.read_bytes()).figures:
        key = (*figure.hrefs, figure.figure_id or "")[0]
        found[key] = found.get(key) or figure.credit
    return found


def main() -> None:
    options = arguments().parse_args()
    truth = json.loads(TRUTH.read_bytes())
    counts: Counter[tuple[str, str]] = Counter()
    folders = ("jats/*", "articles/**/*.*ml")
    for path in sorted({path for part in folders for path in options.folder.glob(part)}):
        try:
            found = credits_of(path)
        except JatsError:
            continue
        right = truth.get(path.name, {})
        for key in right.keys() - found.keys():
            sys.exit(f"{path.name}: no figure {key!r}, which {TRUTH.name} names")
        for key, credit in found.items():
            outcome = {(True, True): "found", (False, True): "false", (True, False): "missed"}.get(
                (key in right, credit is not None), "none"
            )
            counts[half(path.name), outcome] += 1
            if options.show and outcome in ("false", "missed"):
                print(outcome, half(path.name), path.name, key, "|", credit or right[key])
    for part in ("developed", "held out"):
        found, false, missed = (counts[part, name] for name in ("found", "false", "missed"))
        precision, recall = found / ((found + false) or 1), found / ((found + missed) or 1)
        without = false + counts[part, "none"]
        print(f"{part:10} {found + missed:4} figures with a credit, {without:5} without", end="")
        print(f": precision {precision:.3f}, recall {recall:.3f}")


if __name__ == "__main__":
    main()
