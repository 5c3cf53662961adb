"""From a question to rows with MeSH terms, by the command."""

from __future__ import annotations

import datetime
import json
import tarfile

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from biomedica_dataset.archive.ledger import Archive
from biomedica_dataset.cli.group import main
from biomedica_dataset.pubmed.mesh.mesh import mesh
from biomedica_dataset.pubmed.mesh.table import MeshTable
from biomedica_dataset.serialization.serialize import serialize
from biomedica_dataset.webdataset.export import serialize_webdataset

from . import made


def run(*arguments: object) -> str:
    result = CliRunner().invoke(main, [str(a) for a in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture
def pmcids(sample_archive) -> list[int]:
    archive = Archive.open(sample_archive)
    return [row.pmcid for b in archive.blocks() for row in archive.rows(b) if row.status == "kept"]


def columns(dataset, config, *names):
    paths = sorted((dataset / config).rglob("*.parquet"))
    rows = [row for p in paths for row in pq.read_table(p, columns=list(names)).to_pylist()]
    return {row["article_accession_id"]: row for row in rows}


@pytest.mark.slow
def test_terms_come_into_the_rows_and_only_their_shards_change(
    sample_archive, pmcids, tmp_path, monkeypatch
):
    records = [made.article(900 + i, pmcid=pmcid) for i, pmcid in enumerate(pmcids[:-1])]
    made.write_bulk(tmp_path / "bulk", 1, *records)
    run("mesh", sample_archive, "-o", tmp_path / "mesh", "--baseline", tmp_path / "bulk")
    first = serialize(sample_archive, tmp_path / "data", mesh=tmp_path / "mesh", workers=1)
    table = MeshTable.open(tmp_path / "mesh").articles(0, 10**12)

    names = ("article_accession_id", "article_mesh_terms")
    captions = columns(tmp_path / "data", "captions", *names)
    assert captions
    for pmcid, row in captions.items():
        assert row["article_mesh_terms"] == table[int(pmcid[3:])].names
    articles = columns(tmp_path / "data", "articles", *names, "article_mesh_headings")
    for pmcid, row in articles.items():
        assert row["article_mesh_headings"] == table[int(pmcid[3:])].mesh
        assert row["article_mesh_terms"] == table[int(pmcid[3:])].names
    assert sum(row["article_mesh_terms"] is None for row in articles.values()) == 1

    assert serialize(sample_archive, tmp_path / "data", mesh=tmp_path / "mesh").rewritten == 0
    made.write_bulk(tmp_path / "bulk", 2, made.article(900, pmcid=pmcids[0], note=" new"))
    mesh(sample_archive, tmp_path / "mesh", baseline=str(tmp_path / "bulk"), workers=1)
    again = serialize(sample_archive, tmp_path / "data", mesh=tmp_path / "mesh", workers=1)
    assert again.rewritten == 1
    assert first.rewritten == first.shards


@pytest.mark.slow
def test_terms_come_into_the_tars_too(sample_archive, pmcids, tmp_path):
    records = [made.article(900 + i, pmcid=pmcid) for i, pmcid in enumerate(pmcids)]
    made.write_bulk(tmp_path / "bulk", 1, *records)
    mesh(sample_archive, tmp_path / "mesh", baseline=str(tmp_path / "bulk"), workers=1)
    options = {"mesh": tmp_path / "mesh", "workers": 1}
    serialize_webdataset(sample_archive, tmp_path / "tars", **options)
    table = MeshTable.open(tmp_path / "mesh").articles(0, 10**12)

    seen = 0
    for path in sorted((tmp_path / "tars").rglob("*.tar")):
        with tarfile.open(path) as tar:
            for member in tar:
                if member.name.endswith(".json"):
                    record = json.load(tar.extractfile(member))
                    pmcid = int(record["article_accession_id"][3:])
                    assert record["article_mesh_terms"] == table[pmcid].names
                    seen += 1
    assert seen == 62
    assert serialize_webdataset(sample_archive, tmp_path / "tars", **options).rewritten == 0


def test_a_question_chooses_and_is_kept(eutils, sample_bucket, pmcids, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr("biomedica_dataset.pubmed.client._RATE", 1e6)
    eutils.released = dict.fromkeys(pmcids[:3], datetime.date(2020, 1, 1))
    command = ("extract", sample_bucket, "-o", tmp_path / "archive", "--query", "skin")

    shown = run(*command, "--dry-run")
    assert "'skin' finds 3 articles" in shown
    assert "2020: 3" in shown
    assert f"PMC{sorted(pmcids)[0]}  Title of {sorted(pmcids)[0]}" in shown
    assert not (tmp_path / "archive").exists()

    run(*command)
    stored = json.loads((tmp_path / "archive" / "archive.json").read_text())["selection"]
    assert stored["kind"] == "query"
    assert stored["query"]["query"] == "skin"
    assert stored["query"]["translation"] == "understood"
    assert stored["query"]["count"] == 3
    assert sorted(stored["pmcids"]) == sorted(f"PMC{n}" for n in pmcids[:3])

    asked = len(eutils.asked)
    assert "nothing to do" in run(*command)
    assert len(eutils.asked) == asked
    other = CliRunner().invoke(main, [*map(str, command[:-1]), "hair"])
    assert other.exit_code == 2
    assert "choose another output folder" in other.output
