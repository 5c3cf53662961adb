"""What a run of `search build` made, and the records by which the next run knows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from biomedica_dataset.engine.report import Shown, part_message
from biomedica_dataset.folder.search_files import SEARCH, SearchIndex, SearchPart

if TYPE_CHECKING:
    from biomedica_dataset.io.folders import Folder


@dataclass(frozen=True, slots=True)
class SearchRecord:
    """The parts of a file of the index, and what they were made from.

    Parameters
    ----------
    fingerprint, vectors, images
        Fingerprints of the inputs of words, and of vectors of texts and of images; empty if there
        are none.
    """

    fingerprint: str
    vectors: str = ""
    images: str = ""
    parts: list[SearchPart] = field(default_factory=list)

    def is_whole(self, folder: Folder) -> bool:
        """Whether the files exist and have their original sizes."""
        files = [file for part in self.parts for file in part.files]
        return all(folder.exists(one.path) and folder.size(one.path) == one.bytes for one in files)


@dataclass(frozen=True, slots=True, repr=False)
class SearchBuildReport(Shown):
    """What can be found, and what this run made.

    Parameters
    ----------
    written, left
        Files of the index whose rows this run read, and those of other parts that are not done.
    """

    search: SearchIndex
    url: str
    written: int
    left: int

    def __str__(self) -> str:
        if self.left:
            return part_message(self.written, self.left, "files of the index")
        panels = f" and {self.search.panels:,} panels" if self.search.panels else ""
        size = (
            f"{self.search.rows:,} figures{panels} can be found, {self.search.bytes / 1e6:,.1f} MB"
        )
        if not self.written:
            return f"{size}; nothing to do: {self.url}/{SEARCH} is up to date"
        return f'{size}\nnext: biomedica search {self.url} "a few words"'
