"""What a query asks for, and where its words stand in a text."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from biomedica_dataset.errors import UsageError
from biomedica_dataset.extras import require

FIELDS = ("caption", "title", "context", "terms")
"""Caption; title of the article; sentences that cite the figure; MeSH terms, keywords, labels."""

MOST_WORDS = 2000
_LONGEST_WORD = 40
_FRAGMENT = 240  # characters of a snippet
_PART = re.compile(rf'(?:({"|".join(FIELDS)}):)?(?:"([^"]*)"?|([^\s"]+))', re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that a query asks for.

    Parameters
    ----------
    words
        Each with its place among the words of the phrase, without stop words.
    field
        The only field to search; ``None`` for all.
    is_quoted
        Whether they must stand in a row.
    """

    words: tuple[tuple[int, str], ...]
    field: str | None
    is_quoted: bool


@dataclass(frozen=True, slots=True)
class Snippet:
    """A piece of a text with words of the query.

    Parameters
    ----------
    marks
        Where these begin and end in it.
    """

    text: str
    marks: tuple[tuple[int, int], ...] = ()

    def __str__(self) -> str:
        """Return the text with asterisks around the words.

        Examples
        --------
        >>> print(Snippet("Stained cells.", ((8, 13),)))
        Stained *cells*.
        """
        return "".join(f"*{text}*" if is_word else text for text, is_word in self.pieces())

    def pieces(self) -> list[tuple[str, bool]]:
        """Return the text in pieces, each with whether it is a word of the query.

        Examples
        --------
        >>> Snippet("Stained cells.", ((8, 13),)).pieces()
        [('Stained ', False), ('cells', True), ('.', False)]
        """
        made, at = [], 0
        for start, end in self.marks:
            made += [(self.text[at:start], False), (self.text[start:end], True)]
            at = end
        return [piece for piece in [*made, (self.text[at:], False)] if piece[0]]


def make_analyzer() -> Any:
    """Return what turns a text into stems for tantivy."""
    tantivy = require("tantivy", "search")
    steps = tantivy.Filter
    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
    for step in (
        steps.remove_long(_LONGEST_WORD), steps.lowercase(), steps.ascii_fold(),
        steps.stopword("english"), steps.stemmer("english"),
    ):  # fmt: skip
        builder = builder.filter(step)
    return builder.build()


def parse_query(query: str, stem: Callable[[str], list[str]]) -> list[Phrase]:
    """Return what a query asks for.

    Parameters
    ----------
    stem
        Returns the stems of a text.

    Raises
    ------
    UsageError
        It has too many words, or none to search for.

    Examples
    --------
    >>> for phrase in parse_query('title:IL-2 "T cells', lambda text: text.lower().split()):
    ...     print(phrase.field, phrase.words)
    title ((0, 'il'),)
    title ((0, '2'),)
    None ((0, 't'), (1, 'cells'))
    """
    if len(_WORD.findall(query)) > MOST_WORDS:
        msg = f"the query has more than {MOST_WORDS:,} words; shorten it"
        raise UsageError(msg)
    phrases = []
    for field, quoted, plain in _PART.findall(query):
        found = _WORD.findall(quoted or plain)
        stems = [(at, one) for at, word in enumerate(found) for one in stem(word)]
        if quoted and len(stems) > 1:
            phrases.append(Phrase(tuple(stems), field.lower() or None, is_quoted=True))
        else:
            phrases += [Phrase(((0, one),), field.lower() or None, False) for _, one in stems]  # noqa: FBT003
    if not phrases:
        what = "has no word" if not _WORD.search(query) else "has only common words"
        msg = f"the query {query[:80]!r} {what}; give a word to search for"
        raise UsageError(msg)
    return list(dict.fromkeys(phrases))


def snippet(text: str, stems: set[str], stem: Callable[[str], list[str]]) -> Snippet:
    """Return the piece of a text with most of the words of a query, or its beginning.

    Examples
    --------
    >>> print(snippet("A cell. " * 40 + "Stained nuclei.", {"nuclei"}, lambda text: [text]))
    … cell. A cell. ... Stained *nuclei*.
    """
    text = " ".join(text.split())
    places = [one.span() for one in _WORD.finditer(text)]
    places = [(a, b) for a, b in places if not stems.isdisjoint(stem(text[a:b]))]
    if len(text) <= _FRAGMENT:
        return Snippet(text, tuple(places))
    starts = [start for start, _ in places] or [0]
    counts = [sum(start <= one < start + _FRAGMENT - 40 for one in starts) for start in starts]
    start = max(0, starts[counts.index(max(counts))] - 40)
    start = text.find(" ", start) + 1 if start else 0
    end = text.rfind(" ", start, start + _FRAGMENT) if start + _FRAGMENT < len(text) else len(text)
    end = end if end > start else min(len(text), start + _FRAGMENT)
    before, after = "… " if start else "", " …" if end < len(text) else ""
    shift = len(before) - start
    marks = tuple((a + shift, b + shift) for a, b in places if start <= a and b <= end)
    return Snippet(f"{before}{text[start:end]}{after}", marks)
