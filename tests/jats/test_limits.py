"""Documents that ask for too much: refused, and before they have it."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from pathlib import Path

import pytest

from biomedica_dataset.errors import JatsTooLargeError
from biomedica_dataset.jats.limits import (
    MAX_CAPTIONS,
    MAX_CITATIONS,
    MAX_CLAIMS,
    MAX_FIGURES,
    MAX_MARKS,
    MAX_PARAGRAPHS,
    MAX_TEXT,
)
from biomedica_dataset.jats.reader import read_article

BIBLIOGRAPHIC = '<xref ref-type="bibr" rid="r">1</xref>'
CITATION = '<xref ref-type="fig" rid="f">1</xref>'


def article(body: str, meta: str = "") -> bytes:
    front = f"<front><article-meta>{meta}</article-meta></front>"
    return f"<article>{front}<body>{body}</body></article>".encode()


def figure(caption: str = "Made up.", graphics: str = "<graphic/>") -> str:
    return f'<fig id="f"><caption><p>{caption}</p></caption>{graphics}</fig>'


def graphics(count: int) -> str:
    namespace = 'xmlns:xlink="http://www.w3.org/1999/xlink"'
    return "".join(f'<graphic {namespace} xlink:href="g{number}"/>' for number in range(count))


def nested(tag: str, depth: int, inner: str) -> str:
    return f"<{tag}>" * depth + inner + f"</{tag}>" * depth


SURNAMES = "".join(f"<surname>name{number}</surname>" for number in range(10_000))
AUTHORS = f"<contrib-group>{SURNAMES}</contrib-group>"
TITLE = "<title-group><article-title>{}</article-title></title-group>"
WORK = 50_000
SHARED = 10 + int(MAX_CITATIONS**0.5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("xml", "what"),
    [
        pytest.param(article("<p/>" * MAX_MARKS), "tags", id="tags"),
        pytest.param(article('<p a="" b=""/>' * (MAX_MARKS // 3)), "attributes", id="attributes"),
        pytest.param(
            b"<!DOCTYPE article>" + article("&z;" * MAX_MARKS), "references", id="entities"
        ),
        pytest.param(
            article("<p/>" * MAX_MARKS).decode().encode("utf-16"), "tags", id="tags in UTF-16"
        ),
        pytest.param(article("<fig/>" * (MAX_FIGURES + 1)), "figures", id="figures"),
        pytest.param(article(figure() * (MAX_FIGURES + 1)), "figures", id="figures with graphics"),
        pytest.param(
            article(figure(graphics="<graphic/>" * (MAX_FIGURES + 1))), "figures", id="graphics"
        ),
        pytest.param(
            article(figure() * SHARED + f"<p>{CITATION}</p>" * SHARED),
            "citations of figures",
            id="figures that share an id",
        ),
        pytest.param(
            article(figure(graphics=graphics(SHARED)) + f"<p>{CITATION}</p>" * SHARED),
            "citations of figures",
            id="graphics of one figure",
        ),
        pytest.param(
            article(
                (figure("<label>Fig. 1</label>") + "<fig><label>Fig. 1</label></fig>") * SHARED
                + "<p>" + "Fig. 1, " * SHARED + "</p>"
            ),
            "citations of figures",
            id="labels in plain text",
        ),
        pytest.param(
            article(figure() + nested("p", MAX_PARAGRAPHS + 1, CITATION)),
            "paragraphs around a citation",
            id="paragraphs in paragraphs",
        ),
        pytest.param(
            article(figure() + nested("p", MAX_PARAGRAPHS + 1, "Fig. 1")),
            "paragraphs around a citation",
            id="paragraphs in paragraphs without a link",
        ),
        pytest.param(
            article(
                f"<fig-group><caption><p>{'a' * 10_000}</p></caption>"
                f"{'<fig><graphic/></fig>' * (MAX_CAPTIONS // 10_000 + 1)}</fig-group>"
            ),
            "characters in captions",
            id="a caption of many figures",
        ),
        pytest.param(
            article(figure(graphics=graphics(1000)), TITLE.format("a" * (MAX_TEXT // 1000))),
            "characters in the rows",
            id="a title in many rows",
        ),
        pytest.param(
            article(
                figure(graphics=graphics(1000)) + f"<p>{'a' * (MAX_TEXT // 1000)}{CITATION}</p>"
            ),
            "characters in the rows",
            id="a paragraph in many rows",
        ),
        pytest.param(
            article(figure("© 2010 Name7. " * (MAX_CLAIMS // 10_000 + 10)), AUTHORS),
            "copyright lines times authors",
            id="copyright lines and authors",
        ),
    ],
)  # fmt: skip
def test_what_asks_for_too_much_is_refused_soon(xml: bytes, what: str):
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the most is that from now on
    before = most_memory()

    with pytest.raises(JatsTooLargeError, match=rf"more than [\d,]+ .*{what}"):
        read_article(xml, full_text=True)
    assert most_memory() - before < 200
    assert is_read_within(20, xml)


def series(number: int) -> str:
    """Return the label of a figure that begins a series of its own."""
    first, second, third = number // 676, number // 26 % 26, number % 26
    return "".join(chr(ord("a") + letter) for letter in (first, second, third)) + " 1"


@pytest.mark.slow
@pytest.mark.parametrize(
    "xml",
    [
        pytest.param(
            article("<fig><label>Figs. 1–9999</label><graphic/></fig>" * 5000),
            id="labels of thousands of figures",
        ),
        pytest.param(
            article(
                "".join(f'<fig id="f"><label>{series(n)}</label></fig>' for n in range(4000))
                + '<p><xref rid="f">1</xref>–<xref rid="f">2</xref></p>' * 40
            ),
            id="ranges between figures that share an id",
        ),
        pytest.param(
            article(
                "".join(f'<fig id="f"><label>{series(n)}</label></fig>' for n in range(4000))
                + f'<p><xref rid="f">{"1-9 " * 240}</xref></p>' * 40
            ),
            id="ranges inside the citation of figures that share an id",
        ),
        pytest.param(
            article(figure() + '<p><list continued-from="a" id="a" list-type="order">'
                    + "<list-item/>" * 50_000 + "</list></p>"),
            id="items of a list",
        ),
        pytest.param(
            article(figure("<label>Fig. 1</label>") + "<p>" + "Fig. 1A–Z, B. " * 20_000 + "</p>"),
            id="panels in plain text",
        ),
        pytest.param(
            article('<fig id="f"><label>Fig. 1</label></fig><fig><label>Fig. 2</label></fig><p>'
                    + "<b/>" * 20_000 + f'{CITATION}<i/>' * 20_000 + "</p>"),
            id="empty marks around links",
        ),
        pytest.param(
            article(figure("&amp;amp;" * 100_000 + "&lt;b&gt;" * 100_000 + "&lt;/b&gt;" * 100_000)),
            id="markup that is escaped twice",
        ),
        pytest.param(
            article(figure("with permission of the patient " * 30_000)), id="permissions"
        ),
        pytest.param(
            article(figure() + f"<p>{'(' * 200_000}{BIBLIOGRAPHIC}{')' * 200_000}</p>"),
            id="brackets around a citation",
        ),
    ],
)  # fmt: skip
def test_what_is_odd_is_read_or_refused_soon(xml: bytes):
    assert is_read_within(10, xml)


def is_read_within(tenths: int, xml: bytes) -> bool:
    """Whether reading takes less than so many tenths of a second of an idle machine, once in three.

    That is measured by known work before and after: what slows down the one, such as coverage or
    other processes, slows down the other.
    """
    return any(work_of(xml) < tenths for _ in range(3))


def work_of(xml: bytes) -> float:
    before, started = known_work(), time.process_time()
    with suppress(JatsTooLargeError):
        read_article(xml, full_text=True)
    return (time.process_time() - started) / max(before, known_work())


def known_work() -> float:
    """Return the seconds of CPU that calls, searches and copies take, as a reader has them."""
    text, pattern = "Growth of cells in (A) rats and (B) mice. " * 20, re.compile(r"\((\w)\) mice")
    started = time.process_time()
    found = [places(pattern, text[number % 40 :]) for number in range(WORK)]
    assert len(found) == WORK
    return time.process_time() - started


def places(pattern: re.Pattern[str], text: str) -> list[str]:
    return [found[1] for found in pattern.finditer(text, len(text) - 90) if found[1].isupper()]


def most_memory() -> float:
    """Return the most memory that this process has held, in MB."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM:")).split()[1]) / 1024
