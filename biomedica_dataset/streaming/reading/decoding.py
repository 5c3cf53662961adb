"""Images of rows as `datasets` decodes them, and what is done about one that cannot be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from datasets import Image

from biomedica_dataset.errors import ArticleError
from biomedica_dataset.images.decode import open_upright
from biomedica_dataset.images.lost import lost_error

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

    from biomedica_dataset.images.lost import LostImages


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
    """

    __slots__ = ("_pixels", "decodes", "key", "lost")

    def __init__(self, data: bytes, path: str | None, key: str, decodes: bool | None) -> None:  # noqa: FBT001 - of the index
        super().__init__(bytes=data, path=path)
        self.key, self.decodes = key, decodes
        self.lost: LostImages | None = None
        self._pixels: PILImage | None = None

    def is_lost(self) -> bool:
        """Whether it cannot be decoded; what was decoded to know it is kept."""
        if self.decodes is None:
            try:
                self._pixels = open_upright(self["bytes"])
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
        return self._pixels or open_upright(self["bytes"])


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
