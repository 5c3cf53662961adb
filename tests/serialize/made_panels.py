"""A folder of panels as `annotate panels` writes it, with boxes in a grid instead of a search."""

from __future__ import annotations

import pyarrow as pa

from biomedica_dataset.annotation.blocks import BlockRecord, write_block
from biomedica_dataset.annotation.panels.panels import SCHEMA, Panels, PanelsHeader
from biomedica_dataset.archive.ledger import Archive
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.keys import panel_key
from biomedica_dataset.rows import rows_of

WHOLE = "letters_not_read"


def grid(size, letters):
    """Return a box for each letter: columns of equal width."""
    width, height = size
    step = width // len(letters)
    return [(step * i, 0, step * (i + 1), height) for i in range(len(letters))]


def make_panels(archive, folder, *, change=lambda row: row, whole=lambda _key: False):
    """Write the panels of all figures of an archive that name two letters or more.

    Parameters
    ----------
    change
        Changes the row of a panel.
    whole
        Whether a figure stays whole.
    """
    archive = Archive.open(archive)
    Panels.begin(Folder(folder), PanelsHeader(archive.width, "no reader 1"))
    for block in archive.blocks():
        rows, problems = [], []
        for article, images in archive.articles(block):
            for _group, pair in rows_of(article, images).pairs:
                letters = pair.image_panels or []
                if len(letters) < 2:
                    continue
                if whole(pair.key):
                    problems.append(f"{pair.key}: {WHOLE}")
                    continue
                rows += map(change, _rows(pair, letters))
        table = pa.Table.from_pylist(rows, SCHEMA)
        digest = str(hash(tuple(map(str, rows))))
        write_block(
            Folder(folder), block, table, BlockRecord(fingerprint=digest, problems=problems)
        )
    return folder


def _rows(pair, letters):
    for letter, box in zip(letters, grid(pair.image_size, letters), strict=True):
        yield {
            "key": panel_key(pair.key, letter),
            "figure": pair.key,
            "letter": letter,
            **dict(zip(("x0", "y0", "x1", "y1"), box, strict=True)),
            "score": 0.5 + ord(letter) / 1000,
            "image_hash": pair.image_hash,
        }
