"""Rows of one article: licence groups, keys, what is dropped and why."""

from __future__ import annotations

import io
import json

import pytest
from PIL import Image

from biomedica_dataset import ArticleError
from biomedica_dataset.archive.entries import ImageEntry, LedgerRow
from biomedica_dataset.images.probe import probe
from biomedica_dataset.licenses import CODES
from biomedica_dataset.rows import rows_of

ARTICLE = """<article xmlns:xlink="http://www.w3.org/1999/xlink"><front><article-meta>
<article-id pub-id-type="doi">10.5555/1</article-id>
<title-group><article-title>On
cells</article-title></title-group>{permissions}</article-meta></front><body> <p>See <xref
ref-type="fig" rid="f1">Fig. 1</xref>.</p> <fig id="f1"><label>Figure
1</label><caption><p>{caption}</p></caption>{own}<graphic xlink:href="g1"/></fig> <fig
id="f2"><caption><p>Two.</p></caption><graphic xlink:href="g2"/></fig> <fig id="f3"><graphic
xlink:href="g3"/></fig></body></article>"""
LICENSE = '<permissions><license xlink:href="https://creativecommons.org/licenses/{}/4.0/"><p/></license></permissions>'


def picture(width=8, height=6, kind="PNG"):
    out = io.BytesIO()
    Image.new("RGB", (width, height), (9, 99, 199)).save(out, kind)
    return out.getvalue()


def ledger_row(code="CC BY", permissions="", caption="One.", own="", images=(), **record):
    names = ("g1.png", "g2.png", "g3.png")
    url = "s3://pmc-oa-opendata/PMC7.1/{}?md5=" + "0" * 32
    metadata = {
        "pmcid": "PMC7", "version": 1, "pmid": None, "doi": None, "title": None,
        "citation": "J. 2020",
        "is_pmc_openaccess": True, "is_manuscript": False, "is_retracted": False,
        "license_code": code, "xml_url": url.format("PMC7.1.xml"),
        "media_urls": [url.format(n) for n in names], **record,
    }  # fmt: skip
    xml = ARTICLE.format(permissions=permissions, caption=caption, own=own)
    return LedgerRow(
        pmcid=7, version=1, etag="e", status="kept", metadata=json.dumps(metadata).encode(),
        xml=xml.encode(), images=list(images),
    )  # fmt: skip


BOTH = {"g1.png": picture(), "g2.png": picture(4, 4)}


def groups(row, images=BOTH):
    return [(group, pair.key) for group, pair in rows_of(row, images).pairs]


def test_pairs_come_in_document_order_with_stable_keys():
    assert groups(ledger_row()) == [("commercial", "PMC7_g1"), ("commercial", "PMC7_g2")]


def test_what_is_not_a_pair_is_counted_with_its_reason():
    rows = rows_of(
        ledger_row(images=[ImageEntry("g2", "g2.png", status="unavailable", reason="404")]),
        {"g1.png": picture()},
    )

    assert rows.figures == {"kept": 1, "unavailable: 404": 1, "no_caption": 1}


def test_bytes_that_are_not_an_image_are_dropped():
    rows = rows_of(ledger_row(), {**BOTH, "g1.png": b"<html>not found</html>"})

    assert rows.figures == {"kept": 1, "not_an_image": 1, "no_caption": 1}


@pytest.mark.parametrize(
    ("code", "own", "group", "image_license"),
    [
        pytest.param("CC BY", "", "commercial", "CC BY", id="article"),
        pytest.param(
            "CC BY",
            LICENSE.format("by-nc"),
            "noncommercial",
            "CC BY-NC 4.0",
            id="figure is stricter",
        ),
        pytest.param(
            "CC BY-NC", LICENSE.format("by"), "noncommercial", "CC BY 4.0", id="article is stricter"
        ),
        pytest.param(None, "", "other", None, id="unknown"),
        pytest.param(
            "CC BY",
            "<permissions><license><p>Ask us.</p></license></permissions>",
            "other",
            None,
            id="custom",
        ),
    ],
)
def test_the_group_is_the_stricter_of_article_and_figure(code, own, group, image_license):
    found, pair = rows_of(ledger_row(code, own=own), BOTH).pairs[0]

    assert (found, pair.image_license) == (group, image_license)


def test_third_party_rights_make_a_figure_other():
    row = ledger_row(caption="Cells. Reproduced with permission from Elsevier.")
    group, pair = rows_of(row, BOTH).pairs[0]

    assert (group, pair.image_license) == ("other", None)
    assert pair.image_credit == "Reproduced with permission from Elsevier."
    assert groups(row)[1][0] == "commercial"


@pytest.mark.parametrize(
    ("code", "caption", "group", "image_license"),
    [
        ("CC BY", "Photo: Jane Roe, CC BY-NC 4.0.", "noncommercial", "CC BY-NC 4.0"),
        ("CC BY", "Published with permission of Roe under CC BY 4.0.", "commercial", "CC BY 4.0"),
        ("CC BY-NC", "Photo: Jane Roe, CC BY 4.0.", "noncommercial", "CC BY 4.0"),
        (None, "Photo: Jane Roe, CC BY 4.0.", "other", "CC BY 4.0"),
    ],
)
def test_a_licence_named_with_third_party_rights_decides(code, caption, group, image_license):
    found, pair = rows_of(ledger_row(code, caption=caption), BOTH).pairs[0]

    assert (found, pair.image_license, pair.image_credit) == (group, image_license, caption)


def test_pmc_decides_and_the_xml_adds_the_version_where_it_agrees():
    _group, pair = rows_of(ledger_row("CC BY", permissions=LICENSE.format("by")), BOTH).pairs[0]

    assert pair.article_license == "CC BY 4.0"
    assert pair.article_license_url == "https://creativecommons.org/licenses/by/4.0/"


def test_where_they_disagree_pmc_counts_and_it_is_reported():
    rows = rows_of(ledger_row("CC BY", permissions=LICENSE.format("by-nc")), BOTH)

    assert rows.licenses_disagree
    assert rows.pairs[0][1].article_license == "CC BY"


def test_the_xml_decides_where_pmc_names_no_license():
    rows = rows_of(ledger_row(None, permissions=LICENSE.format("by-nc-nd")), BOTH)

    assert not rows.licenses_disagree
    assert rows.pairs[0][0] == "noncommercial"


def test_a_null_license_of_pmc_and_of_the_xml_is_no_code():
    assert rows_of(ledger_row(None), BOTH).pairs[0][1].article_license not in CODES


def test_an_unreadable_article_is_one_problem():
    row = ledger_row()
    rows = rows_of(
        LedgerRow(pmcid=7, version=1, etag="e", status="kept", metadata=row.metadata, xml=b"<a>"),
        {},
    )

    assert rows.problem.startswith("PMC7.1: ")
    assert not rows.pairs


def test_the_article_row_names_its_keys():
    group, article = rows_of(ledger_row(), BOTH, full_text=True).article

    assert group == "commercial"
    assert article.article_keys == ["PMC7_g1", "PMC7_g2"]
    assert article.article_text == "See Fig. 1."


class TestProbe:
    @pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP"])
    def test_size_and_digest(self, kind):
        facts = probe(picture(12, 7, kind))

        assert (facts.width, facts.height, len(facts.sha256)) == (12, 7, 64)

    def test_more_pixels_than_pillows_hard_limit(self):
        header = bytearray(picture(8, 6))
        header[16:24] = (60_000).to_bytes(4, "big") * 2
        import zlib

        header[29:33] = zlib.crc32(bytes(header[12:29])).to_bytes(4, "big")
        with pytest.raises(ArticleError, match="too_many_pixels"):
            probe(bytes(header))

    @pytest.mark.parametrize(
        "data", [b"", b"GIF89a", b"%PDF-1.4", b"\x89PNG\r\n\x1a\n", b"<svg/>", b"\xff\xd8\xff"]
    )
    def test_what_is_no_picture(self, data):
        with pytest.raises(ArticleError, match="not_an_image"):
            probe(data)
