"""Every stage has its output for itself: a second run is refused, or takes it over."""

from __future__ import annotations

import signal
import subprocess
import time

import pytest

from biomedica_dataset.annotation.clusters.cluster import cluster
from biomedica_dataset.annotation.labels.label import label
from biomedica_dataset.annotation.review import sheets as writer
from biomedica_dataset.annotation.review.sample import choose_samples
from biomedica_dataset.annotation.review.sheets import Review, write_sheets
from biomedica_dataset.engine.launch import Launch
from biomedica_dataset.engine.lock import acquire
from biomedica_dataset.errors import TakenOverError, UsageError
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.sample.votes import write_votes
from biomedica_dataset.serialization.serialize import serialize

from ..annotation.conftest import assigned, clustered, embedded, encoder_folder, sheets
from ..scale.conftest import command, environment
from ..trees import tree

__all__ = ["assigned", "clustered", "embedded", "encoder_folder", "sheets"]


@pytest.fixture
def alone(embedded, assigned, sample_archive, sheets, tmp_path):
    """Stages that one launcher does, as functions of their output."""
    votes = write_votes(Review.open(sheets), tmp_path / "votes")
    return {
        "cluster": lambda to, **given: cluster(embedded, to, components=8, clusters=6, **given),
        "labels": lambda to, **given: label(votes, to, assignments=assigned, **given),
        "review": lambda to, **given: write_sheets(
            assigned, sample_archive, to, count=6, workers=1, **given
        ),
    }


@pytest.mark.parametrize("stage", ["cluster", "labels", "review"])
def test_of_two_runs_one_is_refused_or_taken_over(alone, tmp_path, stage):
    run, output = alone[stage], tmp_path / "output"
    run(tmp_path / "calm")
    with acquire(Folder(output), Launch()) as lock:
        with pytest.raises(UsageError, match="is held by another run"):
            run(output)
        lock.check()
        run(output, take_over=True)
        with pytest.raises(TakenOverError, match="was taken over from this run"):
            lock.check()

    assert tree(output) == tree(tmp_path / "calm")


def test_a_run_that_is_refused_leaves_no_folder(sample_archive, tmp_path):
    (tmp_path / "made").mkdir()
    for output in ("new", "made"):
        with pytest.raises(UsageError, match="none"):
            serialize(sample_archive, tmp_path / output, mesh=tmp_path / "none", workers=1)

    assert [path.name for path in tmp_path.rglob("*")] == ["made"]


def test_a_writer_of_sheets_that_is_taken_over_while_it_chooses_images_removes_nothing(
    alone, tmp_path, monkeypatch
):
    run, output = alone["review"], tmp_path / "output"
    run(tmp_path / "calm")

    def suspended(*given):
        monkeypatch.setattr(writer, "choose_samples", choose_samples)
        run(output, take_over=True)
        return choose_samples(*given)

    monkeypatch.setattr(writer, "choose_samples", suspended)
    with pytest.raises(TakenOverError, match="was taken over from this run"):
        run(output)
    assert tree(output) == tree(tmp_path / "calm")


@pytest.mark.slow
def test_select_goes_on_after_ctrl_c_and_says_one_line(sample_dataset, tmp_path):
    from biomedica_dataset.subset.select import select

    from ..servers import BucketServer

    select(sample_dataset, tmp_path / "calm")
    calm = {name for name in tree(tmp_path / "calm") if not name.startswith(".shards/")}
    with BucketServer(sample_dataset, latency=0.4) as server:
        run = command("select", server.url, "-o", tmp_path / "subset")
        home = environment(HF_HOME=str(tmp_path / "home"))
        process = subprocess.Popen(run, env=home, stderr=subprocess.PIPE, text=True)
        while not (tmp_path / "subset" / ".shards" / "select.json").exists():
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)

        assert process.returncode == 130, said
        assert "Traceback" not in said
        assert "__del__" not in said
        assert said.splitlines()[-1].startswith("Stopped. What is finished stays valid")
        assert not list((tmp_path / "subset").glob(".partial-*"))
        subprocess.run(run, env=home, check=True, capture_output=True)

    assert {n for n in tree(tmp_path / "subset") if not n.startswith(".shards/")} == calm
