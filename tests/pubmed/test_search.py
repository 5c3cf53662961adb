"""ESearch, split by date."""

from __future__ import annotations

import datetime

import pytest

from biomedica_dataset.errors import SourceError, UsageError
from biomedica_dataset.pubmed.search.esearch import license_filter, parse_page, search, term_of

from .server import Fault

DAY = datetime.date(2020, 2, 28)


@pytest.fixture(autouse=True)
def short_lists(monkeypatch):
    import sys

    monkeypatch.setattr(sys.modules["biomedica_dataset.pubmed.search.esearch"], "LONGEST_LIST", 10)


def test_few_are_listed_at_once(eutils, ncbi):
    eutils.released = dict.fromkeys(range(5, 9), DAY)

    found = search(ncbi, "melanoma  AND dermoscopy", {"CC BY"})

    assert found.pmcids == (5, 6, 7, 8)
    assert (found.count, found.translation) == (4, "understood")
    assert found.query == "melanoma  AND dermoscopy"
    assert found.as_json()["licenses"] == ["CC BY"]
    (asked,) = eutils.asked
    assert asked["term"] == (
        "(melanoma AND dermoscopy) AND open_access[filter] AND (cc_by_license[filter])"
    )


def test_many_are_listed_by_date(eutils, ncbi):
    eutils.released = {i: DAY + datetime.timedelta(days=i // 3) for i in range(1, 101)}

    found = search(ncbi, "cancer")

    assert found.pmcids == tuple(range(1, 101))
    assert found.count == 100


def test_a_day_that_is_too_large_is_told(eutils, ncbi):
    eutils.released = dict.fromkeys(range(1, 12), DAY)

    with pytest.raises(UsageError, match="11 matching articles were released on 2020-02-28"):
        search(ncbi, "cancer")


def test_lists_that_do_not_agree_with_the_count_are_told(eutils, ncbi):
    eutils.released = {i: DAY + datetime.timedelta(days=i) for i in range(1, 31)}
    eutils.lies = 5

    with pytest.raises(SourceError, match=r"counts 35 articles.*lists 30"):
        search(ncbi, "cancer")


def test_a_list_that_is_shorter_than_its_count_is_asked_again(eutils, ncbi):
    eutils.released = dict.fromkeys(range(1, 5), DAY)
    eutils.faults = [
        Fault(body=b"<eSearchResult><Count>4</Count><IdList><Id>1</Id></IdList></eSearchResult>")
    ]

    assert search(ncbi, "cancer").pmcids == (1, 2, 3, 4)


def test_nothing_found_is_told(eutils, ncbi):
    with pytest.raises(UsageError, match="finds no open-access articles"):
        search(ncbi, "zzz")


@pytest.mark.parametrize("query", ["", "  ", "a) OR (b", "(a"])
def test_a_question_cannot_leave_its_brackets(query):
    with pytest.raises(UsageError, match="bracket"):
        term_of(query, None)


def test_filters():
    assert license_filter(None) == "open_access[filter]"
    assert license_filter({"CC BY-NC-SA", "CC BY"}) == (
        "open_access[filter] AND (cc_by_license[filter] OR cc_by-nc-sa_license[filter])"
    )
    everything_but_two = license_filter(
        {"other", "CC0", "CC BY", "CC BY-SA", "CC BY-ND", "CC BY-NC"}
    )
    assert everything_but_two == (
        "open_access[filter] NOT (cc_by-nc-sa_license[filter] OR cc_by-nc-nd_license[filter])"
    )


def test_real_answers(real):
    folder = real / "entrez" / "biopython"
    pages = {path.stem: parse_page(path.read_bytes()) for path in folder.glob("esearch*.xml")}

    assert pages["esearch1"].count == 63
    assert pages["esearch1"].ids[:2] == (41282813, 41148224)
    assert pages["esearch1"].translation == '"biopython"[All Fields]'
    assert (pages["esearch2"].count, len(pages["esearch2"].ids)) == (42249, 100)
    assert pages["esearch8"].not_found == ("abcXYZ",)
