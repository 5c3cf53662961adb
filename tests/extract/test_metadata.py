"""What a metadata JSON may say, and what of it is taken."""

from __future__ import annotations

import json
import re

import pytest

from biomedica_dataset.errors import ArticleError
from biomedica_dataset.pmc.metadata import parse_metadata

NAME = "PMC9000001.1"
MD5 = "0" * 32


def parsed(**fields):
    record = {"pmcid": "PMC9000001", "version": 1, "is_pmc_openaccess": True, **fields}
    return parse_metadata(json.dumps(record).encode(), NAME)


@pytest.mark.parametrize("pmid", [True, 0, -3, 2**63, 10**30, "12", 1.5, None, [1]])
def test_a_pmid_is_a_number_that_a_column_holds(pmid):
    assert parsed(pmid=pmid).pmid is None
    assert parsed(pmid=2**62).pmid == 2**62


@pytest.mark.parametrize("field", ["title", "citation", "doi", "license_code"])
def test_a_text_holds_what_a_file_and_a_line_can_hold(field):
    text = "A\ud800\u202eb\x1b[31m\x9b \n c\x00"

    assert getattr(parsed(**{field: text}), field) == "Ab[31m c"
    assert getattr(parsed(**{field: " \n"}), field) is None


@pytest.mark.parametrize(
    "name",
    [
        *(
            "../PMC9000001.1.xml",
            "..\\a.jpg",
            "a\nb.jpg",
            "a\x1b[2J.jpg",
            "a\x9b.jpg",
            "\ud800.jpg",
        ),
        *("\u202egpj.exe.jpg", "a\u2069.jpg", "sub/a.jpg", "", ".."),
    ],
)
def test_a_file_whose_name_is_a_path_or_turns_text_is_left_out(name):
    urls = [f"s3://bucket/{NAME}/{each}?md5={MD5}" for each in (name, "CON.jpg", "a b.jpg")]

    assert set(parsed(media_urls=urls).media) == {"CON.jpg", "a b.jpg"}


@pytest.mark.parametrize(
    "data",
    [
        *(
            b"",
            b"\0",
            b"[" * 100_000,
            b"null",
            b"[]",
            b'"PMC9000001"',
            b"\xff\xfe{",
            b'{"pmcid": 1}',
        ),
        b'{"pmcid": "PMC9000001", "version": ' + b"1" * 5000 + b"}",
    ],
    ids=range(9),
)
def test_what_is_no_record_of_the_version_is_an_error_in_one_line(data):
    with pytest.raises(ArticleError) as caught:
        parse_metadata(data, NAME)
    assert re.fullmatch(r"the metadata JSON of PMC9000001\.1 .*", str(caught.value))


def test_an_xml_outside_of_the_own_folder_is_an_error_that_shows_it_as_text():
    with pytest.raises(
        ArticleError, match=r"names '.*PMC1\.1.*', which is not in PMC9000001\.1/"
    ) as caught:
        parsed(xml_url=f"s3://bucket/PMC1.1/\u202e\x1b.xml?md5={MD5}")
    assert str(caught.value).isprintable()
