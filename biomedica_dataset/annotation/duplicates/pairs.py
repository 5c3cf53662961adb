"""Finds pairs of near hashes without comparing all, and the groups that pairs connect.

A hash of 64 bits is cut into eight bytes. In each of 14 tables, hashes meet that have four of the
bytes equal. The fours are a Steiner system: whichever three bytes differ, one of the fours has none
of them, so that all hashes that differ in up to three bits meet.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from itertools import combinations
from operator import xor
from typing import Any

import numpy as np

from biomedica_dataset.images.windows import NONE, upright

Hashes = np.ndarray[Any, np.dtype[np.uint64]]
Numbers = np.ndarray[Any, np.dtype[np.int64]]

MOST_BITS = 8
"""Bits by which the hashes of copies differ, at most."""

_FOURS = [four for four in combinations(range(8), 4) if reduce(xor, four) == 0]
_AHEAD = 64  # entries of a table with which each is compared, at most
_TOGETHER = 2**24  # entries of a table that are sorted at once
_MIRRORED, _WINDOW, _DISTANCE = 1, 3, 4  # bits of a packed pair


@dataclass(frozen=True, slots=True)
class NearPairs:
    """Pairs of images that have a window with a near hash, each pair once.

    Parameters
    ----------
    first, second
        The images, the lesser number first; int64 (pairs,), as all others.
    distance
        Bits by which the nearest hashes differ.
    own, other
        Their windows, as places in `WINDOWS`.
    mirrored
        1 where the second shows the mirror image.
    """

    first: Numbers
    second: Numbers
    distance: Numbers
    own: Numbers
    other: Numbers
    mirrored: Numbers

    def where(self, chosen: Any) -> NearPairs:
        """Return some of the pairs."""
        return NearPairs(*(getattr(self, name)[chosen] for name in self.__slots__))


def near_pairs(windows: Hashes, apart: int = 0) -> NearPairs:
    """Return the images of which a window differs in at most 8 bits from one of another.

    Pairs with four equal bytes are found: all that differ in up to three bits, and fewer with each
    bit more.

    Parameters
    ----------
    windows
        The hashes of the windows of images, uint64 (images, windows); `NONE` meets no other.
    apart
        If not 0, each of so many first images is paired only with images after them.

    Examples
    --------
    >>> hashes = np.full((3, 8), NONE)
    >>> hashes[:, 0] = [2**63 + 7, 2**63 + 6, 2**64 - 1]
    >>> pairs = near_pairs(hashes)
    >>> pairs.first, pairs.second, pairs.distance
    (array([0]), array([1]), array([1]))
    """
    count, each = windows.shape
    hashes, is_mirrored = upright(windows.ravel())
    entries = np.flatnonzero(windows.ravel() != NONE)
    found = [np.zeros(0, np.int64)]
    for chosen in _FOURS:
        for one, two in _meeting(hashes, entries, chosen):
            distance = np.bitwise_count(hashes[one] ^ hashes[two])
            near = (distance <= MOST_BITS) & (one // each != two // each)
            if apart:
                near &= (one < apart * each) != (two < apart * each)
            low, high = np.minimum(one[near], two[near]), np.maximum(one[near], two[near])
            packed = (low // each * count + high // each) << _DISTANCE
            packed = (packed | distance[near]) << _WINDOW | low % each
            packed = (packed << _WINDOW | high % each) << _MIRRORED
            found.append(packed | (is_mirrored[low] ^ is_mirrored[high]))
        found = [np.unique(np.concatenate(found))]
    packed = found[0]  # a pair, and its least distance first
    pairs, places = np.unique(packed >> (_DISTANCE + 2 * _WINDOW + _MIRRORED), return_index=True)
    rest = packed[places]
    mirrored, rest = rest & 1, rest >> _MIRRORED
    other, rest = rest & (2**_WINDOW - 1), rest >> _WINDOW
    own, distance = rest & (2**_WINDOW - 1), (rest >> _WINDOW) & (2**_DISTANCE - 1)
    return NearPairs(pairs // count, pairs % count, distance, own, other, mirrored)


def _meeting(
    hashes: Hashes, entries: Numbers, chosen: tuple[int, ...]
) -> Iterator[tuple[Numbers, Numbers]]:
    """Yield entries whose hashes have the same bytes at the chosen positions."""
    parts = hashes[:, None].view(np.uint8)
    keys = np.zeros(len(hashes), np.uint32)
    for position in chosen:
        keys = (keys << np.uint32(8)) | parts[:, position]
    slices = np.uint32(1 + len(entries) // _TOGETHER)
    for number in range(slices):
        there = entries if slices == 1 else entries[keys[entries] % slices == number]
        own = keys[there]
        order = np.argsort(own)
        own, there = own[order], there[order]
        for step in range(1, _AHEAD):
            same = np.flatnonzero(own[step:] == own[:-step])
            if not len(same):
                break
            yield there[same], there[same + step]


def groups_of(count: int, first: Numbers, second: Numbers) -> Numbers:
    """Return the number of the group of each image: the least image that pairs connect it with."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    links = coo_array((np.ones(len(first), bool), (first, second)), shape=(count, count))
    _, component = connected_components(links, directed=False)
    _, least = np.unique(component, return_index=True)
    return np.asarray(least[component], np.int64)
