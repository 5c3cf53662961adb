"""Finding images by images: vectors of the config ``embeddings``, one bit a number.

Vectors of some networks have no negative number, so the mean of a vector is taken off before its
signs. A row without a vector has no bit. In a folder of this machine, the best rows by bits are
ranked again by the vectors themselves; elsewhere these are not fetched.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from biomedica_dataset.annotation.embeddings.article_images import Frame
from biomedica_dataset.annotation.embeddings.encoder import Encoder, EncoderSpec, Preprocess
from biomedica_dataset.annotation.embeddings.model_id import parts_of_name
from biomedica_dataset.errors import ArticleError, UsageError
from biomedica_dataset.folder.record import AGAIN, path_beside
from biomedica_dataset.folder.search_files import ImageModelId
from biomedica_dataset.io.tables import columns_of, read_table
from biomedica_dataset.schema import VectorRow
from biomedica_dataset.search.documents import read_part
from biomedica_dataset.search.lexical import Hit
from biomedica_dataset.search.local_files import local_files
from biomedica_dataset.streaming.reading.texts import Texts

from .bit_vectors import BitVectors
from .clip_texts import ClipTexts, has_texts

if TYPE_CHECKING:
    from biomedica_dataset.engine.progress import Progress
    from biomedica_dataset.folder.manifest import Manifest
    from biomedica_dataset.io.folders import Folder
    from biomedica_dataset.search.found_rows import FoundRows
    from biomedica_dataset.streaming.reading.places import Place

Array = np.ndarray[Any, Any]

_VECTOR, _MODEL = "image_embedding", "image_embedding_model"
_CONFIG = "embeddings"
_DEEPER = 8  # times as many rows as are asked for are ranked by the vectors themselves
_LARGEST = 2**27  # bytes of an image that is searched for


def find_model(folder: Folder, manifest: Manifest) -> ImageModelId:
    """Return what made the vectors of a dataset folder.

    Raises
    ------
    UsageError
        It has no vectors.
    """
    for file in manifest.config_files(_CONFIG):
        with folder.reading(file.path, AGAIN) as opened:
            table = read_table(opened, columns_of(VectorRow), [_VECTOR, _MODEL])
        table = table.filter(pc.is_valid(table[_MODEL])).slice(0, 1)
        for name, vector in zip(
            *(table[one].to_pylist() for one in (_MODEL, _VECTOR)), strict=True
        ):
            return ImageModelId(name=name, dim=len(vector))
    msg = (
        f"{folder.url} has no vectors of images; run `biomedica annotate embed`, and "
        "`biomedica serialize` with --embeddings"
    )
    raise UsageError(msg)


def read_vectors(
    folder: Folder, index: str, manifest: Manifest, model: ImageModelId, *, is_other: bool
) -> Iterator[Array]:
    """Yield the vectors of the rows of a part; in memory are those of one shard.

    Raises
    ------
    UsageError
        Another model made some of them.
    """
    part = read_part(folder, index, is_other=is_other)
    files, rows = part["file"].to_pylist(), part["row"].to_pylist()
    shown, vectors = None, []
    for file, row in zip(files, rows, strict=True):
        if file != shown:
            path, shown = path_beside(file, _CONFIG, manifest.splits), file
            with folder.reading(path, AGAIN) as opened:
                table = read_table(opened, columns_of(VectorRow), [_VECTOR, _MODEL])
            others = set(pc.unique(table[_MODEL]).to_pylist()) - {None, model.name}
            if others:
                msg = f"{folder.url} has vectors of {model.name} and of {min(others)}; embed again"
                raise UsageError(msg)
            vectors = table[_VECTOR].to_pylist()
        vector = vectors[row]
        yield np.zeros(model.dim, np.float32) if vector is None else np.array(vector, np.float32)


def centred(vectors: Sequence[Array]) -> Array:
    """Return vectors with a mean of zero each, float32 of shape (n, d)."""
    stacked = np.stack(list(vectors)).astype(np.float32)
    return cast("Array", stacked - stacked.mean(axis=1, keepdims=True))


class ImageVectors:
    """Searches the vectors of images; they are opened with the first query.

    Parameters
    ----------
    image_model
        The model that makes vectors of images to search for, if it is not the one on the Hub that
        the index names.
    """

    def __init__(
        self,
        place: Place,
        manifest: Manifest,
        found: FoundRows,
        image_model: str | None,
        progress: Progress,
    ) -> None:
        self._place, self._manifest, self._found = place, manifest, found
        self._image_model, self._progress = image_model, progress

    def of_row(self, hit: Hit) -> Array:
        """Return the vector of a row, or its signs where vectors are not fetched.

        Raises
        ------
        UsageError
            It has none.
        """
        if not self._present[hit.part][hit.row]:
            msg = "this figure has no vector of its image, which could not be decoded"
            raise UsageError(msg)
        if not self._place.is_local:
            return self._vectors.signs(hit)
        return cast("Array", self._stored([hit])[0])

    def of_file(self, path: str | os.PathLike[str]) -> Array:
        """Return the vector of an image in a file.

        Raises
        ------
        UsageError
            The file cannot be read or decoded, or the model is another than that of the index.
        """
        try:
            with Path(path).open("rb") as file:
                data = file.read(_LARGEST + 1)
        except OSError as error:
            msg = f"{path} cannot be read: {error.strerror or error}"
            raise UsageError(msg) from error
        _ = self._vectors  # an index without vectors needs no model
        encoder = self._encoder
        colour = None if encoder.id.preprocess == "paper" else encoder.colour
        try:
            if len(data) > _LARGEST:
                msg = f"more than {_LARGEST:,} bytes"
                raise ArticleError(msg)
            pixels = Frame(size=encoder.id.size, colour=colour).decode(data, [None])
        except ArticleError as error:
            msg = (
                f"{path} cannot be decoded as an image ({error}); give a JPEG, PNG, TIFF, GIF or "
                "WebP"
            )
            raise UsageError(msg) from error
        return cast("Array", encoder.encode(np.stack(pixels))[0].astype(np.float32))

    def may_have_texts(self) -> bool:
        """Whether the model of the vectors may have texts; a given id is not looked for yet."""
        given = self._image_model
        return (given is not None and not Path(given).exists()) or has_texts(self._model_name())

    def find_text(self, text: str, limit: int, allowed: Sequence[Array] | None) -> list[Hit]:
        """Return the rows whose images are nearest to a text, if a CLIP made their vectors.

        Raises
        ------
        UsageError
            The model has no texts, or is another than that of the index.
        """
        _ = self._vectors  # an index without vectors needs no model
        clip = self._clip
        return self.find(clip.encode(text), limit, allowed, clip.projection)

    def find(
        self,
        query: Array,
        limit: int,
        allowed: Sequence[Array] | None,
        projection: Array | None = None,
    ) -> list[Hit]:
        """Return the rows whose images are nearest to a vector.

        Parameters
        ----------
        projection
            Takes vectors of images to the space of the query, by `ClipTexts`; they are in the same
            space by default.
        """
        masks = self._present
        if allowed is not None:
            masks = [one & other for one, other in zip(masks, allowed, strict=True)]
        is_local = self._place.is_local
        deep = limit * _DEEPER if is_local else limit
        # Of a text, bits rank by x . (P^T t) without the length of P x and the mean of x, so they
        # would be approximate even if they were whole numbers; the ranking below is exact.
        asked = query if projection is None else query @ projection
        hits = self._vectors.find(centred([asked])[0], deep, masks)
        if not is_local or not hits:
            return hits
        stored = self._stored(hits)
        stored = stored if projection is None else stored @ projection.T
        lengths = np.linalg.norm(stored, axis=1) * np.linalg.norm(query)
        scores = (stored @ query / np.maximum(lengths, 1e-12)).tolist()
        again = [Hit(hit.part, hit.row, score) for hit, score in zip(hits, scores, strict=True)]
        return sorted(again, key=lambda hit: (-hit.score, hit.part, hit.row))[:limit]

    def _stored(self, hits: Sequence[Hit]) -> Array:
        """Return the vectors of rows as they are stored, float32 of shape (n, d)."""
        table = self._found.rows(list(hits))
        files, rows = table["file"].to_pylist(), table["row"].to_numpy()
        vectors = np.zeros((len(hits), self._model.dim), np.float32)
        with self._found.files() as opened:
            texts = Texts(opened, {one.path: one for one in self._manifest.files}, [_VECTOR])
            for file in dict.fromkeys(files):
                at = np.flatnonzero(pc.equal(table["file"], pa.scalar(file)).to_numpy())
                at = at[np.argsort(rows[at])]
                path = path_beside(file, _CONFIG, self._manifest.splits)
                vectors[at] = texts.rows(path, rows[at])[_VECTOR].to_pylist()
        return vectors

    @property
    def _model(self) -> ImageModelId:
        search = self._manifest.search
        model = search.image_model if search else None
        if model is None:
            msg = (
                f"{self._place.url} has no vectors of images to search; run `biomedica search "
                "build` with --image-vectors"
            )
            raise UsageError(msg)
        return model

    @cached_property
    def _vectors(self) -> BitVectors:
        dim, search = self._model.dim, self._manifest.search
        parts = search.of("figure") if search else []
        files = [part.image for part in parts if part.image]
        there = local_files(self._place, files, self._progress)
        paths = [there[file.path] for file in files]
        rows = [part.rows for part in parts]
        return BitVectors(list(zip(paths, rows, strict=True)), dim)

    @cached_property
    def _present(self) -> list[Array]:
        return self._vectors.has_bits()

    @cached_property
    def _clip(self) -> ClipTexts:
        name = self._model_name()
        clip = ClipTexts(name)
        if clip.version != self._made["version"]:
            raise UsageError(self._is_another(name, clip.version))
        return clip

    @cached_property
    def _made(self) -> dict[str, str | None]:
        """Which model made the vectors, see `parts_of_name`."""
        return parts_of_name(self._model.name)

    def _model_name(self) -> str:
        """Return the id or the folder of the model."""
        return self._image_model or self._made["name"] or ""

    def _is_another(self, name: str, found: str) -> str:
        made, commit = self._model.name, self._made["commit"]
        msg = f"the vectors of {self._place.url} were made by {made}, and {name} is {found}; "
        if commit and "@" not in found:
            return (
                f"{msg}a model from the Hub is identified by its commit, which a folder lacks: "
                f"name {self._made['name']}, which with HF_HUB_OFFLINE=1 is read from the cache"
            )
        if commit and name == self._made["name"]:
            return f"{msg}the Hub has another commit of it now: embed again, and build the index"
        return f"{msg}name that model, its folder or its id"

    @cached_property
    def _encoder(self) -> Encoder:
        name, preprocess = self._model_name(), cast("Preprocess", self._made["preprocess"])
        encoder = EncoderSpec(name=name, preprocess=preprocess).load()
        # The same model on another machine computes in another type, and may decode elsewhere.
        if parts_of_name(str(encoder.id))["pixels"] != self._made["pixels"]:
            raise UsageError(self._is_another(name, str(encoder.id)))
        return encoder
