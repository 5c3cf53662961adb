"""The XML of an invented article."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from lxml import etree

from .contents import Article, Figure, License, Section, paragraphs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE article PUBLIC "-//NLM//DTD JATS (Z39.96) Journal Archiving and Interchange DTD v1.3 \
20210610//EN" "JATS-archivearticle1-3-mathml3.dtd">
"""
_SPACES = (
    'xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:mml="http://www.w3.org/1998/Math/MathML" '
    'xmlns:ali="http://www.niso.org/schemas/ali/1.0/"'
)
_MARKER = re.compile(r"\[\[([\w. -]+?)(?:\|([^\[\]]*))?\]\]")
_FAMILIES = (
    "Abelmark", "Brindlow", "Castoway", "Dunmere", "Eskolan", "Farrowby", "Galtonei", "Hindevall",
    "Ivarsen", "Jorvanen", "Kestrelli", "Lindquarry", "Morvannes", "Nettlefold", "Oakenridge",
    "Pellagrin", "Quillfeather", "Rosenmoor", "Satterlin", "Tolvarez",
)  # fmt: skip
_GIVEN = ("Ada", "Bruno", "Chiara", "Daniel", "Elif", "Farid", "Grace", "Hugo", "Ines", "Jonas")
_STUDIES = (
    "{}: a review of methods and pitfalls", "A multicentre cohort study of {}",
    "Measuring {} in routine practice", "Mechanisms behind {}", "Open data on {}",
    "What changes {} over time?", "Agreement between readers in {}", "An atlas of {}",
)  # fmt: skip
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NOTE = (
    "This article, its authors, its data and its images were invented as a sample for the "
    "biomedica-dataset package. Nothing in it is a finding."
)


def article_xml(article: Article, rng: Random) -> bytes:
    """Write an article as JATS.

    Parameters
    ----------
    article
        The contents.
    rng
        Chooses authors and references.

    Returns
    -------
    bytes
        A whole XML file in UTF-8.
    """
    body = _sections(article.body, "sec")
    texts = body + article.front + article.tail + "".join(f.inside for f in article.figures)
    marked = {name for name, words in _MARKER.findall(texts) if not words}
    floats = "".join(f"[[{f.id}]]" for f in article.figures if f.id not in marked)
    parts = (
        f'<article {_SPACES} article-type="{article.article_type}" dtd-version="1.3" '
        f'xml:lang="{article.language}">',
        _front(article, rng),
        f"<body>{body}</body>",
        f"<back>{_references(article, rng)}<notes><p>{_NOTE}</p></notes></back>",
        f"<floats-group>{floats}</floats-group>" if floats else "",
        article.tail,
        "</article>",
    )
    return (_HEAD + _fill("".join(parts), article.figures) + "\n").encode()


def plain_text(xml: bytes) -> bytes:
    """Give the titles and paragraphs of an article, a line each, as the bucket's .txt has them."""
    root = etree.fromstring(xml)
    lines = ["==== Front"]
    for element in root.iter("article-title", "body", "title", "p", "back"):
        if element.tag in ("body", "back"):
            lines += ["", f"==== {str(element.tag).title()}"]
        else:
            words = element.xpath("string()")
            lines.append(" ".join(str(words).split()))
    return ("\n".join(lines) + "\n").encode()


def citation(article: Article) -> str:
    """Cite an article the way the metadata JSON does."""
    year, *rest = article.date.split("-")
    when = " ".join(
        [year, *(_MONTHS[int(m) - 1] for m in rest[:1]), *(str(int(d)) for d in rest[1:])]
    )
    return (
        f"{article.journal}. {when};{_volume(article)}:e{article.pmcid % 10000}. doi: {article.doi}"
    )


def _volume(article: Article) -> int:
    return int(article.date[:4]) - 2011


def _fill(text: str, figures: Sequence[Figure]) -> str:
    """Replace the markers, also those in the figures that were put in."""
    known = {figure.id: figure for figure in figures}

    def replace(found: re.Match[str]) -> str:
        name, words = found[1], found[2]
        if name.startswith("R"):
            return f'<xref ref-type="bibr" rid="{name}">{words or name[1:]}</xref>'
        if words is None:
            return _MARKER.sub(replace, _figure(known[name]))
        kind = {"t": "table", "s": "supplementary-material", "ch": "chem"}.get(
            name.rstrip("0123456789"), "fig"
        )
        return f'<xref ref-type="{kind}" rid="{name}">{words}</xref>'

    return re.sub(r"\s*\n\s*", " ", _MARKER.sub(replace, text))


def _figure(figure: Figure) -> str:
    graphics = []
    for image in figure.images:
        tag = "media" if figure.element == "supplementary-material" else "graphic"
        graphics.append(f"<{tag} xlink:href={quoteattr(image.href or image.file)}/>")
    shown = "".join(graphics)
    if figure.alternatives:
        shown = f"<alternatives>{shown}</alternatives>"
    title = f"<title>{figure.title}</title>" if figure.title else ""
    words = title + "".join(f"<p>{text}</p>" for text in figure.caption)
    return (
        f'<{figure.element} id="{figure.id}"{figure.attributes}>'
        + (f"<label>{figure.label}</label>" if figure.label else "")
        + (f"<caption>{words}</caption>" if words else "")
        + f"{shown}{figure.rights}{figure.inside}</{figure.element}>"
    )


def _sections(sections: Sequence[Section], prefix: str) -> str:
    made = []
    for number, (title, *texts) in enumerate(sections, 1):
        inner = paragraphs(texts)
        head = f'<sec id="{prefix}{number}"><title>{title}</title>' if title else ""
        made.append(f"{head}{inner}</sec>" if title else inner)
    return "".join(made)


def _front(article: Article, rng: Random) -> str:
    words = "".join(f"<kwd>{word}</kwd>" for word in article.keywords)
    pmid = f'<article-id pub-id-type="pmid">{article.pmid}</article-id>' if article.pmid else ""
    return (
        f"<front><journal-meta><journal-title-group><journal-title>{escape(article.journal)}"
        "</journal-title></journal-title-group><publisher><publisher-name>Sample Press"
        "</publisher-name></publisher></journal-meta><article-meta>"
        f'<article-id pub-id-type="pmcid">PMC{article.pmcid}</article-id>'
        f'<article-id pub-id-type="pmcid-ver">{article.key}</article-id>{pmid}'
        f'<article-id pub-id-type="doi">{article.doi}</article-id><article-categories>'
        f'<subj-group subj-group-type="heading"><subject>{article.subject}</subject></subj-group>'
        f"</article-categories><title-group><article-title>{article.title}</article-title>"
        f"</title-group>{_authors(rng)}{_dates(article)}<volume>{_volume(article)}</volume>"
        f"<elocation-id>e{article.pmcid % 10000}</elocation-id>"
        f"<permissions><copyright-statement>&#169; {article.date[:4]} The Authors"
        f"</copyright-statement><copyright-year>{article.date[:4]}</copyright-year>"
        f"{_license(article.license)}</permissions>"
        + (f"<abstract>{_sections(article.abstract, 'abs')}</abstract>" if article.abstract else "")
        + f'{article.front}<kwd-group kwd-group-type="author">{words}</kwd-group>'
        + "</article-meta></front>"
    )


def _authors(rng: Random) -> str:
    names = [
        f'<contrib contrib-type="author"><name><surname>{family}</surname>'
        f"<given-names>{rng.choice(_GIVEN)}</given-names></name>"
        '<xref ref-type="aff" rid="aff1">1</xref></contrib>'
        for family in rng.sample(_FAMILIES, rng.randint(2, 5))
    ]
    return (
        f'<contrib-group>{"".join(names)}</contrib-group><aff id="aff1"><label>1</label>'
        "Institute of Sample Medicine, University of Newhaven Sound, Exampleland</aff>"
    )


def _dates(article: Article) -> str:
    year, *rest = article.date.split("-")
    kind = ("collection", "ppub", "epub")[len(rest)]
    fields = [f"<{tag}>{value}</{tag}>" for tag, value in zip(("month", "day"), rest, strict=False)]
    made = f'<pub-date pub-type="{kind}">{"".join(reversed(fields))}<year>{year}</year></pub-date>'
    if kind == "epub":
        made += f'<pub-date pub-type="collection"><year>{year}</year></pub-date>'
    return made


def _license(license: License) -> str:
    href = f" xlink:href={quoteattr(license.url)}" if license.form == "href" and license.url else ""
    reference = f"<ali:license_ref>{license.url}</ali:license_ref>" if license.form == "ali" else ""
    link = ""
    if license.form == "link":
        link = (
            f' (<ext-link ext-link-type="uri" xlink:href={quoteattr(license.url)}>'
            f"{license.url}</ext-link>)"
        )
    return (
        f'<license license-type="open-access"{href}>{reference}'
        f"<license-p>{license.words}{link}</license-p></license>"
    )


def _references(article: Article, rng: Random) -> str:
    made = []
    for number in range(1, 10):
        about = article.keywords[number % len(article.keywords)]
        title = _STUDIES[(number + article.pmcid) % len(_STUDIES)].format(about)
        # Not by chance: the texts cite some by author and year.
        first = article.pmcid + 7 * number
        authors = [
            f"<string-name><surname>{_FAMILIES[place % len(_FAMILIES)]}</surname> "
            "<given-names>A</given-names></string-name>"
            for place in (first, first + 3)
        ]
        year, volume = int(article.date[:4]) - 2 * number, rng.randint(3, 60)
        made.append(
            f'<ref id="R{number}"><label>{number}</label>'
            f'<mixed-citation publication-type="journal">{", ".join(authors)}. '
            f"<article-title>{title[0].upper()}{title[1:]}</article-title>. "
            f"<source>Sample Archives</source>. <year>{year}</year>;<volume>{volume}</volume>:"
            f"<fpage>{rng.randint(1, 900)}</fpage>. "
            f"{_public_ids(rng, number)}</mixed-citation></ref>"
        )
    return f"<ref-list><title>References</title>{''.join(made)}</ref-list>"


def _public_ids(rng: Random, number: int) -> str:
    """Write the ids of a reference: mostly both, sometimes one, once none."""
    doi = f'<pub-id pub-id-type="doi">10.5555/sample.ref.{rng.randint(10000, 99999)}</pub-id>'
    pmid = f'<pub-id pub-id-type="pmid">{rng.randint(98000000, 98999999)}</pub-id>'
    return ("" if number % 9 == 8 else doi) + ("" if number % 4 == 0 else f" {pmid}")
