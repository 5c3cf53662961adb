"""Chooses which images of a cluster to show: a random sample, the nearest and the farthest."""

from __future__ import annotations

import hashlib
import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from biomedica_dataset.io.rules import Count, Key, OneOf

if TYPE_CHECKING:
    from biomedica_dataset.annotation.clusters.assignments import Assignments

GROUPS = ("random", "nearest", "farthest")


@dataclass(frozen=True, slots=True)
class ClusterSample:
    """The keys of the images shown of a cluster, each in the first group that contains it.

    Parameters
    ----------
    size
        Number of images in the cluster.
    shown
        Keys by group, without empty groups.
    """

    cluster: Count
    size: Count
    shown: dict[Annotated[str, OneOf(GROUPS)], list[Key]]

    def __post_init__(self) -> None:
        """Check that there is a random sample, which every cluster with an image has."""
        if "random" not in self.shown:
            msg = f"cluster {self.cluster} has no random sample"
            raise ValueError(msg)

    @property
    def keys(self) -> list[str]:
        """All keys shown."""
        return [key for keys in self.shown.values() for key in keys]


def choose_samples(assignments: Assignments, count: int, seed: int) -> list[ClusterSample]:
    """Return the images to show of each cluster that has any.

    Memory holds only images that may be shown, however many there are.

    Parameters
    ----------
    count
        Size of the random sample; a third as many images are the nearest, and as many the farthest.
        Without known distances there are neither.
    seed
        Seed for the sample, which takes the keys with the lowest hashes.
    """
    found: dict[int, _Candidates] = {}
    for block in assignments.blocks():
        columns = (column.to_pylist() for column in assignments.read(block).columns)
        for key, cluster, distance in zip(*columns, strict=True):
            if cluster not in found:
                found[cluster] = _Candidates(count)
            found[cluster].add(key, distance, seed)
    return [ClusterSample(number, own.size, own.shown()) for number, own in sorted(found.items())]


class _Candidates:
    def __init__(self, count: int) -> None:
        some = max(1, count // 3)
        self.size = 0
        self._groups = {name: Smallest(count if name == "random" else some) for name in GROUPS}

    def add(self, key: str, distance: float | None, seed: int) -> None:
        self.size += 1
        self._groups["random"].add((drawn(key, seed), key))
        if distance is not None:
            self._groups["nearest"].add((distance, key))
            self._groups["farthest"].add((-distance, key))

    def shown(self) -> dict[str, list[str]]:
        """Return keys by group, each in the first group that contains it."""
        taken: set[str] = set()
        shown = {}
        for name, smallest in self._groups.items():
            own = [key for key in smallest.first() if key not in taken]
            taken.update(own)
            if own:
                shown[name] = own
        return shown


def drawn(key: str, seed: int) -> int:
    """Return the number of a key in a random order: the same for the same seed."""
    return int.from_bytes(hashlib.sha256(f"{seed} {key}".encode()).digest()[:8])


class Smallest:
    """The smallest of many (number, key) pairs, up to a count."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._items: list[tuple[float, str]] = []

    def add(self, item: tuple[float, str]) -> None:
        """Add a pair."""
        self._items.append(item)
        if len(self._items) > 8 * self._count:
            self._items = heapq.nsmallest(self._count, self._items)

    def first(self) -> list[str]:
        """Return the keys, smallest number first."""
        return [key for _number, key in heapq.nsmallest(self._count, self._items)]
