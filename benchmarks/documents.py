"""Documents beside figures: written by `serialize`, streamed with their images, and exported.

    python benchmarks/documents.py [BUCKET]

BUCKET is a folder laid out as PMC's bucket. Ratios are of runs in turns, the
least CPU of each.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from options import BUCKET, check


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bucket", **BUCKET)
    parser.add_argument("--rounds", type=int, default=3)
    return parser


if __name__ == "__main__":
    check(arguments())


from biomedica_dataset import extract, open_dataset, select, serialize

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def least(works: dict[str, Callable[[int], object]], rounds: int) -> dict[str, float]:
    """Return the least CPU seconds of each of some works, done in turns."""
    best = dict.fromkeys(works, float("inf"))
    for turn in range(rounds):
        for name, work in works.items():
            begun = time.process_time()
            work(turn)
            best[name] = min(best[name], time.process_time() - begun)
    return best


def image_bytes(rows: Iterable[dict]) -> int:
    """Return the bytes of the images of rows, each row read."""
    images = (one for row in rows for one in (row.get("image"), *(row.get("images") or ())))
    return sum(len(image["bytes"]) for image in images if image)


def main() -> None:
    options = arguments().parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        extract(str(options.bucket), root / "archive", limit=10**6)
        written = least(
            {
                name: lambda turn, name=name: serialize(
                    root / "archive", root / f"{name} {turn}", documents=name == "documents",
                    workers=1,
                )
                for name in ("figures", "documents")
            },
            options.rounds,
        )  # fmt: skip
        print(
            f"serialize with documents: {written['figures'] / written['documents']:.2f} of without"
        )
        folder, found = root / "documents 0", {}

        def read(unit: str) -> None:
            rows = open_dataset(folder, unit=unit, split="all").decode(enable=False)
            found[unit] = image_bytes(rows)

        speed = least({u: lambda _, u=u: read(u) for u in ("figure", "document")}, options.rounds)
        ratio = found["document"] / speed["document"] / (found["figure"] / speed["figure"])
        print(f"documents streamed with images: {ratio:.2f} of the figures' bytes a second")
        for format in ("images", "conversations", "csv"):
            begun = time.process_time()
            chosen = select(folder, root / format, format=format, split="all").chosen.table
            print(f"{format}: {len(chosen) / (time.process_time() - begun):,.0f} rows a second")


if __name__ == "__main__":
    main()
