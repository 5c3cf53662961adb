"""What a probe says of the images of an archive, as files.

::

    PROBE/
      probe.json                encoder of the vectors; width of a block
      blocks/<block>.parquet    key, and the probability of each concept
      concepts.json             each concept: threshold, and how it does on the audit; written last
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import chain, count
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import pyarrow as pa

from biomedica_dataset.annotation.blocks import BlockTables
from biomedica_dataset.annotation.labels.agreement import wilson
from biomedica_dataset.annotation.labels.audit import Purity
from biomedica_dataset.io.rules import PAIR_KEY, Between, Count, Form, OneOf, Positive, Sha256
from biomedica_dataset.io.tables import Column
from biomedica_dataset.io.typed import read_json
from biomedica_dataset.keys import pmcid

from .examples import QUESTIONS

if TYPE_CHECKING:
    from biomedica_dataset.annotation.labels.taxonomy import Taxonomy
    from biomedica_dataset.io.folders import Folder

CONCEPTS = "concepts.json"
_SHARE = Between(0, 1)
_LONGEST = 60  # characters of the name of a column
_COLUMN = Form("[a-z][a-z0-9_]{0,63}", "small letters, digits and _, such as primary_maps")
_AGAIN = "Run `biomedica annotate probe` again."


@dataclass(frozen=True, slots=True)
class ProbeHeader:
    """PMCIDs per block, and the encoder of the vectors.

    Parameters
    ----------
    embeddings
        Digest of the identity of the encoder.
    model
        That identity in words.
    """

    width: Positive
    embeddings: Sha256
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hits:
    """How labels of one concept do on audited images of which it is known whether they show it.

    Parameters
    ----------
    labelled
        Images that get the label.
    right
        Those of them that show the concept.
    shown
        All images that show it.
    """

    labelled: Count
    right: Count
    shown: Count

    def __str__(self) -> str:
        """Return precision and recall with their 95 % Wilson intervals."""
        precision, recall = _share(self.right, self.labelled), _share(self.right, self.shown)
        return f"precision {precision}, recall {recall}"


def _share(part: int, of: int) -> str:
    if not of:
        return "unknown"
    low, high = wilson(part, of)
    return f"{part / of:.0%} ({low:.0%} to {high:.0%}) of {of:,}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Concept:
    """A concept of the taxonomy that the probe knows.

    Parameters
    ----------
    column
        The column of its probability.
    parent
        The global concept of a local one, without which it is no label.
    examples, positive
        Images that it was trained on, and those of them that experts said it of.
    threshold
        Least probability of a label; ``None`` if none is precise enough, or the audit too small.
    probe, clusters
        Labels of the probe, cross-validated by article, and labels handed down by clusters.
    """

    question: Annotated[str, OneOf(QUESTIONS)]
    name: str
    column: Annotated[str, _COLUMN]
    parent: str | None
    examples: Count
    positive: Count
    threshold: Annotated[float, _SHARE] | None
    probe: Hits
    clusters: Hits


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """The content of ``concepts.json``.

    Parameters
    ----------
    state
        Fingerprint of what the probe was made of.
    precision
        The stated precision.
    images, audited, tried
        Labelled images, audited ones, and concepts, by outcome.
    """

    state: Sha256
    precision: Annotated[float, _SHARE]
    images: dict[str, Count]
    audited: Count
    tried: dict[str, Count]
    concepts: list[Concept]


class Probe(BlockTables[ProbeHeader]):
    """Probabilities of concepts for each image with a vector, and the labels that follow."""

    what, name, header_type = "a folder of a probe", "probe.json", ProbeHeader

    @cached_property
    def trained(self) -> Trained:
        """What the probe was trained on, and its concepts."""
        return read_json(self.folder, CONCEPTS, Trained, _AGAIN)

    @property
    def concepts(self) -> list[Concept]:
        """The concepts."""
        return self.trained.concepts

    @property
    def columns(self) -> dict[str, Column]:
        """What the columns of a block may hold."""
        chance = Column(type=pa.float32(), rule=_SHARE)
        keys = Column(type=pa.string(), rule=PAIR_KEY, is_unique=True)
        return {"key": keys, **{one.column: chance for one in self.concepts}}

    @property
    def made(self) -> str:
        """What the tables are, for the card."""
        return (
            f"probabilities of {len(self.concepts)} concepts by a probe of {self.header.model}, "
            f"{self.trained.state[:16]}"
        )

    def difference(self, header: ProbeHeader) -> str:
        """Return why the folder cannot take probabilities of other vectors."""
        return (
            f"{self.folder.url} is a probe of vectors of {self.header.model}, in blocks of "
            f"{self.width} PMCIDs; these are of {header.model}, in blocks of {header.width}: name "
            "another folder"
        )

    def labels(self, first: int, after: int) -> dict[str, dict[str, Any]]:
        """Return the labels of the images of articles ``first`` <= PMCID < ``after``, by key.

        Images without a label are left out.
        """
        wanted = range(first // self.width, -(-after // self.width))
        blocks = [block for block in self.blocks() if block in wanted]
        rows = (row for block in blocks for row in self._labels(block).items())
        return {key: one for key, one in rows if first <= pmcid(key) < after}

    def _labels(self, block: int) -> dict[str, dict[str, Any]]:
        own = [one for one in self.concepts if one.threshold is not None]
        table = self.read(block, ["key", *(one.column for one in own)])
        keys = table["key"].to_pylist()
        found: dict[str, dict[str, Any]] = {}
        surest = np.zeros(len(keys), np.float32)
        for one in sorted(own, key=lambda one: (QUESTIONS.index(one.question), one.name)):
            chances = table[one.column].to_numpy()
            for row in np.flatnonzero(chances >= one.threshold):
                given = found.setdefault(keys[row], {})
                if one.question == "panel_type":
                    if chances[row] > surest[row]:
                        surest[row], given["image_panel_type"] = chances[row], one.name
                elif one.parent is None or one.parent in given.get("image_primary_label", []):
                    given.setdefault(f"image_{one.question}_label", []).append(one.name)
        return {key: given for key, given in found.items() if given}

    def digest(self, first: int, after: int) -> str:
        """Return a digest that changes when any of those labels changes."""
        rows = sorted(self.labels(first, after).items())
        return hashlib.sha256(json.dumps(rows).encode()).hexdigest()

    def audit(self) -> list[Purity]:
        """Return for how many audited images the labels are right, of all and of each concept."""
        own = [one for one in self.concepts if one.threshold is not None and one.probe.labelled]
        found = []
        for question in QUESTIONS:
            hits = [(one.name, one.probe) for one in own if one.question == question]
            counts = [(name, one.labelled, one.right) for name, one in hits]
            if counts:
                every = "all", sum(n for _, n, _ in counts), sum(n for *_, n in counts)
                found += [
                    Purity(f"fits_{question}", name, images, right, *wilson(right, images))
                    for name, images, right in [every, *counts]
                ]
        return found


def named_columns(taxonomy: Taxonomy) -> dict[tuple[str, str], str]:
    """Return the column of each concept of a taxonomy, by question and name.

    Examples
    --------
    >>> from biomedica_dataset.annotation.labels.taxonomy import Taxonomy
    >>> named_columns(Taxonomy.load())["primary", "Plots and Charts"]
    'primary_plots_and_charts'
    """
    columns: dict[tuple[str, str], str] = {}
    for question in QUESTIONS:
        for name in taxonomy.names(question):
            plain = re.sub("[^a-z0-9]+", "_", f"{question}_{name}".lower())[:_LONGEST].strip("_")
            names = chain([plain], (f"{plain}_{number}" for number in count(2)))
            columns[question, name] = next(n for n in names if n not in columns.values())
    return columns


def write_concepts(folder: Folder, trained: Trained) -> None:
    """Write the concepts, which makes a folder whole."""
    data = json.dumps(asdict(trained), indent=1, ensure_ascii=False).encode()
    folder.write_bytes(CONCEPTS, data)
