"""Panels beside figures a second of processor, decoded, by `open_dataset` on real figures.

    python benchmarks/panel_stream.py ../shared/real/panels [--rounds 5]

The boxes are those that people drew. Figures and panels are read in turns, in order and shuffled,
and each decoded image is dropped; the best round counts. Beside them, the panels decoded each for
itself, as image files of whole figures would be.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from options import check


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("figures", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    return parser


if __name__ == "__main__":
    check(arguments())


from panel_figures import write_figures

from biomedica_dataset.streaming.dataset import open_dataset
from biomedica_dataset.streaming.reading.decoding import RecentFigures

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def rate(rows: Iterable[dict[str, Any]]) -> float:
    started = time.process_time()
    count = sum(row["image"] is not None for row in rows)
    return count / (time.process_time() - started)


def decoded_each(rows: Iterable[dict[str, Any]]) -> float:
    kept = RecentFigures.get
    RecentFigures.get = lambda self, *figure: kept(RecentFigures(), *figure)  # type: ignore[method-assign, assignment, misc]
    try:
        return rate(rows)
    finally:
        RecentFigures.get = kept  # type: ignore[method-assign]


def main() -> None:
    options = arguments().parse_args()
    with tempfile.TemporaryDirectory() as below:
        folder = Path(below) / "biomedica"
        figures, panels = write_figures(options.figures, folder, lambda _name: True)
        print(f"{figures} figures, {panels} panels, {panels / figures:.2f} a figure")
        print("| | figures/s | panels/s | ratio | panels/s, figures decoded for each |")
        print("|---|---|---|---|---|")
        for name, seed in (("in order", None), ("shuffled", 0)):
            readers: list[Callable[[], float]] = [
                lambda seed=seed: rate(open_dataset(folder, columns=["image"], seed=seed)),
                lambda seed=seed: rate(
                    open_dataset(folder, columns=["image"], seed=seed, unit="panel")
                ),
                lambda seed=seed: decoded_each(
                    open_dataset(folder, columns=["image"], seed=seed, unit="panel")
                ),
            ]
            best = [0.0, 0.0, 0.0]
            for _ in range(options.rounds):
                best = [max(was, read()) for was, read in zip(best, readers, strict=True)]
            whole, cut, each = best
            print(f"| {name} | {whole:.1f} | {cut:.1f} | {cut / whole:.2f} | {each:.1f} |")


if __name__ == "__main__":
    main()
