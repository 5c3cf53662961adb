"""Requests pass the proxy of the environment, with its user and password."""

from __future__ import annotations

from contextlib import closing

import pytest

from biomedica_dataset.errors import UsageError
from biomedica_dataset.io.web import Web
from biomedica_dataset.pubmed.client import Ncbi
from biomedica_dataset.pubmed.mesh.efetch import fetch_citations

from .pubmed import made
from .pubmed.server import Eutils, EutilsServer
from .servers import BucketServer
from .servers.proxy import Proxy, write_certificate

HOST = "data.example"  # which no name server knows
USER, PASSWORD = "user@site", "pass: word"
WRITTEN = "user%40site:pass%3A%20word"
DATA = bytes(range(256)) * 1000


@pytest.fixture(autouse=True)
def certificate(tmp_path, monkeypatch):
    """The certificate of the host, trusted; and no proxy that the machine may have."""
    write_certificate(tmp_path / "host.pem", HOST)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "host.pem"))
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    for name in ("http_proxy", "https_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return tmp_path / "host.pem"


@pytest.fixture
def files(tmp_path):
    """A web server with one file."""
    (tmp_path / "www").mkdir()
    (tmp_path / "www" / "file").write_bytes(DATA)
    with BucketServer(tmp_path / "www") as server:
        yield server


@pytest.fixture
def eutils(monkeypatch):
    """NCBI's server, at an https address."""
    monkeypatch.setenv("NCBI_EUTILS_URL", f"https://{HOST}/eutils")
    with EutilsServer(Eutils(records={1: made.article(1)})) as server:
        yield server


def test_byte_ranges_pass_a_proxy_that_demands_a_password(files, certificate, monkeypatch):
    with Proxy(files.url, certificate, USER, PASSWORD) as proxy:
        monkeypatch.setenv("https_proxy", f"http://{WRITTEN}@{proxy.address}")
        with closing(Web(f"https://{HOST}")) as web:
            assert web.range("file", 1000, 5000) == DATA[1000:6000]
            assert web.whole("file") == DATA

    assert proxy.log == [(f"{HOST}:443", proxy.expected)]


def test_ncbi_is_asked_through_a_proxy_that_demands_a_password(
    eutils, certificate, monkeypatch, tmp_path
):
    with Proxy(eutils.url, certificate, USER, PASSWORD) as proxy:
        monkeypatch.setenv("https_proxy", f"http://{WRITTEN}@{proxy.address}")
        (citation,) = fetch_citations(Ncbi(slots_folder=tmp_path), [1])

    assert citation.pmid == 1
    assert proxy.log == [(f"{HOST}:443", proxy.expected)]


@pytest.mark.parametrize("credentials", ["", "user:wrong@"])
def test_a_refusal_of_the_proxy_is_told_at_once(
    files, eutils, certificate, monkeypatch, tmp_path, credentials
):
    with Proxy(files.url, certificate, USER, PASSWORD) as proxy:
        for scheme in ("http", "https"):
            monkeypatch.setenv(f"{scheme}_proxy", f"http://{credentials}{proxy.address}")
            with (
                closing(Web(f"{scheme}://{HOST}")) as web,
                pytest.raises(UsageError, match=rf"{proxy.address} .*407.*set {scheme}_proxy"),
            ):
                web.range("file", 0, 10)
        with pytest.raises(UsageError, match=rf"{proxy.address} .*407.*set https_proxy"):
            fetch_citations(Ncbi(slots_folder=tmp_path), [1])

    assert len(proxy.log) == 3


def test_plain_addresses_pass_a_proxy_unless_the_environment_excepts_them(
    files, certificate, monkeypatch
):
    with Proxy(files.url, certificate, USER, PASSWORD) as proxy:
        monkeypatch.setenv("http_proxy", f"{WRITTEN}@{proxy.address}")
        with closing(Web(f"http://{HOST}")) as web:
            assert web.range("file", 0, 10) == DATA[:10]
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        with closing(Web(files.url)) as web:
            assert web.range("file", 0, 10) == DATA[:10]

    assert proxy.log == [(f"http://{HOST}/file", proxy.expected)]


def test_only_http_proxies_are_taken(monkeypatch):
    monkeypatch.setenv("https_proxy", "socks5://127.0.0.1:1080")

    with (
        closing(Web(f"https://{HOST}")) as web,
        pytest.raises(UsageError, match=r"socks5://.*only"),
    ):
        web.whole("file")


def test_certificates_of_a_bundle_are_trusted_too(files, certificate, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE")
    with Proxy(files.url, certificate, USER, PASSWORD) as proxy:
        monkeypatch.setenv("https_proxy", f"http://{WRITTEN}@{proxy.address}")
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        with closing(Web(f"https://{HOST}")) as web:
            assert web.whole("file") == DATA
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", "absent.pem")
        with (
            closing(Web(f"https://{HOST}")) as web,
            pytest.raises(UsageError, match=r"absent\.pem"),
        ):
            web.whole("file")
