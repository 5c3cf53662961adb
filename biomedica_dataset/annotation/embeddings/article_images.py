"""The images of articles, or the panels of those that were split, as a model takes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from biomedica_dataset.annotation.look.measure_block import Boxes, Row, measure_pair
from biomedica_dataset.annotation.panels.figure_panels import panel_hash, read_figure_panels
from biomedica_dataset.errors import ArticleError
from biomedica_dataset.images.crop import Box, View, box_at_scale, figure_target
from biomedica_dataset.images.decode_once import ImageDecoder
from biomedica_dataset.images.device_decode import decode_on
from biomedica_dataset.images.fit import as_planes, fit_planes
from biomedica_dataset.keys import panel_key
from biomedica_dataset.rows import rows_of

if TYPE_CHECKING:
    from biomedica_dataset.annotation.panels.panels import Panels
    from biomedica_dataset.archive.entries import LedgerRow
    from biomedica_dataset.schema import Pair

    Article = tuple[LedgerRow, Mapping[str, bytes]]
    Pixels = np.ndarray[Any, Any]
    KeyedView = tuple[str, str, View | None]  # key, digest, and what to cut out


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The input format of a model.

    Parameters
    ----------
    size
        Side of the square in pixels.
    colour
        Pads an image to a square; ``None`` squashes it instead.
    """

    size: int
    colour: tuple[int, int, int] | None

    def decode(self, data: bytes, views: Sequence[View | None]) -> list[Pixels]:
        """Return an image, or the parts of it that views show, each as uint8 (size, size, 3).

        Raises
        ------
        ArticleError
            The image cannot be decoded.
        """
        return self.cut(ImageDecoder(data), views)

    def cut(self, decoder: ImageDecoder, views: Sequence[View | None]) -> list[Pixels]:
        """Return the same of an image that others may need as well."""
        target = 2 * self.size
        targets = (figure_target(target, *view) if view else target for view in views)
        return self.fit(as_planes(decoder.rgb(max(targets))), views)

    def fit(self, planes: Any, views: Sequence[View | None]) -> list[Pixels]:
        """Return the same of decoded pixels.

        Parameters
        ----------
        planes
            See `fit_planes`.
        """
        parts = (_cut(planes, *view) if view else planes for view in views)
        return [fit_planes(part, self.size, self.colour) for part in parts]


def _cut(planes: Any, box: Box, size: tuple[int, int]) -> Any:
    height, width = planes.shape[1:]
    x0, y0, x1, y1 = box_at_scale(box, size, (width, height))
    return planes[:, y0:y1, x0:x1]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedImage:
    """An image, or a panel of it, in the input format of a model.

    Parameters
    ----------
    digest
        SHA-256 of its bytes; see `panel_hash` for a panel.
    size
        How many bytes it has.
    pixels
        See `Frame.decode`; ``None`` if they are not needed or the image cannot be decoded.
    problem
        Why the image cannot be decoded.
    measures
        See `measure_pair`; those of all panels come with the first.
    """

    key: str
    digest: str
    size: int
    pixels: Pixels | None = None
    problem: str | None = None
    measures: Sequence[Row] = ()


@dataclass(frozen=True, slots=True)
class ImagesOf:
    """Loads the images of articles, in any process.

    Parameters
    ----------
    panels
        Panels by which figures are split.
    device
        Decodes JPEGs, see `decode_on`; ``None``: this package's decoder.
    """

    frame: Frame
    panels: Panels | None
    device: str | None = None

    def warm_up(self) -> None:
        """Load the libraries that fit images, which takes a process seconds."""
        self.frame.fit(as_planes(np.zeros((1, 1, 3), np.uint8)), [None])

    def __call__(
        self, articles: Sequence[Article], known: AbstractSet[str], boxes: Boxes | None = None
    ) -> list[LoadedImage]:
        """Return the images of articles: of a figure that was split, its panels.

        Parameters
        ----------
        known
            Digests of images whose pixels are not needed.
        boxes
            Boxes to measure, by the key of their figure; ``None`` if nothing is measured.
        """
        numbers = [row.pmcid for row, _images in articles]
        split = None
        if self.panels is not None and numbers:
            split = read_figure_panels(self.panels, min(numbers), max(numbers) + 1).take
        pairs = [pair for one in articles for _group, pair in rows_of(*one, panels=split).pairs]
        seen = set(known)
        wanted = [(pair, _wanted(pair, seen)) for pair in pairs]
        on_device: Iterator[Any] = iter(())
        if self.device is not None:
            on_device = decode_on(self.device, (_data(pair) for pair, todo in wanted if todo))
        found: list[LoadedImage] = []
        problems: dict[str, str] = {}
        for pair, todo in wanted:
            decoder = ImageDecoder(_data(pair))
            own = None if boxes is None else boxes.get(pair.key, {})
            measures = [] if own is None else measure_pair(pair, own, decoder)
            made: dict[str, Pixels] = {}
            if todo:
                try:
                    images = self._fitted(next(on_device, decoder), list(todo.values()))
                    made = dict(zip(todo, images, strict=True))
                except ArticleError as error:
                    problems.update(dict.fromkeys(todo, str(error)))
            found += _loaded(pair, made, problems, measures)
        return found

    def _fitted(self, decoded: Any, views: list[View | None]) -> list[Pixels]:
        """Return parts of an image from its decoder, or from what a device gave."""
        if isinstance(decoded, ArticleError):
            raise decoded
        if isinstance(decoded, ImageDecoder):
            return self.frame.cut(decoded, views)
        return self.frame.fit(decoded.float(), views)


def _data(pair: Pair) -> bytes:
    data: bytes = (pair.image or {})["bytes"]
    return data


def _wanted(pair: Pair, seen: set[str]) -> dict[str, View | None]:
    """Return what to cut out of a pair's image by digest, without what was seen; then it is."""
    todo = {digest: view for _key, digest, view in _views(pair) if digest not in seen}
    seen.update(todo)
    return todo


def _loaded(
    pair: Pair, made: dict[str, Pixels], problems: dict[str, str], measures: list[Row]
) -> Iterator[LoadedImage]:
    for number, (key, digest, _view) in enumerate(_views(pair)):
        yield LoadedImage(
            key=key,
            digest=digest,
            size=0 if number else len(_data(pair)),
            pixels=made.pop(digest, None),
            problem=problems.get(digest),
            measures=() if number else measures,
        )


def _views(pair: Pair) -> list[KeyedView]:
    """Return key, digest and box of each panel of a pair, or of its whole image."""
    if not pair.panels:
        return [(pair.key, pair.image_hash, None)]
    width, height = pair.image_size or (0, 0)
    return [
        (
            panel_key(pair.key, panel["letter"]),
            panel_hash(pair.image_hash, panel["box"]),
            (tuple(panel["box"]), (width, height)),
        )
        for panel in pair.panels
    ]
