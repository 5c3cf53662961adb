"""The values that the reader of PubMed's XML returns: frozen, without an XML tree."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Term:
    """A MeSH term.

    Parameters
    ----------
    ui
        Unique id, such as ``D008545``.
    """

    name: str
    ui: str | None
    is_major: bool = False


@dataclass(frozen=True, slots=True)
class Heading:
    """A descriptor with the qualifiers that narrow it."""

    descriptor: Term
    qualifiers: tuple[Term, ...] = ()

    @property
    def is_major(self) -> bool:
        """Whether the heading is a main topic of the article."""
        return self.descriptor.is_major or any(term.is_major for term in self.qualifiers)


@dataclass(frozen=True, slots=True)
class Section:
    """A section of an abstract.

    Parameters
    ----------
    label, category
        The heading as printed, and NLM's category; ``None`` in an abstract without headings.
    """

    label: str | None
    category: str | None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """One PubMed record.

    Parameters
    ----------
    kind
        ``article``, ``book``, or ``deleted`` if PubMed withdrew it.
    pmcid
        Number in PMC.
    doi
        In lower case.
    digest
        Digest of the fields other than the ids.
    """

    pmid: int
    version: int = 1
    kind: str = "article"
    pmcid: int | None = None
    doi: str | None = None
    headings: tuple[Heading, ...] = ()
    publication_types: tuple[Term, ...] = ()
    abstract: tuple[Section, ...] = ()
    keywords: tuple[str, ...] = ()
    digest: bytes = b""
