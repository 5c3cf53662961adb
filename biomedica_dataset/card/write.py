"""Writes what makes shards and an index a dataset: pictures of the card, card and manifest."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from biomedica_dataset.folder.manifest import MANIFEST, CardPicture, Manifest
from biomedica_dataset.plotting import can_plot

from .card_plots import draw_plots
from .examples import find_examples
from .limits import limits, since_release
from .markdown import section
from .sections import (
    columns,
    configs,
    content,
    example_path,
    gallery,
    intro,
    licenses,
    loading,
    provenance,
)
from .settings import settings
from .statistics import count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from biomedica_dataset.io.folders import Folder

    from .examples import Example
    from .statistics import Statistics

CARD = "README.md"
_PICTURES = ("examples", "plots")


def publish(folder: Folder, manifest: Manifest, *, note: str | None = None) -> Manifest:
    """Write the pictures of the card, the card, and last the manifest; return it with the pictures.

    Parameters
    ----------
    manifest
        Of Parquet files that are there, index included.
    note
        Markdown that stands first of all.
    """
    counted = count(folder, manifest)
    examples = find_examples(folder, manifest)
    plots = draw_plots(counted) if can_plot() else {}
    pictures = {example_path(example): example.data for example in examples}
    pictures |= {f"plots/{name}.png": data for name, (_title, data) in plots.items()}
    for below in _PICTURES:
        for name in folder.names(below):
            if f"{below}/{name}" not in pictures:
                folder.remove(f"{below}/{name}")
    for path, data in pictures.items():
        folder.write_bytes(path, data)
    manifest = replace(
        manifest,
        pictures=[
            CardPicture(path, len(data), hashlib.sha256(data).hexdigest())
            for path, data in sorted(pictures.items())
        ],
    )
    titles = {name: title for name, (title, _data) in plots.items()}
    body = _body(manifest, counted, examples, titles, note)
    folder.write_bytes(CARD, f"---\n{settings(manifest)}\n---\n\n{body}".encode())
    folder.write_bytes(MANIFEST, manifest.as_json())
    return manifest


def _body(
    manifest: Manifest,
    counted: Statistics,
    examples: Sequence[Example],
    plots: Mapping[str, str],
    note: str | None,
) -> str:
    default = manifest.configs()[0] if manifest.configs() else "commercial"
    since = since_release(manifest)
    parts = [
        intro(manifest),
        *([f"{note}\n"] if note else []),
        *([gallery(examples)] if examples else []),
        section("How to load it", loading(default)),
        section("Configs", configs(manifest)),
        section("Licences", licenses(counted)),
        section("What is in it", content(counted, plots)),
        *([section("Since the last release", since)] if since else []),
        section("How it was made", provenance(manifest)),
        section("Limits and known errors", limits(manifest)),
        section("Columns", columns(manifest)),
        _CITATION,
    ]
    return "\n".join(parts)


_CITATION = """## Citation

```bibtex
@article{lozano2025biomedica,
  title   = {BIOMEDICA: An Open Biomedical Image-Caption Archive, Dataset, and Vision-Language
             Models Derived from Scientific Literature},
  author  = {Lozano, Alejandro and others},
  journal = {arXiv preprint arXiv:2501.07171},
  year    = {2025}
}
```
"""
