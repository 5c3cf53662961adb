"""What a bucket holds, and what archive and dataset folder are to make of it: all in memory."""

from __future__ import annotations

import io
import shutil
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from PIL import Image

from biomedica_dataset.licenses import license_group

from .buckets import article, figure, put

if TYPE_CHECKING:
    from pathlib import Path

    Row = tuple[str, str, str]  # key, caption and licence group


@dataclass(frozen=True)
class Article:
    """An article of a bucket.

    Parameters
    ----------
    captions
        Of its figures; ``""`` where there is none.
    license_code
        As PMC has it.
    refused
        Why it is not kept although it has figures: ``retracted`` or ``not_open_access``.
    """

    captions: tuple[str, ...]
    license_code: str | None
    refused: str | None = None

    def write(self, bucket: Path, pmcid: int) -> None:
        """Put it into a bucket that does not have it."""
        figures = "".join(
            figure(f"g{n}.png", caption, n) for n, caption in enumerate(self.captions)
        )
        media = {f"g{n}.png": _image(pmcid, n) for n in range(len(self.captions))}
        put(
            bucket,
            pmcid,
            article(figures),
            media,
            license_code=self.license_code,
            is_retracted=self.refused == "retracted",
            is_pmc_openaccess=self.refused != "not_open_access",
        )

    @property
    def fate(self) -> str:
        """What becomes of it."""
        if self.refused:
            return f"rejected: {self.refused}"
        return "kept" if any(self.captions) else "rejected: no_figures"

    def rows(self, pmcid: int) -> frozenset[Row]:
        """Return the rows that it gives."""
        if self.fate != "kept":
            return frozenset()
        group = license_group(self.license_code)
        return frozenset(
            (f"PMC{pmcid}_g{n}", caption, group)
            for n, caption in enumerate(self.captions)
            if caption
        )

    def figures(self) -> Counter[str]:
        """Return what becomes of its figures; those of a refused one are not looked at."""
        if self.refused:
            return Counter()
        found = Counter(kept=sum(map(bool, self.captions)))
        found["rejected: no_caption"] = len(self.captions) - found["kept"]
        return found


def remove(bucket: Path, pmcid: int) -> None:
    """Take an article out of a bucket, if it is there."""
    (bucket / "metadata" / f"PMC{pmcid}.1.json").unlink(missing_ok=True)
    shutil.rmtree(bucket / f"PMC{pmcid}.1", ignore_errors=True)


def _image(pmcid: int, number: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), (pmcid % 251, number * 40, 7)).save(file, "PNG")
    return file.getvalue()


@dataclass
class Model:
    """What is there, and what may be in the archive after runs that were killed.

    Parameters
    ----------
    bucket
        What is in the bucket.
    archived
        By article all states that the archive may have it in: one after a run that ended, more
        after one that was killed; ``None`` is to be absent.
    """

    bucket: dict[int, Article] = field(default_factory=dict)
    archived: dict[int, set[Article | None]] = field(default_factory=dict)

    def extracted(self) -> None:
        """Take note of an extract that ended."""
        self.archived = {pmcid: {article} for pmcid, article in self.bucket.items()}

    def cut_short(self) -> None:
        """Take note of an extract that was killed: of each article the old or the new is there."""
        for pmcid in {*self.bucket, *self.archived}:
            self.archived.setdefault(pmcid, {None}).add(self.bucket.get(pmcid))

    def states(self, pmcid: int) -> list[frozenset[Row]]:
        """Return the rows that an article may have in a dataset folder of the archive."""
        return [article.rows(pmcid) if article else frozenset() for article in self.archived[pmcid]]

    def articles(self) -> dict[str, int]:
        """Return how many articles of the bucket come to what."""
        return dict(Counter(article.fate for article in self.bucket.values()))

    def figures(self) -> dict[str, int]:
        """Return how many figures of the bucket come to what."""
        return dict(+sum((article.figures() for article in self.bucket.values()), Counter()))
