"""The whole route in a bucket, to streamed pairs: the same bytes as on a disk."""

from __future__ import annotations

import pytest

from biomedica_dataset import open_dataset
from biomedica_dataset.annotation.clusters.assign import assign
from biomedica_dataset.annotation.clusters.cluster import cluster
from biomedica_dataset.annotation.clusters.cluster_plots import write_plots
from biomedica_dataset.annotation.embeddings.embed import embed
from biomedica_dataset.annotation.labels.label import label
from biomedica_dataset.annotation.review.sheets import Review, write_sheets
from biomedica_dataset.archive.ledger import Archive
from biomedica_dataset.engine.launch import Launch, Part
from biomedica_dataset.errors import UsageError
from biomedica_dataset.extraction.extract import extract
from biomedica_dataset.hub.push import push_to_hub
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.pubmed.mesh.mesh import mesh
from biomedica_dataset.sample.votes import write_votes
from biomedica_dataset.serialization.serialize import serialize
from biomedica_dataset.verification.verify import verify
from biomedica_dataset.webdataset.export import serialize_webdataset

from ..pubmed import made
from ..trees import tree
from ..untrained_encoder import write_encoder


def make(bucket, base, here):
    """Go the whole route, all that it leaves below one address; votes and sheets stay here."""
    here.mkdir()
    write_encoder(here / "encoder")
    at = {
        name: f"{base}/{name}"
        for name in (
            "archive", "mesh", "vectors", "clusters", "assigned", "labels", "biomedica", "tars"
        )
    }  # fmt: skip
    extract(str(bucket), at["archive"], workers=1)
    opened = Archive.open(at["archive"])
    rows = [row for block in opened.blocks() for row in opened.rows(block)]
    pmcids = sorted({row.pmcid for row in rows if row.status == "kept"})
    records = [made.article(900 + n, pmcid=pmcid) for n, pmcid in enumerate(pmcids)]
    made.write_bulk(here / "bulk", 1, *records)
    mesh(at["archive"], at["mesh"], baseline=str(here / "bulk"), workers=1)
    embed(at["archive"], at["vectors"], model=str(here / "encoder"), workers=0)
    clusters = cluster(at["vectors"], at["clusters"], components=8, clusters=6)
    write_plots(clusters.model.header, Folder(at["clusters"]))
    assign(at["vectors"], at["assigned"], clusters=at["clusters"], workers=1)
    write_sheets(at["assigned"], at["archive"], here / "review", workers=1)
    votes = write_votes(Review.open(here / "review"), here / "votes")
    label(votes, at["labels"], assignments=at["assigned"])
    joined = {"mesh": at["mesh"], "clusters": at["assigned"], "labels": at["labels"], "workers": 1}
    for number in (1, 2):
        launch = Launch(part=Part(number, 2), run_id="night")
        serialize(at["archive"], at["biomedica"], launch=launch, **joined)
    serialize_webdataset(at["archive"], at["tars"], **joined)
    return at


def objects(url):
    store, root = Folder(url).filesystem, Folder(url).root
    return {name.removeprefix(f"{root}/"): store.cat_file(name) for name in store.find(root)}


@pytest.mark.slow
def test_the_route_in_a_bucket_is_that_on_a_disk(s3, sample_bucket, tmp_path):
    at = make(sample_bucket, f"{s3}/route", tmp_path / "elsewhere")
    make(sample_bucket, tmp_path / "disk", tmp_path / "here")

    found = objects(f"{s3}/route")
    assert found.keys() == tree(tmp_path / "disk").keys()
    differing = {name for name in found if (tmp_path / "disk" / name).read_bytes() != found[name]}
    assert not differing
    for name in ("archive", "biomedica"):
        report = verify(at[name])
        assert (report.problems, report.rows > 0) == ([], True)

    pairs = list(open_dataset(at["biomedica"], licenses=["commercial"]))
    same = list(open_dataset(tmp_path / "disk" / "biomedica", licenses=["commercial"]))
    assert [pair["key"] for pair in pairs] == [pair["key"] for pair in same]
    assert all(pair["image"] is not None for pair in pairs)

    with pytest.raises(UsageError, match="not on this machine; copy the folder here"):
        push_to_hub(at["biomedica"], "org/name")
