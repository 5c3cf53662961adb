"""What the elements and the caption of a figure say about its rights."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from biomedica_dataset.jats.text import text_of, tidy
from biomedica_dataset.jats.tree import markup, pieces
from biomedica_dataset.licenses import License

from .credits import Credits
from .judges import is_holder, is_source
from .licenses import license_in, strictest
from .owners import Owners
from .phrases import RESERVED

if TYPE_CHECKING:
    from lxml.etree import _Element

    TextOf = Callable[[_Element], str | None]

_AROUND = ("fig-group", "table-wrap-group", "table-wrap", "boxed-text", "supplementary-material")
_NOTE = re.compile(
    r"\W*(?:notes?|abbreviations?|fig(?:ure|ura)?s?\b|tab(?:le|ela)|legend|key|doi\b|[a-z]\))",
    re.IGNORECASE,
)
_OF_DATA = re.compile(
    r"\b(?:data\w*|code|software)\b[^.]{0,100}(?:licen[cs]e|\bCC[ -]?(?:0|BY)|creative commons)",
    re.IGNORECASE,
)
_RESERVED = re.compile(RESERVED, re.IGNORECASE)
_ELEMENTS = frozenset({
    "label", "caption", "trans-caption", "alternatives", "p", "attrib", "permissions", "abstract",
    "kwd-group", "ext-link", "uri", "email",
})  # fmt: skip
_LICENSES = ("license", "{http://www.niso.org/schemas/ali/1.0/}license_ref")
_STATEMENTS = ("copyright-statement", "copyright-holder", *_LICENSES)
_LONGEST = 200  # characters of an ``<attrib>`` that only names a source


class Rights(NamedTuple):
    """The rights on a figure.

    Parameters
    ----------
    license
        Its own licence; ``None`` if it has that of the article, ``License(None)`` if it is not
        understood or another holds the rights.
    credit
        The sentence that credits someone other than the article's authors.
    """

    license: License | None
    credit: str | None


class _Claim(NamedTuple):
    """What one statement says, and whether its licence is that of the whole figure."""

    license: License | None
    credit: str | None = None
    whole: bool = False


class FigureRights:
    """Reads the rights on the figures of an article.

    Parameters
    ----------
    meta
        Its ``article-meta``.
    text_of
        Returns the clean text of an element, which it may hold already.
    """

    def __init__(self, meta: _Element, text_of: TextOf) -> None:
        self._text_of = text_of
        self._owners = Owners(meta)
        self._credits = Credits(self._owners.named_in)
        self._around: dict[_Element, list[_Claim]] = {}
        self._beside_captions: dict[_Element, list[_Claim]] = {}

    def read(self, owners: tuple[_Element, ...], graphics: list[_Element]) -> Rights:
        """Return the rights on a figure.

        Its caption, loose paragraphs, ``<attrib>``, ``<permissions>`` and the notes of a table
        count, and those of its graphics and of what stands around it. Of contradictory statements
        the narrowest counts.

        Parameters
        ----------
        owners
            The element of the figure, and the one that shares its caption with it, if any.
        """
        owner, *groups = owners
        claims = [claim for element in (owner, *graphics) for claim in self._claims(element)]
        for figure in owner.iterancestors("fig"):  # the caption of which is not about this one
            if figure not in self._beside_captions:
                self._beside_captions[figure] = list(self._beside(figure))
            claims += self._beside_captions[figure]
        for element in dict.fromkeys((*owner.iterancestors(*_AROUND), *groups)):
            if element not in self._around:
                self._around[element] = list(self._claims(element))
            claims += self._around[element]
        return _narrowest(claims)

    def _claims(self, element: _Element) -> Iterator[_Claim]:
        """Yield what the children of an element say."""
        if len(element) == 0 and element.tag != "fig":  # most graphics
            return
        texts = [*element.iterchildren("caption", "trans-caption")]
        if element.tag == "fig":
            texts += element.iterchildren("p")
            bare = text_of(element, without=_ELEMENTS) or ""
            yield from self._of_text(bare, bare)
        for wrapper in element.iterchildren("alternatives", "caption-alternatives"):
            texts += wrapper.iterchildren("caption", "trans-caption")
        for foot in element.iterchildren("table-wrap-foot"):
            texts += foot.iter("p", "attrib")
        for part in texts:
            yield from self._of_element(part)
        yield from self._beside(element)

    def _beside(self, element: _Element) -> Iterator[_Claim]:
        """Yield what the elements beside the caption of an element say."""
        for part in element.iterchildren("attrib"):
            yield from self._of_attribution(part)
        for part in element.iterchildren("permissions"):
            yield self._of_permissions(part)

    def _of_element(self, element: _Element) -> Iterator[_Claim]:
        text = self._text_of(element) or ""
        linked = next(element.iter("ext-link", "uri"), None) is not None
        yield from self._of_text(text, markup(element) if linked else text)

    def _of_text(self, text: str, addresses: str) -> Iterator[_Claim]:
        credits = self._credits.find(text) if text else []
        if len(credits) > 1:
            yield _Claim(license_in(addresses, ""))
            yield from _one_by_one(text, credits)
        elif credits:
            yield _Claim(_license(addresses, text), credits[0][1])
        elif (license := license_in(addresses, text)) and not _OF_DATA.search(text):
            yield _Claim(license)

    def _of_attribution(self, element: _Element) -> Iterator[_Claim]:
        text = self._text_of(element) or ""
        claims = list(self._of_element(element))
        named = any(claim.license or claim.credit for claim in claims)
        short = len(text) <= _LONGEST and not _NOTE.match(text)
        if not named and short and is_source(text, self._owners.named_in):
            claims = [_Claim(None, text)]
        yield from claims

    def _of_permissions(self, element: _Element) -> _Claim:
        """Return the licence and the holder of a ``<permissions>``, other than the article's."""
        licenses, credits = [], []
        for part in element.iterchildren(*_STATEMENTS):
            text = tidy(" ".join(pieces(part))) or ""
            license = _license(markup(part), text) if part.tag in _LICENSES else None
            if self._owners.states(text, license):
                continue
            found = [phrase for _, phrase in self._credits.find(text)]
            if part.tag in _LICENSES:
                licenses.append(license or License(None))
            elif not found and is_holder(text, self._owners.named_in):
                found = [f"© {text}" if part.tag == "copyright-holder" else text]
            credits += found
            licenses += [License(None)] * bool(_RESERVED.search(text))
        return _Claim(strictest(licenses), credits[0] if credits else None, whole=True)


def _license(addresses: str, text: str) -> License | None:
    return License(None) if _RESERVED.search(text) else license_in(addresses, text)


def _one_by_one(text: str, credits: list[tuple[int, str]]) -> Iterator[_Claim]:
    """Yield several credits, each with the licence named between it and the next.

    Those of sentences without others between them are one.
    """
    runs: list[tuple[int, int]] = []
    for start, phrase in sorted(credits):
        joined = runs and not text[runs[-1][1] : start].strip()
        runs.append((runs.pop()[0] if joined else start, start + len(phrase)))
    starts = [0, *(start for start, _ in runs[1:]), len(text)]
    for start, end in pairwise(starts):
        part = text[start:end]
        yield _Claim(_license(part, part), credits[0][1])


def _narrowest(claims: list[_Claim]) -> Rights:
    """Return the rights that several claims leave.

    A credit without a licence leaves none, unless a licence is named for the whole figure.
    """
    licenses = [claim.license for claim in claims if claim.license]
    credits = [claim for claim in claims if claim.credit]
    whole = any(claim.whole and claim.license and claim.license.code for claim in claims)
    if not (whole or all(claim.license for claim in credits) or (len(credits) == 1 and licenses)):
        licenses.append(License(None))
    return Rights(strictest(licenses), credits[0].credit if credits else None)
