"""The taxonomy that experts choose from: the built-in file or one of the user's own."""

from __future__ import annotations

import difflib
import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from biomedica_dataset.errors import UsageError
from biomedica_dataset.io.rules import Form
from biomedica_dataset.io.typed import typed

BUILT_IN = Path(__file__).with_name("data") / "taxonomy.json"
CHOICES = ("panel_type", "panel_subtype", "primary", "secondary")
"""Questions answered with names of the taxonomy."""

_Name = Annotated[
    str, Form(r"[^\x00-\x1f\x7f]{0,200}", "up to 200 characters without control characters")
]


@dataclass(frozen=True, slots=True)
class _Stored:
    """The content of the file of a taxonomy."""

    version: _Name | int
    panel_types: dict[_Name, list[_Name]]
    concepts: dict[_Name, list[_Name]]
    synonyms: dict[_Name, _Name] = field(default_factory=dict)
    about: str = ""


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """Panel types with their subtypes, and global concepts with their local concepts.

    Parameters
    ----------
    panel_subtypes
        Subtypes by panel type.
    secondary
        Local concepts by global concept.
    synonyms
        Alternative names, with the name they stand for.
    digest
        SHA-256 of the content, which votes record.
    """

    version: str
    panel_subtypes: dict[str, list[str]]
    secondary: dict[str, list[str]]
    synonyms: dict[str, str]
    digest: str

    @classmethod
    def load(cls, path: str | os.PathLike[str] | None = None) -> Taxonomy:
        """Read and check a taxonomy.

        Parameters
        ----------
        path
            A JSON file; the built-in one by default.

        Raises
        ------
        UsageError
            It cannot be read or is inconsistent.
        """
        path = Path(path or BUILT_IN)
        try:
            data = path.read_bytes()
        except OSError as error:
            msg = f"the taxonomy {path} cannot be read: {error.strerror or error}"
            raise UsageError(msg) from error
        return cls.parse(data, str(path))

    @classmethod
    def parse(cls, data: bytes, name: str) -> Taxonomy:
        """Return the taxonomy in the content of a file."""
        try:
            stored = typed(_Stored, data)
        except ValueError as error:
            msg = (
                f"the taxonomy {name} cannot be read: {error}; expected JSON with "
                "version, panel_types, concepts and synonyms"
            )
            raise UsageError(msg) from error
        found = cls(
            str(stored.version),
            stored.panel_types,
            stored.concepts,
            {synonym.casefold(): own for synonym, own in stored.synonyms.items()},
            hashlib.sha256(json.dumps(json.loads(data), sort_keys=True).encode()).hexdigest(),
        )
        for problem in found._problems():
            msg = f"the taxonomy {name} is inconsistent: {problem}"
            raise UsageError(msg)
        return found

    def as_json(self) -> dict[str, Any]:
        """Return the content of its file, without the description."""
        return {
            "version": self.version,
            "panel_types": self.panel_subtypes,
            "concepts": self.secondary,
            "synonyms": self.synonyms,
        }

    def names(self, question: str) -> list[str]:
        """Return the possible answers to a question, in order."""
        return {
            "panel_type": list(self.panel_subtypes),
            "panel_subtype": _flat(self.panel_subtypes),
            "primary": list(self.secondary),
            "secondary": _flat(self.secondary),
        }[question]

    def resolve(self, question: str, text: str) -> str:
        """Return the name that a text or synonym stands for, ignoring case.

        Raises
        ------
        UsageError
            There is no such name; the message suggests the nearest.

        Examples
        --------
        >>> Taxonomy.load().resolve("secondary", "Flow diagram")
        'flowchart'
        """
        names = {name.casefold(): name for name in self.names(question)}
        key = text.strip().casefold()
        found = names.get(key) or names.get(self.synonyms.get(key, "").casefold())
        if found is None:
            near = difflib.get_close_matches(key, names, 1, 0.0)
            hint = f"; did you mean {names[near[0]]!r}?" if near else ""
            msg = f"there is no {question} {text[:80]!r} in the taxonomy{hint}"
            raise UsageError(msg)
        return found

    def type_of(self, subtype: str) -> str:
        """Return the panel type of a subtype."""
        return next(kind for kind, names in self.panel_subtypes.items() if subtype in names)

    def primary_of(self, secondary: str) -> str:
        """Return the global concept of a local one."""
        return next(concept for concept, names in self.secondary.items() if secondary in names)

    def _problems(self) -> Iterator[str]:
        for question in CHOICES:
            names = self.names(question)
            folded = Counter(name.casefold() for name in names)
            if not names or not all(name.strip() for name in names):
                yield f"{question} has no names or an empty name"
            repeated = [name for name in names if folded[name.casefold()] > 1]
            if repeated:
                yield f"{question} has {repeated[0]!r} twice"
        everything = {name.casefold() for question in CHOICES for name in self.names(question)}
        for synonym, name in self.synonyms.items():
            if name.casefold() not in everything:
                yield f"{synonym!r} stands for {name!r}, which does not exist"
            if synonym in everything:
                yield f"{synonym!r} is both a name and a synonym"


def _flat(names: Mapping[str, list[str]]) -> list[str]:
    return [name for below in names.values() for name in below]
