"""Vectors of a task's images and texts, kept in parts, so that no image is encoded twice."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from biomedica_dataset.annotation.embeddings.encoder import BATCH
from biomedica_dataset.engine.pool import cpu_count
from biomedica_dataset.errors import ArticleError
from biomedica_dataset.images.decode import open_rgb
from biomedica_dataset.images.lost import lost_error
from biomedica_dataset.io.folders import Folder

if TYPE_CHECKING:
    from biomedica_dataset.clip.models.two_towers import Model
    from biomedica_dataset.engine.progress import Progress

    from .cases import Cases

PART = 4 * BATCH
"""Images in a file, and at most lost by a kill."""

_WHOLE = 1 << 20  # pixels: no image is larger, so none is decoded at a reduced scale
_SHORT = 20  # digits of a digest in a name

Array = np.ndarray[Any, Any]


class Cache:
    """Vectors of one model, in files of their own for every set of images or texts.

    Parameters
    ----------
    url
        Folder; ``<model>/<images>/<part>.npz`` and ``<model>/texts/<texts>.npz`` lie below it.
    """

    def __init__(self, url: str, model: Model, progress: Progress) -> None:
        self._url, self._model, self._progress = url, model, progress

    def _folder(self, name: str) -> Folder:
        folder = Folder(f"{self._url}/{self._model.digest[:_SHORT]}/{name}")
        folder.sweep()
        return folder

    def images(self, cases: Cases, on_error: str = "skip") -> tuple[Array, list[str]]:
        """Return unit vectors of the images that can be read, and why others cannot.

        Parameters
        ----------
        on_error
            Whether to ``skip`` an image that cannot be read, or ``raise`` an error.

        Returns
        -------
        vectors
            float32 (readable images, d).
        reasons
            For each image, ``""`` where it is readable.
        """
        folder = self._folder(cases.digest[:_SHORT])
        vectors, reasons = [], []
        with ThreadPoolExecutor(cpu_count()) as pool:
            for start in range(0, len(cases.chosen), PART):
                name = f"{start // PART:06d}.npz"
                some = range(start, min(start + PART, len(cases.chosen)))
                part = _read(folder, name)
                if part is None or len(part["reasons"]) != len(some):
                    part = self._encode(cases, some, pool)
                    _write(folder, name, part)
                if on_error == "raise":
                    _refuse_lost(cases, some, part["reasons"].tolist())
                self._progress.tick(len(some), 0, 0)
                vectors.append(part["vectors"])
                reasons += part["reasons"].tolist()
        filled = [part for part in vectors if len(part)]
        return np.concatenate(filled) if filled else np.zeros((0, 0), np.float32), reasons

    def _encode(self, cases: Cases, some: range, pool: ThreadPoolExecutor) -> dict[str, Array]:
        prepared, reasons = [], []
        for image in pool.map(lambda i: _prepared(cases, i, self._model.prepare), some):
            reasons.append(image if isinstance(image, str) else "")
            if not isinstance(image, str):
                prepared.append(image)
        vectors = self._model.images(prepared) if prepared else np.zeros((0, 0), np.float32)
        return {"vectors": vectors, "reasons": np.array(reasons)}

    def texts(self, texts: Sequence[str]) -> Array:
        """Return unit vectors of texts, float32 (n, d)."""
        told = hashlib.sha256(json.dumps(list(texts)).encode()).hexdigest()
        folder, name = self._folder("texts"), f"{told[:_SHORT]}.npz"
        part = _read(folder, name)
        if part is None:
            unique = sorted(set(texts))
            made = self._model.texts(unique)
            places = {text: place for place, text in enumerate(unique)}
            part = {"vectors": made[[places[text] for text in texts]]}
            _write(folder, name, part)
        return part["vectors"]


def _refuse_lost(cases: Cases, some: range, reasons: list[str]) -> None:
    for index, reason in zip(some, reasons, strict=True):
        if reason:
            name = cases.table.keys[cases.chosen[index]]
            raise lost_error(name, f"{reason} (task {cases.task.name})")


def _prepared(cases: Cases, index: int, prepare: Callable[[Any], Any]) -> Any:
    try:
        return prepare(open_rgb(cases.read(index), _WHOLE))
    except ArticleError as error:
        return str(error)


def _read(folder: Folder, name: str) -> dict[str, Array] | None:
    if not folder.exists(name):
        return None
    try:
        with np.load(io.BytesIO(folder.read_bytes(name)), allow_pickle=False) as stored:
            return dict(stored)
    except (
        ValueError,
        OSError,
        zipfile.BadZipFile,
    ):  # a spoilt file is made again
        return None


def _write(folder: Folder, name: str, part: dict[str, Array]) -> None:
    written = io.BytesIO()
    np.savez(written, **part)  # type: ignore[arg-type]
    folder.write_bytes(name, written.getvalue())
