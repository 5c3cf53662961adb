"""The dry run: what a run would cost, reading little and writing nothing."""

from __future__ import annotations

import pytest

from biomedica_dataset.archive.selection import Wants
from biomedica_dataset.errors import UsageError
from biomedica_dataset.extraction.dry_run import plan
from biomedica_dataset.extraction.options import ExtractOptions
from biomedica_dataset.licenses import parse_licenses

from ..trees import tree
from .helpers import Bucket, BucketServer, rows, run

FIRST = "2026-11-20T01-00Z"


def test_a_plan_bounds_what_a_run_costs_and_writes_nothing(sample_bucket, archive):
    with BucketServer(sample_bucket) as server:
        planned = plan(server.url, archive, ExtractOptions(inventory=FIRST))
        assert planned.spent == len(server.log) < planned.requests
        assert not archive.exists()
        server.forget()
        report = run(server.url, archive, inventory=FIRST)
        log = [request for request in server.log if not request.key.startswith("inventory")]

    kept = report.articles["kept"]
    assert kept <= planned.kept <= kept + 3
    assert len(log) <= planned.requests <= 1.5 * len(log)
    assert sum(r.sent for r in log) <= 1.3 * planned.bytes <= 3 * sum(r.sent for r in log)
    assert (planned.versions, planned.articles) == (24, 22)
    assert planned.blocks == 4
    assert "nothing was written" in str(planned)
    assert "at most" in str(planned)


def test_a_plan_for_an_archive_counts_what_changed(bucket: Bucket, archive):
    run(bucket.root, archive)
    before = tree(archive)
    bucket.change("PMC99000205.1", title="Another title")
    bucket.take_inventory()
    planned = plan(str(bucket.root), str(archive), ExtractOptions())

    assert (planned.articles, planned.blocks, planned.blocks_up_to_date) == (1, 1, 3)
    assert tree(archive) == before


def test_a_plan_says_when_there_is_nothing_to_do(sample_bucket, archive):
    run(sample_bucket, archive)
    planned = plan(str(sample_bucket), str(archive), ExtractOptions())

    assert planned.requests == 0
    assert "nothing to do" in str(planned)


def test_a_plan_is_seeded(sample_bucket, archive):
    plans = [
        plan(str(sample_bucket), str(archive), ExtractOptions(), sample=6, seed=seed)
        for seed in (0, 0, 1, 2, 3)
    ]

    assert plans[0] == plans[1]
    assert len({p.bytes for p in plans}) > 1
    assert plans[0].sampled == 6


def test_a_plan_knows_licences_and_images(sample_bucket, archive):
    def planned(**wants):
        return plan(str(sample_bucket), str(archive), ExtractOptions(wants=Wants(**wants)))

    every = planned()
    assert planned(licenses=parse_licenses(["cc0"])).kept == 2  # one has no code, its XML decides
    assert planned(images="none").requests < every.requests
    assert planned(images=frozenset({"PMC99000205_x"})).bytes < every.bytes


def test_a_plan_refuses_what_a_run_refuses(sample_bucket, archive):
    run(sample_bucket, archive, limit=3)

    with pytest.raises(UsageError, match="the newest 3 articles; this run asks for all"):
        plan(str(sample_bucket), str(archive), ExtractOptions())
    assert len(rows(archive)) == 3
