"""The files of the search index of a dataset folder, as the manifest names them.

::

    search/
      <segment>.idx .term .pos .fieldnorm .fast .store    words of some rows, a segment of tantivy
      <digest>.text                                       1-bit vectors of their captions
      <digest>.image                                      1-bit vectors of their images

A part has the rows of one file of the index, in order, of the licence group ``other`` or of the
two others: without ``other``, the rest of the files stays as it is. A part of panels has a row for
each panel of these rows, and one for each figure that is one panel, itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Annotated

from biomedica_dataset.io.rules import Count, Form, OneOf, Positive, Sha256

SEARCH = "search"
FORMAT_VERSION = 1
SEGMENT_FILES = ("fast", "fieldnorm", "idx", "pos", "store", "term")
SEARCH_PATH = Form(
    rf"{SEARCH}/[0-9a-f]{{32}}\.(?:{'|'.join(SEGMENT_FILES)}|text|image)",
    "the path of a file of the search index",
)
_INDEX_FILE = Form(r"index/[A-Za-z0-9_-]+\.parquet", "the path of a file of the index")
_SEGMENT = Form("[0-9a-f]{32}", "the name of a segment")


@dataclass(frozen=True, slots=True)
class SearchFile:
    """One file of the search index."""

    path: Annotated[str, SEARCH_PATH]
    bytes: Count
    sha256: Sha256


@dataclass(frozen=True, slots=True, kw_only=True)
class TextModelId:
    """The model of the vectors of texts; vectors of different ones cannot be compared."""

    name: str
    revision: str | None
    weights: Sha256
    dim: Positive


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageModelId:
    """What made the vectors of images, in the words of the config ``embeddings``."""

    name: str
    dim: Positive


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPart:
    """The search index of some rows.

    Parameters
    ----------
    index
        The file of the index that has the rows.
    is_other
        Whether they are those of the licence group ``other``.
    unit
        Whether a row is a figure or a panel.
    segment
        Name of the files with their words.
    text, image
        Files of their vectors, if there are any.
    """

    index: Annotated[str, _INDEX_FILE]
    is_other: bool
    unit: Annotated[str, OneOf(("figure", "panel"))] = "figure"
    rows: Positive
    segment: Annotated[str, _SEGMENT]
    words: list[SearchFile]
    text: SearchFile | None = None
    image: SearchFile | None = None

    @property
    def files(self) -> list[SearchFile]:
        """All files."""
        return [*self.words, *(one for one in (self.text, self.image) if one is not None)]


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchIndex:
    """The search index of a dataset folder.

    Parameters
    ----------
    text_model, image_model
        What made the vectors, if there are any.
    """

    version: Positive = FORMAT_VERSION
    text_model: TextModelId | None = None
    image_model: ImageModelId | None = None
    parts: list[SearchPart] = field(default_factory=list)

    @property
    def files(self) -> list[SearchFile]:
        """All files."""
        return [file for part in self.parts for file in part.files]

    def of(self, unit: str) -> list[SearchPart]:
        """Return the parts of figures, or those of panels."""
        return [part for part in self.parts if part.unit == unit]

    @property
    def rows(self) -> int:
        """The figures that can be found."""
        return sum(part.rows for part in self.of("figure"))

    @property
    def panels(self) -> int:
        """The panels that can be found; a figure without panels is one."""
        return sum(part.rows for part in self.of("panel"))

    @property
    def bytes(self) -> int:
        """Bytes of all files."""
        return sum(file.bytes for file in self.files)

    def without_other(self) -> SearchIndex:
        """Return the index without the licence group ``other``."""
        return replace(self, parts=[part for part in self.parts if not part.is_other])
