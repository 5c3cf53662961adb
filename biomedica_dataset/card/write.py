"""Writes what makes shards and an index a dataset: images of the card, card and manifest."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from biomedica_dataset.folder.manifest import MANIFEST, CardImage, Manifest
from biomedica_dataset.folder.shared_images import count_shared_images
from biomedica_dataset.folder.splits import SPLITS
from biomedica_dataset.licenses import COMMERCIAL, LICENSE_GROUPS, NONCOMMERCIAL
from biomedica_dataset.plotting import can_plot
from biomedica_dataset.schema import TABLES

if TYPE_CHECKING:
    from biomedica_dataset.annotation.labels.audit import Purity
    from biomedica_dataset.io.folders import Folder

CARD = "README.md"
_TABLES = (
    "all",
    "articles",
    "documents",
    "panels",
    "index",
    "embeddings",
)  # explained column by column
NAME = "biomedica"
"""What the examples of a card call the folder that it lies in."""

_HERE = (
    "`biomedica` is this folder; for the copy on the Hub, give its name, `organisation/biomedica`. "
)
_EXAMPLES = ('load_dataset("{}"', 'open_dataset(\n    "{}"', "`biomedica select {} ")
_WORST = 12  # concepts whose labels are true least often


def publish(folder: Folder, manifest: Manifest) -> Manifest:
    """Write the images of the card, the card, and last the manifest; return it with the images.

    Parameters
    ----------
    manifest
        Of Parquet files that are there, index included.
    """
    from .examples import find_examples
    from .markdown import render
    from .metadata import card_data
    from .plots import draw_plots
    from .statistics import count
    from .tokens import lost_tokens

    counted = count(folder, manifest)
    examples = find_examples(folder, manifest)
    plots = draw_plots(counted) if can_plot() else []
    images = {one.path: one.data for one in examples} | {one.path: one.data for one in plots}
    _write_images(folder, images)
    pictures = [
        CardImage(path, len(data), hashlib.sha256(data).hexdigest())
        for path, data in sorted(images.items())
    ]
    manifest = dataclasses.replace(manifest, pictures=pictures)
    card = render(
        "card/README.md.jinja",
        card_data=card_data(manifest).to_yaml(),
        counted=counted,
        examples=examples,
        plots=plots,
        subset_of=manifest.subset_of,
        lost=lost_tokens(folder, manifest),
        shared=count_shared_images(folder, manifest),
        manifest=manifest,
        splits=manifest.splits,
        audit=_audit(manifest.audit),
        here=Markup(_HERE),
        has_images=bool(manifest.rows("all")),
        tables={name: _columns(name) for name in _TABLES if name in manifest.configs()},
        SPLITS=SPLITS,
        LICENSE_GROUPS=LICENSE_GROUPS,
        COMMERCIAL=COMMERCIAL,
        NONCOMMERCIAL=NONCOMMERCIAL,
    )
    folder.write_bytes(CARD, card.encode())
    folder.write_bytes(MANIFEST, manifest.as_json())
    return manifest


def card_of_repository(card: bytes, repo_id: str) -> bytes:
    """Return the card of a dataset folder as it is true in a repository of the Hub."""
    text = card.decode().replace(_HERE, "")
    for example in _EXAMPLES:
        text = text.replace(example.format(NAME), example.format(repo_id))
    return text.encode()


def _write_images(folder: Folder, images: dict[str, bytes]) -> None:
    there = {f"{below}/{n}" for below in ("examples", "plots") for n in folder.names(below)}
    for path in sorted(there - images.keys()):  # of an earlier card
        folder.remove(path)
    for path, data in images.items():
        folder.write_bytes(path, data)


def _columns(table: str) -> list[tuple[str, Any]]:
    return [(field.name, field.metadata) for field in dataclasses.fields(TABLES[table])]


def _audit(audit: list[Purity]) -> list[Purity]:
    """Return answers about all labels together, then those about the concepts that fit worst."""
    overall = [one for one in audit if one.of == "all"]
    concepts = [one for one in audit if not re.fullmatch(r"all|cluster \d+", one.of)]
    concepts.sort(key=lambda one: (one.right / one.images, one.of))
    return overall + concepts[:_WORST]
