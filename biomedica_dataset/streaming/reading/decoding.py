"""Images of rows as `datasets` decodes them, and what is done about one that cannot be.

Panels are cut when they are decoded, and a figure is decoded once for those that follow soon.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any, ClassVar

from datasets import Image

from biomedica_dataset.engine.timings import Timings, measured
from biomedica_dataset.errors import ArticleError
from biomedica_dataset.images.crop import View, crop
from biomedica_dataset.images.decode import open_upright
from biomedica_dataset.images.lost import LostImages, lost_error

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage


_MOST_PIXELS = 256 * 2**20  # bytes of decoded figures that are kept


class FetchedImage(dict[str, Any]):
    """The bytes and the path of an image, and what is known of it beside them.

    Parameters
    ----------
    key
        The key of its row.
    decodes
        Whether it can be decoded, if the index says so.

    Attributes
    ----------
    lost
        Counts those of an epoch that could not be decoded.
    timings
        Measures decoding.
    """

    __slots__ = ("_pixels", "decodes", "key", "lost", "timings")

    def __init__(self, data: bytes, path: str | None, key: str, decodes: bool | None) -> None:  # noqa: FBT001 - of the index
        super().__init__(bytes=data, path=path)
        self.key, self.decodes = key, decodes
        self.lost: LostImages | None = None
        self.timings: Timings | None = None
        self._pixels: PILImage | None = None

    @property
    def view(self) -> View | None:
        """What to cut out, and of what size the image is; ``None`` for all of it."""
        return None

    def is_lost(self) -> bool:
        """Whether it cannot be decoded; what was decoded to know it is kept."""
        if self.decodes is None:
            try:
                self._pixels = self._decoded()
            except ArticleError:
                self.decodes = False
        return self.decodes is False

    def decode(self) -> PILImage:
        """Return the image, upright and in its own mode.

        Raises
        ------
        ArticleError
            It cannot be decoded.
        """
        return self._pixels or self._decoded()

    def _decoded(self) -> PILImage:
        with measured(self.timings, "decoding"):
            return self._opened()

    def _opened(self) -> PILImage:
        return open_upright(self["bytes"])


class RecentFigures:
    """The pixels of the figures that were decoded last, as far as they fit into memory."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, PILImage] = OrderedDict()

    def get(self, figure: int, data: bytes) -> PILImage:
        """Return the pixels of a figure by its number, decoding it if necessary."""
        if figure not in self._kept:
            self._kept[figure] = open_upright(data)
            while len(self._kept) > 1 and sum(map(_weight, self._kept.values())) > _MOST_PIXELS:
                self._kept.popitem(last=False)
        self._kept.move_to_end(figure)
        return self._kept[figure]

    def __reduce__(self) -> Any:
        """Leave the pixels here when a row goes to another process."""
        return RecentFigures, ()


def _weight(image: PILImage) -> int:
    return image.width * image.height * len(image.getbands())


class FetchedPanel(FetchedImage):
    """A panel: the bytes and the path of its figure, and what to cut out.

    Parameters
    ----------
    figure
        The figure as it was fetched.
    key
        The key of the panel.
    number
        The number of the figure in the index.
    view
        The panel with its margin, and the whole figure, in pixels as displayed.
    """

    __slots__ = ("_number", "_recent", "_view")

    def __init__(
        self, figure: FetchedImage, key: str, number: int, view: View, recent: RecentFigures
    ) -> None:
        super().__init__(figure["bytes"], figure["path"], key, figure.decodes)
        self.timings = figure.timings
        self._number, self._view, self._recent = number, view, recent

    @property
    def view(self) -> View | None:
        """What to cut out, and of what size the figure is."""
        return self._view

    def _opened(self) -> PILImage:
        return crop(self._recent.get(self._number, self["bytes"]), *self._view)


class DecodedImage(Image):  # type: ignore[misc]
    """The feature of `datasets`, except that pixels alone decide and that errors name the key."""

    gives_none: ClassVar[bool] = False

    def encode_example(self, value: Any) -> Any:
        """Return what is decoded, untouched if it comes from a reader."""
        return value if isinstance(value, FetchedImage) else super().encode_example(value)

    def decode_example(self, value: Any, token_per_repo_id: Any = None) -> Any:
        """Return the image.

        Raises
        ------
        ArticleError
            It cannot be decoded.
        """
        if not isinstance(value, FetchedImage) or not self.decode:
            return super().decode_example(value, token_per_repo_id)
        try:
            image = value.decode()
        except ArticleError as error:
            if self.gives_none:
                if value.lost is not None:
                    value.lost.add(value.key)
                return None
            raise lost_error(value.key, str(error)) from error
        return image.convert(self.mode) if self.mode and self.mode != image.mode else image

    def __eq__(self, other: object) -> bool:
        """Whether the other gives images of the same form."""
        form = [(one.mode, one.decode) for one in (self, other) if isinstance(one, Image)]
        return len(form) == 2 and form[0] == form[1]

    __hash__ = Image.__hash__


class DecodedImageOrNone(DecodedImage):
    """The same with None in place of an image that cannot be decoded."""

    gives_none = True
