"""The client is polite, and tells answers apart."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from biomedica_dataset.errors import SourceError, UsageError
from biomedica_dataset.pubmed.client import Ncbi
from biomedica_dataset.pubmed.mesh.efetch import fetch_citations
from biomedica_dataset.pubmed.rate_limit import RateLimit
from biomedica_dataset.pubmed.responses import AnswerError, NothingFoundError, check_xml

from . import made
from .server import HTML, TRUNCATED, Fault


def test_it_names_itself_and_keeps_the_key_out_of_addresses(eutils, tmp_path, monkeypatch):
    monkeypatch.setenv("NCBI_API_KEY", "secret")
    monkeypatch.setenv("NCBI_EMAIL", "someone@example.org")
    eutils.records = {1: made.article(1)}

    fetch_citations(Ncbi(slots_folder=tmp_path), [1])

    (asked,) = eutils.asked
    assert asked["tool"] == "biomedica-dataset"
    assert asked["email"] == "someone@example.org"
    assert asked["api_key"] == "secret"
    assert "secret" not in asked["path"]


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=429, retry_after="0"),
        Fault(status=503),
        Fault(status=500, body=HTML),
        Fault(body=HTML),
        Fault(body=b'{"error":"API rate limit exceeded","count":"4"}'),
        Fault(body=b"<eFetchResult><ERROR>Search Backend failed: try again</ERROR></eFetchResult>"),
        Fault(body=b""),
        Fault(body=b"{"),
        Fault(promise=10),
        TRUNCATED,
        Fault(cut=200),
    ],
)
def test_what_passes_is_asked_again(eutils, ncbi, fault):
    eutils.records = {1: made.article(1)}
    eutils.faults = [fault, fault]

    (citation,) = fetch_citations(ncbi, [1])

    assert citation.pmid == 1
    assert ncbi.requests == 3


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault(status=400, body=b'{"error":"API key invalid"}'), "API key invalid"),
        (Fault(body=b"<eFetchResult><ERROR>Invalid db name</ERROR></eFetchResult>"), "Invalid db"),
    ],
)
def test_what_stays_is_told_at_once(eutils, ncbi, fault, words):
    eutils.faults = [fault]

    with pytest.raises(SourceError, match=words):
        fetch_citations(ncbi, [1])

    assert ncbi.requests == 1


def test_what_does_not_pass_in_all_tries_is_told(eutils, ncbi):
    eutils.faults = [Fault(body=HTML)] * 9

    with pytest.raises(SourceError, match=r"HTML page.*Service unavailable.*6 tries"):
        fetch_citations(ncbi, [1])


def test_a_server_that_is_not_there_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("NCBI_EUTILS_URL", "http://127.0.0.1:9/eutils")

    with pytest.raises(SourceError, match="gives no answer"):
        fetch_citations(Ncbi(tries=2, pause=0.001, slots_folder=tmp_path), [1])


def test_only_web_addresses_are_taken(monkeypatch):
    monkeypatch.setenv("NCBI_EUTILS_URL", "file:///etc/")

    with pytest.raises(UsageError, match="NCBI_EUTILS_URL"):
        Ncbi()


def test_no_known_id_is_no_record(eutils, ncbi):
    words = b"<eFetchResult><ERROR>ID list is empty! No correct IDs.</ERROR></eFetchResult>"
    eutils.faults = [Fault(body=words)]

    assert fetch_citations(ncbi, [1]) == []


def test_retry_after_holds_everybody_back(eutils, ncbi):
    eutils.records = {1: made.article(1)}
    eutils.faults = [Fault(status=429, retry_after="1")]

    fetch_citations(ncbi, [1])

    first, second = eutils.times
    assert second - first >= 1.0


def test_real_errors_are_told_apart(real):
    folder = real / "entrez" / "biopython"

    with pytest.raises(AnswerError, match="Invalid db name"):
        check_xml((folder / "epost2.xml").read_bytes(), "ePostResult")
    with pytest.raises(AnswerError, match="is no <PubmedArticleSet>"):
        check_xml((folder / "esearch1.xml").read_bytes(), "PubmedArticleSet")
    assert check_xml((folder / "pubmed1.xml").read_bytes(), "PubmedArticleSet")


def test_an_empty_set_is_an_answer():
    assert check_xml(b"<?xml version='1.0'?><PubmedArticleSet/>", "PubmedArticleSet")
    assert issubclass(NothingFoundError, AnswerError)


def test_the_rate_is_that_of_the_machine(tmp_path):
    """Two processes of ten requests each, at twenty a second, need a second together."""
    code = (
        "import sys, time; from pathlib import Path\n"
        "from biomedica_dataset.pubmed.rate_limit import RateLimit\n"
        "slots = RateLimit('http://x/', 20, Path(sys.argv[1]))\n"
        "for _ in range(10): slots.wait(); print(time.time())"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    times = sorted(float(line) for one in running for line in one.communicate()[0].split())

    assert len(times) == 20
    assert times[-1] - times[0] >= 0.95 - 0.2  # 19 gaps, less what a busy machine adds to the first


def test_a_moment_from_before_the_clock_was_set_back_is_not_waited_for(tmp_path):
    slots = RateLimit("http://x/", 3, tmp_path)
    slots.path.write_text(str(time.time() + 1e6))
    start = time.monotonic()

    slots.wait()

    assert time.monotonic() - start < 60
