"""A dataset folder of real figures whose panels people drew, for the benchmarks of panels."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING, Any

from biomedica_dataset.folder.manifest import MANIFEST, Manifest
from biomedica_dataset.folder.panel_rows import panel_rows
from biomedica_dataset.folder.parquet import TableWriter
from biomedica_dataset.folder.record import ShardFile
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.jats.reader import read_article
from biomedica_dataset.schema import SCHEMA_VERSION, IndexRow, Pair, PanelRow, column_names

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

IMAGES = "commercial/train/000000.parquet"


def write_figures(source: Path, target: Path, wanted: Callable[[str], bool]) -> tuple[int, int]:
    """Write figures of ``figures.json``; return how many, and their panels.

    Parameters
    ----------
    wanted
        Takes the name of a figure.
    """
    figures = json.loads((source / "figures.json").read_bytes())
    pairs = [_pair(source, n, one) for n, one in enumerate(figures) if wanted(one["id"])]
    folder, files = Folder(target), list[ShardFile]()
    places = _write(folder, IMAGES, Pair, pairs, files)
    index = [
        _index_row(pair, n, place)
        for n, (pair, place) in enumerate(zip(pairs, places, strict=True))
    ]
    views = [
        view
        for pair, row in zip(pairs, index, strict=True)
        for view in panel_rows(vars(pair), {}, vars(row))
    ]
    _write(folder, "panels/commercial/000000.parquet", PanelRow, views, files)
    _write(folder, "index/0000.parquet", IndexRow, index, files)
    manifest = Manifest(
        schema_version=SCHEMA_VERSION, source="figures.json", selection="all", inventory=None,
        block_width=1000, shard_blocks=1, split="1,0,0", libraries={}, articles={}, figures={},
        files=files, split_figures={"kept": len(pairs)},
    )  # fmt: skip
    folder.write_bytes(MANIFEST, manifest.as_json())
    return len(pairs), sum(len(pair.panels or [None]) for pair in pairs)


def _pair(source: Path, number: int, one: dict[str, Any]) -> Pair:
    data = (source / one["image"]).read_bytes()
    caption = one["caption_xml"] or f"<caption><p>{escape(one['caption'])}</p></caption>"
    caption = re.sub(r"(</?|\s)\w+:", r"\1", caption)  # prefixes without a declaration
    xml = f"<article><body><fig>{caption}<graphic/></fig></body></article>"
    texts = read_article(xml.encode()).figures[0].subcaptions
    found = [
        {"letter": panel["letter"] or str(place), "box": panel["box"], "score": 1.0,
         "subcaption": texts.get(panel["letter"], one["caption"])}
        for place, panel in enumerate(one["panels"], start=1)
    ]  # fmt: skip
    unknown: dict[str, Any] = dict.fromkeys(column_names(Pair))
    known = {
        "key": f"PMC{number}_g1",
        "image": {"bytes": data, "path": one["image"]},
        "caption": one["caption"],
        "image_file_name": one["image"],
        "image_hash": hashlib.sha256(data).hexdigest(),
        "image_size": [one["width"], one["height"]],
        "image_kind": "figure",
        "image_license": "CC BY 4.0",
        "article_accession_id": f"PMC{number}",
        "article_version": 1,
        "article_license": "CC BY 4.0",
        "panels": found if len(found) > 1 else None,
    }
    return Pair(**unknown | known)


def _index_row(pair: Pair, row: int, place: dict[str, Any]) -> IndexRow:
    unknown: dict[str, Any] = dict.fromkeys(column_names(IndexRow))
    shared = {name: value for name, value in vars(pair).items() if name in unknown}
    made = IndexRow(**unknown | shared | {"license_group": "commercial", "split": "train"})
    scores = [panel["score"] for panel in pair.panels or ()] or None
    return replace(
        made, panel_scores=scores, panel_count_found=scores and len(scores),
        image_width=pair.image_size[0], image_height=pair.image_size[1],
        caption_length=len(pair.caption), file=IMAGES, row=row, **place,
    )  # fmt: skip


def _write(
    folder: Folder, name: str, table: type, rows: list[Any], files: list[ShardFile]
) -> list[dict[str, Any]]:
    with folder.create() as file:
        writer = TableWriter(file, table, {})
        for row in rows:
            writer.write(row)
        places = writer.close()
        file.publish(name)
    config = name.partition("/")[0]
    files.append(ShardFile(name, config, writer.rows, file.size, writer.memory, file.sha256))
    return places
