"""Writes selected figures for readers without this package: image files, or a table alone.

::

    SUBSET/
      README.md                                a config for each licence group
      <group>/<split>/<slice>/metadata.jsonl   file name, texts, licence and source of each image
      <group>/<split>/<slice>/<key>.jpg        the original bytes
      <group>/<split>/<slice>/rows.csv         or this alone, without images

No column is null, so that readers which guess the type of a column from its first rows guess right.
"""

from __future__ import annotations

import csv
import io
import json
import re
from contextlib import closing
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, ClassVar

from biomedica_dataset.errors import ArchiveError
from biomedica_dataset.folder.record import AGAIN
from biomedica_dataset.keys import KEY, RASTER_EXTENSIONS
from biomedica_dataset.streaming.in_order import rows_in_order

from .write_images import ImagesStage, writing

if TYPE_CHECKING:
    from biomedica_dataset.engine.stage import WorkerContext

    from .stage import Slice

_UNKNOWN = "unknown"
READ = [
    "key", "article_accession_id", "image_kind", "caption", "image_context", "license_group",
    "image_license", "article_license", "image_credit", "article_citation", "article_doi",
    "image_size", "image_hash", "image_file_name",
]  # fmt: skip


def flat_row(row: dict[str, Any]) -> dict[str, str | int]:
    """Return a figure as columns of text and numbers, none of them null.

    Parameters
    ----------
    row
        A pair, with its licence group.

    Examples
    --------
    >>> columns = dict.fromkeys(READ) | {"key": "PMC1_f1", "article_accession_id": "PMC1"}
    >>> row = flat_row(columns | {"image_size": [4, 3], "image_context": ["Fig. 1 shows."]})
    >>> row["context"], row["image_license"], row["source"]
    ('Fig. 1 shows.', 'unknown', 'PMC1')
    """
    width, height = row["image_size"]
    doi = row["article_doi"] and f"doi:{row['article_doi']}"
    source = (row["article_citation"], doi, row["article_accession_id"], row["image_credit"])
    return {
        "key": row["key"],
        "article": row["article_accession_id"],
        "kind": row["image_kind"],
        "caption": row["caption"],
        "context": "\n\n".join(row["image_context"] or []),
        "license_group": row["license_group"],
        "image_license": row["image_license"] or _UNKNOWN,
        "article_license": row["article_license"] or _UNKNOWN,
        "source": "; ".join(filter(None, source)),
        "width": width,
        "height": height,
        "sha256": row["image_hash"],
    }


def image_name(row: dict[str, Any]) -> str:
    """Return the name of the file of an image: its key, and the ending that it has in PMC.

    Raises
    ------
    ArchiveError
        They are not those of an image; no other name may become a path.
    """
    ending = PurePosixPath(row["image_file_name"]).suffix.lower()
    if not re.fullmatch(KEY, row["key"]) or ending not in RASTER_EXTENSIONS:
        endings = ", ".join(RASTER_EXTENSIONS)
        msg = (
            f"the row {row['key']!r} of the file {row['image_file_name']!r} cannot be named: a key "
            f"is {KEY}, and a file ends in {endings}. {AGAIN}"
        )
        raise ArchiveError(msg)
    return f"{row['key']}{ending}"


@dataclass(frozen=True)
class FiguresStage(ImagesStage):
    """Writes figures as image files, for datasets' ``imagefolder``."""

    format: ClassVar[str] = "figures as image files"
    code: ClassVar[tuple[str, ...]] = ("subset.write_figures",)
    card: ClassVar[str] = "subset/figures.md.jinja"
    reads: ClassVar[list[str]] = READ

    def make(self, task: Slice, context: WorkerContext) -> int:
        """Write the images of a slice, the table beside them, then its record."""
        below, lines = str(PurePosixPath(task.name).with_suffix("")), []
        with (
            closing(rows_in_order(self.chosen.index, task.table, [*self.reads, "image"])) as rows,
            writing(self.output) as write,
        ):
            for number, row in enumerate(rows):
                line, data = self.line(task, number, row), row["image"]["bytes"]
                write(f"{below}/{line['file_name']}", data)
                lines.append(json.dumps(line, ensure_ascii=False))
                context.progress.tick(1, 1, len(data))
        self.output.write_bytes(f"{below}/metadata.jsonl", "\n".join([*lines, ""]).encode())
        return self.finish_slice(task, below, len(lines))

    def line(self, task: Slice, number: int, row: dict[str, Any]) -> dict[str, Any]:
        """Return the row of a figure in the table beside the images.

        Parameters
        ----------
        number
            Its number in the slice.
        """
        return {"file_name": image_name(row), **flat_row(row)}


@dataclass(frozen=True)
class CsvStage(FiguresStage):
    """Writes the table of figures alone; no image is fetched."""

    format: ClassVar[str] = "figures as CSV"

    def make(self, task: Slice, context: WorkerContext) -> int:
        """Write the table of a slice, then its record."""
        below = str(PurePosixPath(task.name).with_suffix(""))
        file = io.StringIO()
        writer = csv.writer(file, lineterminator="\n")
        with closing(rows_in_order(self.chosen.index, task.table, READ)) as rows:
            for number, row in enumerate(rows):
                flat = flat_row(row)
                if not number:
                    writer.writerow(flat)
                writer.writerow(flat.values())
                context.progress.tick(1, 1, 0)
        self.output.write_bytes(f"{below}/rows.csv", file.getvalue().encode())
        return self.finish_slice(task, below, images=0)
