"""How many tokens of the captions a text tower does not read, from the attribute `text`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.compute as pc

from biomedica_dataset.folder.attributes import CONFIG, Attribute
from biomedica_dataset.folder.record import AGAIN
from biomedica_dataset.io.tables import read_table

if TYPE_CHECKING:
    from biomedica_dataset.folder.manifest import Manifest
    from biomedica_dataset.io.folders import Folder

LENGTHS = (77, 256, 512)
_COLUMNS = ("clip_tokens", "tokens")


@dataclass(frozen=True, slots=True)
class LostTokens:
    """Shares that are lost if captions are cut at a length.

    Parameters
    ----------
    column
        The column of the attribute that counts the tokens.
    tokens, captions
        Share of the tokens that are cut off, and of the captions that are cut, by length.
    """

    column: str
    tokens: dict[int, float]
    captions: dict[int, float]


def lost_tokens(folder: Folder, manifest: Manifest) -> list[LostTokens]:
    """Return what is lost of the captions, by tokenizer; nothing if they were not measured."""
    for attribute in manifest.attributes:
        if attribute.name == "text" and attribute.columns.get("clip_tokens") == "int32":
            names = [name for name in _COLUMNS if attribute.columns.get(name) == "int32"]
            return [one for name in names if (one := _lost(folder, manifest, attribute, name))]
    return []


def _lost(folder: Folder, manifest: Manifest, attribute: Attribute, name: str) -> LostTokens | None:
    seen = captions = 0
    beyond, cut = np.zeros(len(LENGTHS), np.int64), np.zeros(len(LENGTHS), np.int64)
    for file in manifest.config_files(CONFIG):
        if not file.path.startswith(f"{CONFIG}/{attribute.name}/"):
            continue
        with folder.reading(file.path, AGAIN) as opened:
            counts = pc.drop_null(read_table(opened, attribute.checks, [name])[name]).to_numpy()
        seen, captions = seen + int(counts.sum(dtype=np.int64)), captions + len(counts)
        more = np.maximum(counts[:, None].astype(np.int64) - LENGTHS, 0)
        beyond, cut = beyond + more.sum(axis=0), cut + (more > 0).sum(axis=0)
    if not seen:
        return None
    return LostTokens(
        name,
        dict(zip(LENGTHS, (beyond / seen).tolist(), strict=True)),
        dict(zip(LENGTHS, (cut / captions).tolist(), strict=True)),
    )
