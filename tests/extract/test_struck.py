"""A proxy or a login page between here and the source does not pass for the source."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from biomedica_dataset.archive.selection import Wants
from biomedica_dataset.cli import main
from biomedica_dataset.errors import SourceError
from biomedica_dataset.extraction.blocks import run_blocks
from biomedica_dataset.extraction.live import find_blocks, read_block
from biomedica_dataset.io.objects import RetryPolicy
from biomedica_dataset.pmc.source import Source

from ..servers.rude import ENDLESS, RudeServer
from .helpers import BucketServer, Fault, fates, run
from .test_faults import FIRST, no_tick, start, tasks_of

PORTAL = Fault(body=b"<!DOCTYPE html><html><title>Log in</title></html>")
FAULTS = {
    "portal": PORTAL,
    "403": Fault(403),
    "truncated": Fault(body=b"{"),
    "gzip": Fault(body=b"\x1f\x8b", headers=(("Content-Encoding", "gzip"),)),
}


def extract(url, bucket, archive, *more):
    inventory = next(Path(bucket.root, "inventory-reports").rglob("*.csv.gz"))
    arguments = ["extract", url, "-o", str(archive), "--workers", "1", "--inventory"]
    return CliRunner().invoke(main, [*arguments, str(inventory), *more])


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_source_that_something_changes_is_not_taken_for_the_source(bucket, archive, fault):
    with BucketServer(bucket.root, share=(0.9, fault)) as server:
        first = extract(server.url, bucket, archive)
        assert first.exit_code == 1, first.output
        assert "proxy" in first.output
        again = extract(server.url, bucket, archive)
        assert again.exit_code == 1
        assert "nothing to do" not in again.output
    healed = extract(str(bucket.root), bucket, archive)

    assert healed.exit_code == 0
    run(bucket.root, archive.parent / "calm", inventory=FIRST)
    assert fates(archive) == fates(archive.parent / "calm")


def test_a_few_losses_are_named_with_the_option_that_asks_again(bucket, archive):
    key = "PMC99000205.1/PMC99000205.1.xml"
    with BucketServer(bucket.root, faults={key: Fault(403)}) as server:
        for _time in range(2):
            shown = extract(server.url, bucket, archive)
            assert shown.exit_code == 0
            assert "incomplete at the source: 1 article versions and 0 figures" in shown.output
            assert "--retry" in shown.output
    assert "--retry" not in extract(str(bucket.root), bucket, archive, "--retry").output


def test_a_stream_of_a_changed_source_ends_in_an_error(bucket, tmp_path):
    inventory = str(next(Path(bucket.root, "inventory-reports").rglob("*.csv.gz")))
    with BucketServer(bucket.root, share=(1.0, PORTAL)) as server:
        blocks = find_blocks(server.url, inventory=inventory, cache=str(tmp_path))
        with pytest.raises(SourceError, match="a proxy or a login page"):
            list(read_block(blocks, blocks.numbers[0], Wants(), lambda _pmcid: True))


@pytest.mark.slow
@pytest.mark.parametrize("answer", ENDLESS.values(), ids=ENDLESS)
def test_no_answer_without_an_end_holds_extract(bucket, archive, answer, monkeypatch):
    monkeypatch.setattr("biomedica_dataset.io.deadline._REPLY", 0.5)
    policy = RetryPolicy(
        connect=1, silence=0.3, whole=1, retries=1, first_pause=0.01, longest_pause=0.02
    )
    with RudeServer(answer) as server:
        source = Source(server.url, policy)
        failed = run_blocks(start(archive), source, tasks_of(bucket)[:1], no_tick).failed
    assert len(failed) == 1


def test_the_password_of_a_source_is_used_and_written_nowhere(bucket, archive):
    with BucketServer(bucket.root) as server:
        secret = server.url.replace("://", "://me:s%40cret@") + "/?token=hidden"
        shown = extract(secret, bucket, archive)
        assert shown.exit_code == 0, shown.output
        log = server.log
    assert {request.headers.get("authorization") for request in log} == {"Basic bWU6c0BjcmV0"}
    written = [path.read_bytes() for path in archive.rglob("*") if path.is_file()]
    assert len(written) > 3
    for text in (shown.output.encode(), *written):
        assert b"cret" not in text.replace(b"secret", b"")
        assert b"hidden" not in text or b"forbidden" in text
    assert json.loads((archive / "archive.json").read_bytes())["source"].rstrip("/") == server.url


def test_a_password_goes_to_no_other_host(bucket, archive):
    key = "metadata/PMC99000205.1.json"
    with BucketServer(bucket.root) as other:
        away = Fault(302, location=f"{other.url.replace('127.0.0.1', 'localhost')}/{key}")
        with BucketServer(bucket.root, faults={key: away}) as server:
            extract(server.url.replace("://", "://me:pw@"), bucket, archive)
        (request,) = other.log
    assert "authorization" not in {name.lower() for name in request.headers}
