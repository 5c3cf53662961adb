"""A dataset folder of made-up compound figures whose panels have a colour each."""

from __future__ import annotations

import hashlib
import io
import random
from dataclasses import replace
from typing import TYPE_CHECKING

from PIL import Image

from biomedica_dataset.folder.manifest import MANIFEST, Manifest
from biomedica_dataset.folder.panel_rows import panel_rows
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.schema import SCHEMA_VERSION, CaptionRow, IndexRow, Pair, PanelRow

from .folders import index_row, make_pair, write_table

if TYPE_CHECKING:
    from pathlib import Path

SIDE = 40  # pixels of a panel
SHARDS = 3


def colour(key: str) -> tuple[int, ...]:
    """Return the colour of a panel, or of a figure that is one."""
    return tuple(hashlib.sha256(key.encode()).digest()[:3])


def write_panels(path: Path, figures: int = 120, split: str = "1,0,0") -> list[Pair]:
    """Write a dataset folder; return its pairs in the order of the index."""
    rng = random.Random(1)
    folder, files, index, pairs = Folder(path), [], [], []
    for shard in range(SHARDS):
        made = [compound(rng, shard, number) for number in range(figures // SHARDS)]
        below = "" if split == "1,0,0" else "/train"
        name = f"commercial/train/{shard:06d}.parquet"
        places = write_table(folder, name, "commercial", Pair, made, files)
        rows = [
            replace(index_row(pair, "commercial", name, n), **place)
            for n, (pair, place) in enumerate(zip(made, places, strict=True))
        ]
        parallel = f"commercial{below}/{shard:06d}.parquet"
        write_table(folder, f"captions/{parallel}", "captions", CaptionRow, made, files)
        views = [
            view
            for pair, row in zip(made, rows, strict=True)
            for view in panel_rows(vars(pair), contexts(pair), vars(row))
        ]
        if views:
            write_table(folder, f"panels/{parallel}", "panels", PanelRow, views, files)
        index += rows
        pairs += made
    write_table(folder, "index/0000.parquet", "index", IndexRow, index, files)
    count = sum(pair.panels is not None for pair in pairs)
    manifest = Manifest(
        schema_version=SCHEMA_VERSION, source="made up", selection="all", inventory=None,
        block_width=1000, shard_blocks=1, split=split, libraries={}, articles={}, figures={},
        files=files, split_figures={"kept": count, "names_no_panels": len(pairs) - count},
    )  # fmt: skip
    folder.write_bytes(MANIFEST, manifest.as_json())
    return pairs


def compound(rng: random.Random, shard: int, number: int) -> Pair:
    """Return a figure of up to six panels, in two rows; one in three is not split."""
    pair = make_pair(rng, "commercial", shard, number)
    count = 0 if number % 3 == 0 else rng.randrange(2, 7)
    size = (SIDE * 3, SIDE * 2)
    image = Image.new("RGB", size, colour(pair.key))
    panels = []
    for place in range(count):
        x, y = SIDE * (place % 3), SIDE * (place // 3)
        letter = "ABCDEF"[place]
        box = [x, y, x + SIDE, y + SIDE]
        image.paste(colour(f"{pair.key}-{letter}"), tuple(box))
        score = rng.choice([0.5, 0.7, 0.8, 0.95])
        text = f"{letter}: {rng.choice(['melanoma', 'western blot'])} {pair.key}"
        panels.append({"letter": letter, "box": box, "subcaption": text, "score": score})
    file = io.BytesIO()
    image.save(file, "PNG")
    return replace(
        pair,
        image={"bytes": file.getvalue(), "path": pair.image_file_name},
        image_hash=hashlib.sha256(file.getvalue()).hexdigest(),
        image_size=list(size),
        image_context=[f"See {pair.key}."],
        panels=panels or None,
    )


def contexts(pair: Pair) -> dict[str, dict[str, list[str]]]:
    """Return what panels have of their own."""
    keys = [f"{pair.key}-{panel['letter']}" for panel in pair.panels or ()]
    return {key: {"contexts": [f"Panel {key}."]} for key in keys}


def views(pairs: list[Pair], min_score: float) -> dict[str, tuple[Pair, dict | None]]:
    """Return by key what should be read: a figure, and its panel if it has one."""
    found = {}
    for pair in pairs:
        good = [panel for panel in pair.panels or () if panel["score"] >= min_score]
        for panel in good or [None]:
            key = pair.key if panel is None else f"{pair.key}-{panel['letter']}"
            found[key] = pair, panel
    return found
