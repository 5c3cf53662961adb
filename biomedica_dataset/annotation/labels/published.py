"""Reads the cluster labels and taxonomies that the original project published."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biomedica_dataset.errors import UsageError

from .votes import Vote

if TYPE_CHECKING:
    from .taxonomy import Taxonomy

LABELS = "cluster_labels.json"
TAXONOMIES = ("taxonomy_collapsed_and_filtered.json", "expert_derived_taxonomy.json")
ANNOTATOR = "published"
_NAMES = {"panel_type": "panel_type", "panel_subtype": "panel_subtype",
          "global_class": "primary", "local_class": "secondary"}  # fmt: skip
_AMBIGUOUS = "ambiguous"


@dataclass(slots=True)
class Published:
    """The published labels, and how their names differ from the taxonomy.

    Parameters
    ----------
    synonyms
        Published names that are synonyms here, with the name they stand for.
    moved
        Local concepts with another global concept here: the published one and ours.
    unknown
        Names missing from the taxonomy.
    used
        Number of clusters that use each name.
    """

    votes: list[Vote] = field(default_factory=list)
    clusters: int = 0
    synonyms: dict[str, str] = field(default_factory=dict)
    moved: dict[str, tuple[str, str]] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)
    used: Counter[str] = field(default_factory=Counter)

    def lines(self) -> Iterator[str]:
        """Yield a report on the names, as lines of Markdown."""
        sections = (
            ("Near-synonyms, merged", self.synonyms,
             lambda name: f"{name!r} is {self.synonyms[name]!r}"),
            ("Local concepts with another global concept here", self.moved,
             lambda name: "{!r}: {!r} there, {!r} here".format(name, *self.moved[name])),
            ("Names missing from the taxonomy", self.unknown, repr),
        )  # fmt: skip
        for title, names, describe in sections:
            if names:
                yield ""
                yield f"## {title}"
                for name in sorted(names):
                    yield f"- {describe(name)}, in {self.used[name]:,} clusters"


def read_published(folder: str | os.PathLike[str], taxonomy: Taxonomy, clusters: str) -> Published:
    """Return the published labels as votes of one annotator; the real ones are unknown.

    Parameters
    ----------
    folder
        Holds ``cluster_labels.json`` and, optionally, the released taxonomies to compare.
    clusters
        Digest of the clusters.

    Raises
    ------
    UsageError
        A file is missing or is not the published one.
    """
    path = Path(folder) / LABELS
    try:
        stored: dict[str, dict[str, Any]] = json.loads(path.read_bytes())
        found = Published(clusters=max(map(int, stored)) + 1)
        for number, entry in sorted(stored.items(), key=lambda item: int(item[0])):
            answers = {ours: entry[name] for name, ours in _NAMES.items()}
            _read(int(number), answers, found, taxonomy, clusters)
        for name in TAXONOMIES:
            path = Path(folder) / name
            if path.is_file():
                _compare(json.loads(path.read_bytes()), found, taxonomy)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, UsageError):
            raise
        msg = f"{path} is not the published file: {error!r}"
        raise UsageError(msg) from error
    return found


def _read(
    cluster: int, entry: dict[str, Any], found: Published, taxonomy: Taxonomy, clusters: str
) -> None:
    def vote(question: str, answer: Any) -> None:
        cast = Vote(
            annotator=ANNOTATOR, cluster=cluster, question=question, answer=answer,
            taxonomy=taxonomy.digest, clusters=clusters,
        )  # fmt: skip
        found.votes.append(cast)

    for question, given in entry.items():
        names = given if isinstance(given, list) else [given]
        found.used.update(text for text in names if text.casefold() != _AMBIGUOUS)
        known = [name for text in names if (name := _known(question, text, found, taxonomy))]
        if any(text.casefold() == _AMBIGUOUS for text in names):
            vote("ambiguous", answer=True)
        if known:
            vote(question, known if isinstance(given, list) else known[0])


def _compare(concepts: dict[str, list[str]], found: Published, taxonomy: Taxonomy) -> None:
    """Record where a taxonomy, local concepts by global concept, differs from ours."""
    for theirs, names in concepts.items():
        concept = _known("primary", theirs, found, taxonomy)
        for text in names:
            name = _known("secondary", text, found, taxonomy)
            if concept and name and (ours := taxonomy.primary_of(name)) != concept:
                found.moved[text] = theirs, ours


def _known(question: str, text: str, found: Published, taxonomy: Taxonomy) -> str | None:
    if text.casefold() == _AMBIGUOUS:
        return None
    try:
        name = taxonomy.resolve(question, text)
    except UsageError:
        found.unknown.add(text)
        return None
    if name.casefold() != text.casefold():
        found.synonyms[text] = name
    return name
