"""Small dataset folders with labels, made by the project's own writers."""

from __future__ import annotations

import hashlib
import random
from dataclasses import replace
from typing import TYPE_CHECKING

from biomedica_dataset.folder.manifest import MANIFEST, Manifest
from biomedica_dataset.folder.parquet import TableWriter
from biomedica_dataset.folder.record import ShardFile
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.licenses import LICENSE_GROUPS
from biomedica_dataset.schema import SCHEMA_VERSION, IndexRow, Pair

if TYPE_CHECKING:
    from pathlib import Path

_LICENSES = {"commercial": "CC BY 4.0", "noncommercial": "CC BY-NC 4.0", "other": None}
_CONCEPTS = [
    *[["Plots and Charts"]] * 12,
    *[["Microscopy"]] * 3,
    *[["Clinical Imaging"]] * 2,
    ["Tables"],
    ["Maps"],
    None,
]
_WORDS = ("melanoma of the skin", "western blot", "cells under the microscope", "survival curve")


def write_dataset(path: Path, rows: int = 600, shards: int = 5) -> list[Pair]:
    """Write a dataset folder of made-up rows; return the rows in the order of the index."""
    rng = random.Random(0)
    folder = Folder(path)
    files: list[ShardFile] = []
    index: list[IndexRow] = []
    pairs: list[Pair] = []
    for shard in range(shards):
        for group, share in zip(LICENSE_GROUPS, (0.7, 0.2, 0.1), strict=True):
            made = [make_pair(rng, group, shard, n) for n in range(int(rows / shards * share))]
            name = f"{group}/train/{shard:06d}.parquet"
            places = write_table(folder, name, group, Pair, made, files)
            pairs += made
            index += [
                replace(index_row(pair, group, name, n), **place)
                for n, (pair, place) in enumerate(zip(made, places, strict=True))
            ]
    write_table(folder, "index/0000.parquet", "index", IndexRow, index, files)
    write_manifest(folder, files)
    return pairs


def write_manifest(folder: Folder, files: list[ShardFile]) -> None:
    manifest = Manifest(
        schema_version=SCHEMA_VERSION, source="made up", selection="all", inventory=None,
        block_width=1000, shard_blocks=1, split="1,0,0", libraries={}, articles={}, figures={},
        files=files,
    )  # fmt: skip
    folder.write_bytes(MANIFEST, manifest.as_json())


def make_pair(rng: random.Random, group: str, shard: int, number: int) -> Pair:
    image = rng.randbytes(rng.randrange(200, 4000))
    pmcid = f"PMC{shard}{LICENSE_GROUPS.index(group)}{number // 3:04d}"
    values: dict[str, object] = dict.fromkeys(Pair.__dataclass_fields__)
    values |= {
        "key": f"{pmcid}_g{number:04d}",
        "image": {"bytes": image, "path": f"g{number}.jpg"},
        "caption": f"{rng.choice(_WORDS)} {number}",
        "image_file_name": f"g{number}.jpg",
        "image_hash": hashlib.sha256(image).hexdigest(),
        "image_size": [rng.randrange(50, 900), rng.randrange(50, 900)],
        "image_kind": rng.choice(["figure", "figure", "table"]),
        "image_license": _LICENSES[group],
        "image_primary_label": rng.choice(_CONCEPTS),
        "image_panels": ["A", "B"] if number % 4 == 0 else None,
        "article_accession_id": pmcid,
        "article_version": 1,
        "article_journal": rng.choice(["Cell", "PLoS ONE"]),
        "article_date": f"{rng.randrange(2005, 2026)}-01-01",
        "article_license": _LICENSES[group],
        "article_mesh_terms": ["Humans", "Melanoma"] if number % 5 == 0 else None,
    }
    return Pair(**values)


def index_row(pair: Pair, group: str, file: str, row: int) -> IndexRow:
    shared = {n: getattr(pair, n) for n in IndexRow.__dataclass_fields__ if hasattr(pair, n)}
    return IndexRow(
        **shared, license_group=group, split="train", article_year=int(pair.article_date[:4]),
        image_panel_count=len(pair.image_panels or []) or None, image_width=pair.image_size[0],
        image_height=pair.image_size[1], caption_length=len(pair.caption),
        panel_count_found=len(pair.panels or []) or None,
        panel_scores=[panel["score"] for panel in pair.panels or []] or None, file=file, row=row,
        image_offset=0, image_length=0, caption_offset=0, caption_bytes=0,
    )  # fmt: skip


def write_table(folder, name, config, table, rows, files):
    with folder.create() as file:
        writer = TableWriter(file, table, {})
        for number, row in enumerate(rows, start=1):
            writer.write(row)
            if number % 40 == 0:
                writer.flush()
        ranges = writer.close()
        file.publish(name)
    size = ShardFile(name, config, writer.rows, file.size, writer.memory, file.sha256)
    files.append(size)
    return ranges
