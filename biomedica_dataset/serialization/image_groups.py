"""Articles that share an image, as groups: connected through equal bytes or through copies."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from biomedica_dataset.archive.layout import AGAIN, articles_name
from biomedica_dataset.keys import pmcid

if TYPE_CHECKING:
    from biomedica_dataset.annotation.duplicates.copies import Duplicates
    from biomedica_dataset.archive.ledger import Archive
    from biomedica_dataset.io.folders import Folder

    Numbers = np.ndarray[Any, np.dtype[np.int64]]

_LEAVES = ("images.list.element.md5", "images.list.element.status")


def _none() -> Numbers:
    return np.zeros(0, np.int64)


@dataclass(frozen=True, eq=False)
class ImageGroups:
    """The groups of an archive that have two articles or more.

    They follow from the archive alone, so that every part of a run finds the same.

    Parameters
    ----------
    pmcids
        The articles in groups, ascending; int64 (articles,).
    leaders
        The least PMCID of the group of each; int64 (articles,).
    """

    pmcids: Numbers = field(default_factory=_none)
    leaders: Numbers = field(default_factory=_none)

    def leader(self, pmcid: int) -> int:
        """Return the least PMCID of an article's group: its own if it shares no image."""
        place = int(np.searchsorted(self.pmcids, pmcid))
        is_there = place < len(self.pmcids) and self.pmcids[place] == pmcid
        return int(self.leaders[place]) if is_there else pmcid

    def digest(self, first: int, after: int) -> str:
        """Return a digest of the leaders of articles with ``first`` <= PMCID < ``after``."""
        own = slice(*np.searchsorted(self.pmcids, [first, after]))
        parts = np.concatenate([self.pmcids[own], self.leaders[own]]).astype("<i8")
        return hashlib.sha256(parts.tobytes()).hexdigest()

    def sizes(self) -> dict[str, int]:
        """Return how many groups there are, with how many articles, and those of the largest."""
        _, counts = np.unique(self.leaders, return_counts=True)
        found = {"groups": len(counts), "articles": len(self.pmcids)}
        return found | {"largest": int(counts.max(initial=0))}


def find_groups(archive: Archive) -> ImageGroups:
    """Return the groups of an archive, from the MD5s in its ledgers."""
    parts = list(archive.folder.map(partial(_digests, archive.folder), archive.blocks()))
    if not parts:
        return ImageGroups()
    return group(*(np.concatenate(own) for own in zip(*parts, strict=True)))


def groups_of_duplicates(found: Duplicates) -> ImageGroups:
    """Return the articles that groups of copies connect."""
    table = found.read_all(["key", "keeper", "size"])
    table = table.filter(pc.greater(table["size"], 1))
    keepers = table["keeper"].combine_chunks().dictionary_encode().indices
    pmcids = np.fromiter(map(pmcid, table["key"].to_pylist()), np.int64, len(table))
    return group(pmcids, keepers.to_numpy().astype(np.int64))


def _digests(folder: Folder, block: int) -> tuple[Numbers, Numbers]:
    """Return the PMCID of each kept image of a block, and 8 bytes of its MD5."""
    name = articles_name(block)
    with folder.reading(name, AGAIN) as file:
        table = pq.ParquetFile(file).read(["pmcid", "status", *_LEAVES])
    table = table.filter(pc.equal(table["status"], "kept"))
    images = table["images"].combine_chunks()
    pmcids = table["pmcid"].to_numpy()[pc.list_parent_indices(images).to_numpy()]
    entries = images.flatten()
    is_kept = pc.equal(entries.field("status"), "kept").to_numpy(zero_copy_only=False)
    texts = entries.field("md5").to_pylist()
    found = [(p, t) for p, t, k in zip(pmcids.tolist(), texts, is_kept, strict=True) if k and t]
    digests = [int.from_bytes(bytes.fromhex(text[:16]), signed=True) for _pmcid, text in found]
    return np.array([p for p, _text in found], np.int64), np.array(digests, np.int64)


def group(pmcids: Numbers, digests: Numbers) -> ImageGroups:
    """Return the groups of articles with equal digests.

    Parameters
    ----------
    pmcids, digests
        The article and the digest of each image; int64 (images,).

    Examples
    --------
    >>> groups = group(np.array([7, 3, 3, 5, 9]), np.array([1, 1, 2, 2, 4]))
    >>> groups.leader(7), groups.leader(9), groups.sizes()
    (3, 9, {'groups': 1, 'articles': 3, 'largest': 3})
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    order = np.lexsort((pmcids, digests))
    pmcids, digests = pmcids[order], digests[order]
    is_shared = (digests[1:] == digests[:-1]) & (pmcids[1:] != pmcids[:-1])
    ends = np.stack([pmcids[:-1][is_shared], pmcids[1:][is_shared]])
    articles, places = np.unique(ends, return_inverse=True)
    if not len(articles):
        return ImageGroups()
    first, second = places.reshape(2, -1)
    links = coo_array((np.ones(len(first), bool), (first, second)), shape=(len(articles),) * 2)
    _, component = connected_components(links, directed=False)
    _, least = np.unique(component, return_index=True)  # articles are ascending
    return ImageGroups(articles, articles[least][component])
