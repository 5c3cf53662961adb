"""Finds pairs of near hashes without comparing all, and the groups that pairs connect.

A hash of 64 bits is cut into eight bytes. Two hashes of which any three bytes are equal meet in one
of the 56 tables of three bytes, each of which is sorted, compared and forgotten.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

Hashes = np.ndarray[Any, np.dtype[np.uint64]]
Numbers = np.ndarray[Any, np.dtype[np.int64]]

MOST_BITS = 8
"""Bits by which the hashes of copies differ, at most."""

_BYTES, _EQUAL = 8, 3
_SHIFT = 4  # bits of a distance
_AHEAD = 64  # entries of a table with which each is compared, at most


def near_pairs(hashes: Hashes, mirrored: Hashes) -> tuple[Numbers, Numbers, Numbers]:
    """Return first, second and distance of images whose hashes differ in at most 8 bits.

    Pairs with three equal bytes are found: all that differ in up to 5 bits, and fewer with each
    bit more. Of images with one hash, each is paired with the first of them alone.

    Parameters
    ----------
    hashes, mirrored
        The hashes of the images, and of their mirror images; uint64 (images,).

    Examples
    --------
    >>> hashes = np.array([7, 6, 2**40 - 1], np.uint64)
    >>> [part.tolist() for part in near_pairs(hashes, ~hashes)]
    [[0], [1], [1]]
    """
    count, values = len(hashes), np.concatenate([hashes, mirrored])
    unique, firsts, inverse = np.unique(values, return_index=True, return_inverse=True)
    leaders = firsts[inverse]
    later = np.flatnonzero(leaders != np.arange(len(values)))
    found = [_packed(leaders[later], later, np.zeros(len(later), np.int64), count)]
    for chosen in combinations(range(_BYTES), _EQUAL):
        for first, second in _meeting(unique, chosen):
            distance = np.bitwise_count(unique[first] ^ unique[second])
            near = distance <= MOST_BITS
            ends = firsts[first[near]], firsts[second[near]]
            found.append(_packed(*ends, distance[near].astype(np.int64), count))
    packed = np.unique(np.concatenate(found))  # a pair, and its least distance first
    pairs, places = np.unique(packed >> _SHIFT, return_index=True)
    return pairs // count, pairs % count, packed[places] & (2**_SHIFT - 1)


def _meeting(hashes: Hashes, chosen: tuple[int, ...]) -> Iterator[tuple[Numbers, Numbers]]:
    """Yield the places of hashes that have the same bytes at the chosen positions."""
    parts = hashes[:, None].view(np.uint8)
    keys = np.zeros(len(hashes), np.uint32)
    for position in chosen:
        keys = (keys << np.uint32(8)) | parts[:, position]
    order = np.argsort(keys)
    keys = keys[order]
    for step in range(1, _AHEAD):
        same = np.flatnonzero(keys[step:] == keys[:-step])
        if not len(same):
            break
        yield order[same], order[same + step]


def _packed(first: Numbers, second: Numbers, distance: Numbers, count: int) -> Numbers:
    """Return pairs of entries as numbers: two images in order, then the distance."""
    first, second = first % count, second % count  # an entry may be of a mirror image
    low, high = np.minimum(first, second), np.maximum(first, second)
    packed = ((low * count + high) << _SHIFT) | distance
    return np.asarray(packed[low != high], np.int64)


def groups_of(count: int, first: Numbers, second: Numbers) -> Numbers:
    """Return the number of the group of each image: the least image that pairs connect it with."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    links = coo_array((np.ones(len(first), bool), (first, second)), shape=(count, count))
    _, component = connected_components(links, directed=False)
    _, least = np.unique(component, return_index=True)
    return np.asarray(least[component], np.int64)
