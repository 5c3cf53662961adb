"""Which images of a cluster are shown: a random sample, the nearest and the farthest."""

from __future__ import annotations

import hashlib
import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from biomedica_dataset.annotation.clusters.assignments import Assignments

GROUPS = ("random", "nearest", "farthest")


@dataclass(frozen=True, slots=True)
class Members:
    """The images of a cluster that are shown, by key; each once, in the first group it is in.

    Parameters
    ----------
    size
        Images of the cluster.
    shown
        Keys by group, those without one left out.
    """

    cluster: int
    size: int
    shown: dict[str, list[str]]

    @property
    def keys(self) -> list[str]:
        """All keys that are shown."""
        return [key for keys in self.shown.values() for key in keys]


def choose_members(assignments: Assignments, count: int, seed: int) -> list[Members]:
    """Return what is shown of each cluster that has images.

    Of millions of images only those stay in memory that may be shown.

    Parameters
    ----------
    count
        Images of the random sample; a third as many are the nearest, as many the farthest. Where
        distances are not known, there are neither.
    seed
        Of the sample: the keys with the lowest hashes.
    """
    found: dict[int, _Candidates] = {}
    for block in assignments.blocks():
        columns = (column.to_pylist() for column in assignments.read(block).columns)
        for key, cluster, distance in zip(*columns, strict=True):
            if cluster not in found:
                found[cluster] = _Candidates(count)
            found[cluster].add(key, distance, seed)
    return [Members(number, own.size, own.shown()) for number, own in sorted(found.items())]


class _Candidates:
    """Images of one cluster that may be shown."""

    def __init__(self, count: int) -> None:
        some = max(1, count // 3)
        self.size = 0
        self._least = {name: _Least(count if name == "random" else some) for name in GROUPS}

    def add(self, key: str, distance: float | None, seed: int) -> None:
        self.size += 1
        digest = hashlib.sha256(f"{seed} {key}".encode()).digest()
        self._least["random"].add((int.from_bytes(digest[:8]), key))
        if distance is not None:
            self._least["nearest"].add((distance, key))
            self._least["farthest"].add((-distance, key))

    def shown(self) -> dict[str, list[str]]:
        """Return keys by group, each in the first one that it is in."""
        taken: set[str] = set()
        shown = {}
        for name, least in self._least.items():
            own = [key for key in least.first() if key not in taken]
            taken.update(own)
            if own:
                shown[name] = own
        return shown


class _Least:
    """The least of many (number, key), so many at most."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._items: list[tuple[float, str]] = []

    def add(self, item: tuple[float, str]) -> None:
        self._items.append(item)
        if len(self._items) > 8 * self._count:
            self._items = heapq.nsmallest(self._count, self._items)

    def first(self) -> list[str]:
        """Return their keys, the least first."""
        return [key for _number, key in heapq.nsmallest(self._count, self._items)]
