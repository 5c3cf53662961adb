"""Encodes blocks of an archive with one model, reusing vectors that exist already."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from biomedica_dataset.annotation.blocks import BlockRecord, block_name, write_block
from biomedica_dataset.annotation.look.measure_block import (
    Boxes,
    Row,
    boxes_by_article,
    write_measures,
)
from biomedica_dataset.annotation.panels.figure_panels import read_figure_panels
from biomedica_dataset.engine.fingerprint import digest_of
from biomedica_dataset.errors import UsageError
from biomedica_dataset.images.lost import lost_error
from biomedica_dataset.keys import pmcid
from biomedica_dataset.rows import rows_fingerprint

from .article_images import Frame, ImagesOf, LoadedImage
from .encoder import BATCH, Encoder
from .image_loader import ImageLoader
from .vectors import Embeddings, vector_table

if TYPE_CHECKING:
    from biomedica_dataset.annotation.look.look import LookStage
    from biomedica_dataset.annotation.panels.panels import Panels
    from biomedica_dataset.archive.ledger import Archive
    from biomedica_dataset.engine.progress import Progress

    Vector = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedBlock:
    """The outcome for one block.

    Parameters
    ----------
    encoded
        Images that the model encoded.
    seconds
        Time that the model worked.
    """

    encoded: int
    seconds: float


def block_fingerprint(archive: Archive, panels: Panels | None, block: int) -> str:
    """Return the fingerprint of what the vectors of a block depend on besides the model."""
    parts = [rows_fingerprint(), archive.header(block).digest]
    if panels is not None:
        width = archive.width
        found = read_figure_panels(panels, block * width, (block + 1) * width)
        parts.append(found.digest())
    return digest_of(*parts)


class BlockEncoder:
    """Encodes blocks one after another on one device.

    Parameters
    ----------
    device
        See `ImagesOf`.
    """

    def __init__(  # noqa: PLR0913 - each is given by name
        self,
        *,
        archive: Archive,
        panels: Panels | None,
        output: Embeddings,
        encoder: Encoder,
        progress: Progress,
        on_error: str,
        look: LookStage | None,
        device: str | None,
    ) -> None:
        self._archive, self._panels = archive, panels
        self._output, self._on_error, self._look = output, on_error, look
        self._encoder, self._progress, self._device = encoder, progress, device
        self._measured: set[int] = set()

    def blocks(self, todo: Iterable[int], processes: int) -> Iterator[tuple[int, EncodedBlock]]:
        """Write blocks, and yield the outcome for each.

        Parameters
        ----------
        processes
            See `ImageLoader`.

        Raises
        ------
        UsageError
            The model returns NaN or infinite values.
        """
        model = self._encoder.id
        colour = None if model.preprocess == "paper" else self._encoder.colour
        frame = Frame(size=model.size, colour=colour)
        images_of = ImagesOf(frame, self._panels, self._device)
        with ImageLoader(self._archive, images_of, processes) as loader:
            loaded = loader.images(todo, self._known, self._boxes)
            for block, parts in itertools.groupby(loaded, key=lambda part: part[0]):
                images = itertools.chain.from_iterable(own for _block, own in parts)
                yield block, self._block(block, images)

    def _known(self, block: int) -> dict[int, set[str]]:
        """Return the digests of the images that have a vector, by PMCID."""
        found: dict[int, set[str]] = {}
        if self._output.folder.exists(block_name(block)):
            table = self._output.read(block, ["key", "image_hash"])
            for key, digest in zip(*(c.to_pylist() for c in table.columns), strict=True):
                found.setdefault(pmcid(key), set()).add(digest)
        return found

    def _boxes(self, block: int) -> dict[int, Boxes] | None:
        """Return the boxes of a block to measure, by PMCID; ``None`` if it is measured already."""
        if self._look is None or self._look.record(block) is not None:
            return None
        self._measured.add(block)
        return boxes_by_article(self._look.found, block)

    def _block(self, block: int, images: Iterable[LoadedImage]) -> EncodedBlock:
        vectors = _Vectors(self._encoder, self._before(block))
        pairs: list[tuple[str, str]] = []
        problems: dict[str, str] = {}
        measures: list[Row] = []
        for image in images:
            measures += image.measures
            pairs.append((image.key, image.digest))
            if image.problem is not None and self._on_error == "raise":
                raise lost_error(image.key, image.problem)
            if image.problem is not None:
                problems[image.digest] = image.problem
            elif image.pixels is not None:
                vectors.add(image.digest, image.pixels)
            self._progress.tick(0, 1, image.size)
        vectors.finish()
        reasons = Counter(problems.get(digest, "kept") for _key, digest in pairs)
        record = BlockRecord(
            fingerprint=block_fingerprint(self._archive, self._panels, block),
            counts=dict(reasons),
            problems=[f"{key}: {problems[d]}" for key, d in pairs if d in problems],
        )
        if self._look is not None and block in self._measured:
            fingerprint = self._look.fingerprint(block)
            write_measures(self._look.output, block, fingerprint, measures)
        keys = [key for key, digest in pairs if digest not in problems]
        hashes = [digest for _key, digest in pairs if digest not in problems]
        table = vector_table(keys, hashes, vectors.of(hashes))
        write_block(self._output.folder, block, table, record)
        self._progress.tick(1, 0, 0)
        return EncodedBlock(encoded=vectors.encoded, seconds=vectors.seconds)

    def _before(self, block: int) -> dict[str, Vector]:
        if not self._output.folder.exists(block_name(block)):
            return {}
        digests = self._output.read(block, ["image_hash"])["image_hash"].to_pylist()
        return dict(zip(digests, self._output.vectors(block)[1], strict=True))


class _Vectors:
    """Vectors of a block by digest; images wait until a batch is full.

    Parameters
    ----------
    known
        Vectors that exist already.
    """

    def __init__(self, encoder: Encoder, known: dict[str, Vector]) -> None:
        self.encoded, self.seconds = 0, 0.0
        self._encoder, self._by_digest = encoder, known
        self._waiting: dict[str, np.ndarray[Any, Any]] = {}

    def add(self, digest: str, pixels: np.ndarray[Any, Any]) -> None:
        """Add an image; a repeated image costs nothing."""
        if digest not in self._by_digest:
            self._waiting[digest] = pixels
        if len(self._waiting) == BATCH:
            self.finish()

    def finish(self) -> None:
        """Encode the waiting images.

        Raises
        ------
        UsageError
            The model returns NaN or infinite values.
        """
        if not self._waiting:
            return
        started = time.perf_counter()
        with np.errstate(over="ignore"):
            pixels = np.stack(list(self._waiting.values()))
            vectors = self._encoder.encode(pixels).astype(np.float16)
        self.seconds += time.perf_counter() - started
        for digest, vector in zip(self._waiting, vectors, strict=True):
            if not np.isfinite(vector).all():
                msg = (
                    f"{self._encoder.id} returns NaN or infinite values, or values too large for "
                    f"float16, for the image with SHA-256 {digest}: its weights are damaged, or "
                    "belong to another architecture"
                )
                raise UsageError(msg)
        self._by_digest.update(zip(self._waiting, vectors, strict=True))
        self.encoded += len(vectors)
        self._waiting.clear()

    def of(self, digests: list[str]) -> Vector:
        """Return vectors, float16 (n, d)."""
        found = np.zeros((len(digests), self._encoder.id.dim), np.float16)
        for row, digest in enumerate(digests):
            found[row] = self._by_digest[digest]
        return found
