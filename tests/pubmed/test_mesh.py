"""The MeSH table: by EFetch or in bulk, no term on another article."""

from __future__ import annotations

import random
import tempfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from biomedica_dataset.errors import SourceError, UsageError
from biomedica_dataset.pubmed.mesh.article_ids import ArticleIds, doi_number
from biomedica_dataset.pubmed.mesh.join import NO_ROW, Records, join
from biomedica_dataset.pubmed.mesh.mesh import mesh
from biomedica_dataset.pubmed.mesh.parse_citations import parse_citations
from biomedica_dataset.pubmed.mesh.table import MeshTable
from biomedica_dataset.pubmed.mesh.table_schema import part_table

from . import made
from .server import HTML, Fault

ARTICLES = [
    (10, 100, None),
    (11, 101, "10.1/eleven"),
    (12, None, "10.1/Twelve"),
    (13, None, None),
    (14, 104, None),
    (15, 105, None),
    (2016, None, None),
    (2017, 999, None),
]


@pytest.fixture
def archive(tmp_path):
    return made.write_archive(tmp_path / "archive", ARTICLES)


@pytest.fixture
def bulk(tmp_path):
    folder = tmp_path / "bulk"
    old = [made.article(n) for n in (100, 101, 104, 500)]
    others = [made.book(105), made.article(777, pmcid=2016), made.article(778, doi="10.1/twelve")]
    made.write_bulk(folder / "baseline", 1, *old, *others)
    made.write_bulk(folder / "updatefiles", 2, made.article(101, note=" new"), made.deleted(104, 1))
    return folder


def test_few_articles_are_asked_for_one_by_one(eutils, ncbi, archive, tmp_path):
    eutils.records = {n: made.article(n) for n in (100, 101)} | {105: made.book(105)}

    report = mesh(archive, tmp_path / "mesh", client=ncbi)
    found = MeshTable.open(tmp_path / "mesh").articles(0, 10_000)

    assert list(found) == [pmcid for pmcid, _pmid, _doi in ARTICLES]
    assert found[10].names == made.names(100)
    assert found[11].names == made.names(101)
    assert found[10].mesh[0]["qualifiers"] == [
        {"name": "part of 100", "ui": "Q000000", "is_major": True}
    ]
    assert found[10].abstract_text == "AIM: Why 100: 10⁶ & more. RESULTS: What of 100."
    statuses = {pmcid: terms.status for pmcid, terms in found.items()}
    assert statuses[15] == "book"
    assert statuses[13] == "no_pmid"
    assert statuses[2017] == statuses[14] == "not_found"
    assert found[13].names is None
    assert "8 seen = 2 kept + 6 dropped" in str(report)
    (asked,) = eutils.asked
    assert asked["id"] == "100,101,104,105,999"


def test_in_bulk_the_last_counts_and_what_was_taken_back_is_gone(archive, bulk, tmp_path):
    mesh(archive, tmp_path / "mesh", baseline=str(bulk), workers=1)
    found = MeshTable.open(tmp_path / "mesh").articles(0, 10_000)

    assert found[10].names == made.names(100)
    assert found[11].names == made.names(101, note=" new")
    assert (found[12].matched_by, found[12].pmid) == ("doi", 778)
    assert (found[2016].matched_by, found[2016].pmid) == ("pmcid", 777)
    assert (found[14].status, found[14].names) == ("deleted", None)
    assert (found[15].status, found[15].names) == ("book", None)
    header = MeshTable.open(tmp_path / "mesh").header
    assert sum(header["articles"].values()) == len(ARTICLES)
    assert header["records"]["seen"] == 8
    assert header["records"]["kept"] + header["records"]["not_wanted"] == 8


def test_the_same_makes_the_same_bytes_whatever_the_workers(archive, bulk, tmp_path):
    for name, workers in (("one", 1), ("two", 2)):
        mesh(archive, tmp_path / name, baseline=str(bulk), workers=workers)

    one, two = ((tmp_path / name / "mesh.parquet").read_bytes() for name in ("one", "two"))
    assert one == two


def test_a_second_run_reads_only_what_is_new(archive, bulk, tmp_path, monkeypatch):
    mesh(archive, tmp_path / "mesh", baseline=str(bulk), workers=1)
    parts = tmp_path / "mesh" / ".parts"
    before = {path.name: path.stat().st_mtime_ns for path in parts.iterdir()}
    made.write_bulk(bulk / "updatefiles", 3, made.article(100, note=" newer"))

    mesh(archive, tmp_path / "mesh", baseline=str(bulk), workers=1)

    after = {path.name: path.stat().st_mtime_ns for path in parts.iterdir()}
    assert {name: after[name] for name in before} == before
    assert len(after) == 3
    (found,) = MeshTable.open(tmp_path / "mesh").articles(10, 11).values()
    assert found.names == made.names(100, note=" newer")


def test_a_digest_is_that_of_its_articles_only(archive, bulk, tmp_path):
    mesh(archive, tmp_path / "mesh", baseline=str(bulk), workers=1)
    before = MeshTable.open(tmp_path / "mesh")
    made.write_bulk(bulk / "updatefiles", 3, made.article(777, pmcid=2016, note=" newer"))
    mesh(archive, tmp_path / "mesh", baseline=str(bulk), workers=1)
    after = MeshTable.open(tmp_path / "mesh")

    assert before.digest(0, 1000) == after.digest(0, 1000)
    assert after.digest(2000, 3000) != after.digest(3000, 4000)
    assert after.of_pmids([777])[2016].names == made.names(777, note=" newer")
    assert after.of_pmids([]) == {}


def test_both_ways_tell_the_same(eutils, ncbi, tmp_path):
    archive = made.write_archive(tmp_path / "archive", [(n + 5, n, None) for n in range(1, 40)])
    records = [made.article(n, terms=n % 4) for n in range(1, 50) if n % 7]
    eutils.records = {int(n): r for n in range(1, 50) for r in records if f">{n}</PMID>" in r}
    made.write_bulk(tmp_path / "bulk", 1, *records)

    mesh(archive, tmp_path / "few", client=ncbi)
    mesh(archive, tmp_path / "many", baseline=str(tmp_path / "bulk"), workers=1)

    few, many = (MeshTable.open(tmp_path / name) for name in ("few", "many"))
    assert few.articles(0, 100) == many.articles(0, 100)
    assert few.digest(0, 100) == many.digest(0, 100)


def test_a_wrong_md5_is_told(archive, bulk, tmp_path):
    path = bulk / "updatefiles" / "pubmed26n0002.xml.gz"
    path.write_bytes(path.read_bytes()[:-9])

    with pytest.raises(SourceError, match=r"pubmed26n0002.xml.gz has the MD5"):
        mesh(archive, tmp_path / "mesh", baseline=str(bulk), workers=1)

    assert not (tmp_path / "mesh" / "mesh.parquet").exists()


def test_a_file_that_is_missing_is_told(archive, bulk, tmp_path):
    made.write_bulk(bulk / "updatefiles", 4, made.article(100))

    with pytest.raises(UsageError, match="number 3"):
        mesh(archive, tmp_path / "mesh", baseline=str(bulk), workers=1)


def test_files_of_two_years_are_told(archive, bulk, tmp_path):
    made.write_bulk(bulk, 3, made.article(100), year=27)

    with pytest.raises(UsageError, match="several years"):
        mesh(archive, tmp_path / "mesh", baseline=str(bulk), workers=1)


def test_a_folder_of_something_else_is_left_alone(archive, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")

    with pytest.raises(UsageError, match="is not empty and not"):
        mesh(archive, tmp_path / "mine", baseline="nowhere")
    with pytest.raises(UsageError, match=r"holds no mesh\.parquet"):
        MeshTable.open(tmp_path / "mine")


def test_a_run_that_failed_goes_on(eutils, ncbi, tmp_path, monkeypatch):
    from biomedica_dataset.pubmed.mesh import efetch

    monkeypatch.setattr(efetch, "PMIDS_A_CALL", 2)
    monkeypatch.setattr(efetch, "_CALLS_A_PART", 1)
    archive = made.write_archive(tmp_path / "archive", [(n, n, None) for n in range(1, 7)])
    eutils.records = {n: made.article(n) for n in range(1, 7)}
    eutils.faults = [Fault(), Fault(), *[Fault(body=HTML)] * 6]
    with pytest.raises(SourceError):
        mesh(archive, tmp_path / "mesh", client=ncbi)
    before = len(eutils.asked)

    mesh(archive, tmp_path / "mesh", client=ncbi)

    assert len(eutils.asked) - before == 1
    found = MeshTable.open(tmp_path / "mesh").articles(0, 10)
    assert {n: terms.names for n, terms in found.items()} == {n: made.names(n) for n in range(1, 7)}


@pytest.mark.slow
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_no_term_ever_lands_on_another_article(eutils, ncbi, data):
    """Over random omissions, orders, repetitions and unasked records of an answer."""
    pmids = data.draw(st.lists(st.integers(1, 10_000), min_size=1, max_size=30, unique=True))
    known = set(data.draw(st.lists(st.sampled_from(pmids), unique=True)))
    eutils.records = {n: made.article(n, terms=n % 3) for n in known}

    rng = random.Random(data.draw(st.integers(0, 2**32)))  # the server answers in another thread

    def arrange(records):
        strange = [made.article(n) for n in rng.sample(range(20_000, 20_009), rng.randrange(3))]
        mixed = [*records, *rng.choices(records or strange or [made.book(1)], k=2), *strange]
        rng.shuffle(mixed)
        return mixed

    eutils.arrange = arrange
    eutils.faults = data.draw(
        st.lists(st.sampled_from([Fault(body=HTML), Fault(cut=30), Fault(status=503)]), max_size=3)
    )
    with tempfile.TemporaryDirectory() as scratch:
        archive = made.write_archive(Path(scratch, "a"), [(n + 7, n, None) for n in pmids])
        mesh(archive, Path(scratch, "m"), client=ncbi)
        found = MeshTable.open(Path(scratch, "m")).articles(0, 20_000)
    eutils.faults, eutils.arrange = [], list

    assert {pmcid - 7 for pmcid in found} == set(pmids)
    for pmcid, terms in found.items():
        pmid = pmcid - 7
        expected = made.names(pmid, pmid % 3) or None if pmid in known else None
        assert terms.names == expected
        assert terms.keywords == ([f"word of {pmid}"] if pmid in known else None)


IDS = st.tuples(
    st.integers(0, 6), st.integers(1, 2), st.integers(0, 6), st.integers(0, 6), st.booleans()
)


@given(st.lists(IDS.filter(lambda ids: ids[0] > 0), max_size=25), st.lists(IDS, max_size=8))
def test_records_are_joined_as_the_rules_say(rows, articles):
    wanted = {ids[2] + 1: (ids[2] + 1, ids[0], ids[3]) for ids in articles}
    table = np.array(sorted(wanted.values()), dtype=np.int64).reshape(-1, 3)
    columns = np.array(rows, dtype=np.int64).reshape(-1, 5)
    records = Records(*(columns[:, i] for i in range(4)), columns[:, 4].astype(bool))

    joined = join(ArticleIds(table[:, 0], table[:, 1], table[:, 2]), records)

    current: dict[int, int] = {}
    for pmid in {row[0] for row in rows}:
        last = {row[1]: i for i, row in enumerate(rows) if row[0] == pmid}
        alive = {version: i for version, i in last.items() if not rows[i][4]}
        if alive:
            current[pmid] = alive[max(alive)]
    for (pmcid, pmid, doi), row in zip(sorted(wanted.values()), joined.rows.tolist(), strict=True):
        assert row == expected_row(rows, current, pmcid, pmid, doi)


def expected_row(rows, current, pmcid, pmid, doi):
    if pmid and pmid in current:
        return current[pmid]
    by_pmcid = [i for i in current.values() if rows[i][2] == pmcid]
    if by_pmcid:
        return by_pmcid[0] if len(by_pmcid) == 1 else NO_ROW
    by_doi = [i for i in current.values() if doi and rows[i][3] == doi]
    if len(by_doi) == 1 and rows[by_doi[0]][2] in (0, pmcid):
        return by_doi[0]
    return NO_ROW


def test_columns_say_what_the_records_say():
    citations = parse_citations(
        made.document(*(made.article(n, terms=n % 3) for n in range(1, 8)), made.book(9))
    )

    rows = part_table(citations).to_pylist()

    for citation, row in zip(citations, rows, strict=True):
        assert [h["name"] for h in row["mesh"] or ()] == [
            h.descriptor.name for h in citation.headings
        ]
        assert [[q["name"] for q in h["qualifiers"] or ()] for h in row["mesh"] or ()] == [
            [q.name for q in h.qualifiers] for h in citation.headings
        ]
        assert [s["text"] for s in row["abstract"] or ()] == [s.text for s in citation.abstract]
        assert row["doi"] == doi_number(citation.doi)
    assert rows[2]["mesh"] is None


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_arguments):
        pass


def test_bulk_files_are_read_from_the_web(archive, bulk, tmp_path):
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(bulk)))
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}/"

    mesh(archive, tmp_path / "web", baseline=url, workers=1)
    mesh(archive, tmp_path / "folder", baseline=str(bulk), workers=1)
    server.shutdown()
    server.server_close()

    web, folder = ((tmp_path / n / "mesh.parquet").read_bytes() for n in ("web", "folder"))
    assert web == folder


def test_a_record_that_is_broken_costs_only_itself(tmp_path):
    archive = made.write_archive(tmp_path / "archive", [(n, n, None) for n in (1, 2, 3)])
    broken = made.article(2).replace("<sup>", "<sup")
    made.write_bulk(tmp_path / "bulk", 1, made.article(1), broken, made.article(3))

    mesh(archive, tmp_path / "mesh", baseline=str(tmp_path / "bulk"), workers=1)

    table = MeshTable.open(tmp_path / "mesh")
    found = {pmcid: terms.names for pmcid, terms in table.articles(0, 9).items()}
    assert found == {1: made.names(1), 2: None, 3: made.names(3)}
    assert table.header["records"]["unreadable"] == 1
