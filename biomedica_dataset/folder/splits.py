"""Train, validation and test: a hash of the PMCID decides the split of an article in every run.

Where articles are split by images, those that share an image are a group, and the least PMCID of
the group decides; where they are split by duplicates, those that have copies of an image.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from biomedica_dataset.errors import UsageError
from biomedica_dataset.suggest import one_of

SPLITS = ("train", "validation", "test")
SPLIT_BY = ("article", "image", "duplicates")
_RANGE = 2**64


@dataclass(frozen=True, slots=True)
class Splits:
    """The share of articles in each split.

    Parameters
    ----------
    shares
        Shares of `SPLITS`, in their order, with the sum 1. All in ``train`` means no split.
    by
        What stays in one split: an ``article``, or all articles that share an ``image``, or that
        have images which are ``duplicates`` of each other.

    Examples
    --------
    >>> halves = Splits.parse("0.5,0.25,0.25")
    >>> [halves.of(pmcid) for pmcid in (13900, 13901, 13902)]
    ['train', 'test', 'validation']
    """

    shares: tuple[float, ...] = (1.0, 0.0, 0.0)
    by: str = "article"

    def __post_init__(self) -> None:
        """Check the shares."""
        is_whole = math.isclose(sum(self.shares), 1.0, abs_tol=1e-9)
        if len(self.shares) != len(SPLITS) or not is_whole or min(self.shares) < 0:
            msg = (
                f"the split {self} is not valid: expected shares of {', '.join(SPLITS)}, none "
                "below 0 and with the sum 1, such as 0.9,0.05,0.05"
            )
            raise UsageError(msg)
        one_of("split_by", self.by, SPLIT_BY)
        if self.by != "article" and self.is_whole:
            msg = (
                f"split_by is {self.by!r}, but nothing is split; give splits such as 0.9,0.05,0.05"
            )
            raise UsageError(msg)

    def __str__(self) -> str:
        """Return the shares as `parse` reads them."""
        return ",".join(f"{share:g}" for share in self.shares)

    @classmethod
    def parse(cls, text: str, by: str = "article") -> Splits:
        """Return the splits from a text such as ``0.9,0.05,0.05``.

        Raises
        ------
        UsageError
            The text is not valid.
        """
        try:
            shares: Sequence[float] = [float(share) for share in text.split(",")]
        except ValueError as error:
            msg = f"the split {text!r} is not valid; expected three shares, such as 0.9,0.05,0.05"
            raise UsageError(msg) from error
        return cls(tuple(shares), by)

    @property
    def is_whole(self) -> bool:
        """Whether everything is in ``train``."""
        return self.shares[0] == 1

    def of(self, pmcid: int) -> str:
        """Return the split of an article or of a group, and so of everything in it."""
        digest = hashlib.sha256(b"PMC%d" % pmcid).digest()
        place = int.from_bytes(digest[:8], "big") / _RANGE
        ends = zip(accumulate(self.shares), SPLITS, strict=True)
        below = (split for end, split in ends if place < end)
        return next(below, SPLITS[-1])

    def below(self, split: str) -> str:
        """Return the subfolder of a split; empty if there is no other split."""
        return "" if self.is_whole else f"/{split}"
