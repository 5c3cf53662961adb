"""Parts of a stage may overlap, be killed or cut anew: nothing is missed, nothing built twice."""

from __future__ import annotations

import subprocess

import numpy as np
import pytest

from biomedica_dataset.annotation.clusters.assign import assign
from biomedica_dataset.annotation.clusters.cluster import cluster
from biomedica_dataset.annotation.embeddings.embed import embed
from biomedica_dataset.annotation.embeddings.model_id import ModelId
from biomedica_dataset.engine.launch import Launch, Part
from biomedica_dataset.errors import RunEndedError, TakenOverError
from biomedica_dataset.extraction.extract import extract
from biomedica_dataset.io.folders import RUN
from biomedica_dataset.serialization.serialize import serialize
from biomedica_dataset.verification.verify import verify
from biomedica_dataset.webdataset.export import serialize_webdataset

from ..servers import BucketServer
from ..trees import tree
from .conftest import command, environment

FIRST = "2026-11-20T01-00Z"


class Calling:
    """An encoder of mean colours, which calls something before the first image."""

    colour = (0, 0, 0)

    def __init__(self, call=None):
        self.id = ModelId(
            name="calling", revision=None, weights="0", dim=3, size=8, preprocess="fit",
            mean=None, std=None, dtype="float32", pictures=0,
        )  # fmt: skip
        self._call = call

    def encode(self, images):
        call, self._call = self._call, None
        if call is not None:
            call()
        return images.reshape(len(images), -1, 3).mean(axis=1, dtype=np.float32)


def part(number, of, run_id="night"):
    return Launch(part=Part(number, of), run_id=run_id)


def make(archive, output, launch=None, call=None):
    return embed(archive, output, encoder=Calling(call), workers=0, launch=launch)


@pytest.fixture
def whole(sample_archive, tmp_path):
    make(sample_archive, tmp_path / "whole")
    return tree(tmp_path / "whole")


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2)])
def test_parts_make_what_one_run_makes(sample_archive, tmp_path, whole, order):
    reports = [make(sample_archive, tmp_path / "parts", part(number, 3)) for number in order]

    assert [report.left > 0 for report in reports] == [True, True, False]
    assert sum(report.written for report in reports) == reports[0].blocks
    assert "of other parts are not done yet" in str(reports[0])
    assert tree(tmp_path / "parts") == whole


def test_parts_of_extract_finish_the_whole_once(sample_bucket, sample_archive, tmp_path):
    archive = tmp_path / "archive"

    def run(number):
        return extract(sample_bucket, archive, workers=1, launch=part(number, 2))

    assert run(2).blocks_left == 2
    assert (archive / RUN).exists()
    assert not (archive / "report.json").exists()
    assert run(1).blocks_left == 0
    assert tree(archive) == tree(sample_archive)


def test_a_part_whose_run_has_been_finished_by_another_stops(sample_archive, tmp_path, whole):
    inner = []

    def overlap():
        inner.append(make(sample_archive, tmp_path / "parts", part(1, 1)))

    with pytest.raises(RunEndedError, match="another part found everything done"):
        make(sample_archive, tmp_path / "parts", Launch(run_id="night"), overlap)

    assert inner[0].written == inner[0].blocks
    assert inner[0].left == 0
    assert tree(tmp_path / "parts") == whole


@pytest.mark.slow
def test_parts_of_different_cuts_at_once_make_the_whole(sample_bucket, sample_archive, tmp_path):
    archive = tmp_path / "archive"
    with BucketServer(sample_bucket, latency=0.05) as server:
        run = command("extract", server.url, "-o", archive, "--inventory", FIRST, "--workers", 1)
        cuts = ["1/2", "2/2", "2/3", "1/3"]
        begun = [
            subprocess.Popen(
                [*run, "--run-id", "night", "--part", cut],
                env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )
            for cut in cuts
        ]  # fmt: skip
        said = [process.communicate(timeout=120) for process in begun]
        assert [process.returncode for process in begun] == [0] * len(cuts), said
        extract(server.url, str(tmp_path / "undisturbed"), workers=1, inventory=FIRST)

    assert tree(archive) == tree(tmp_path / "undisturbed")


def test_a_run_that_was_taken_over_stops_at_its_next_block(sample_archive, tmp_path, whole):
    def take_over():
        make(sample_archive, tmp_path / "out", Launch(take_over=True))

    with pytest.raises(TakenOverError, match="was taken over from this run") as stopped:
        make(sample_archive, tmp_path / "out", call=take_over)

    assert stopped.value.exit_code == 1
    assert tree(tmp_path / "out") == whole


@pytest.mark.slow
def test_an_extract_that_was_taken_over_says_so_and_leaves_the_other_alone(sample_bucket, tmp_path):
    archive = tmp_path / "archive"
    with BucketServer(sample_bucket, latency=0.5) as server:
        run = command("extract", server.url, "-o", archive, "--inventory", FIRST, "--workers", 1)
        with subprocess.Popen(
            run, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as first:
            while not (archive / RUN).exists():
                assert first.poll() is None, first.communicate()
            options = {"inventory": FIRST, "workers": 1}
            extract(sample_bucket, archive, **options, launch=Launch(take_over=True))
            before = tree(archive)
            _, said = first.communicate(timeout=60)

    assert first.returncode == 1
    assert said.splitlines()[-1].startswith(f"Error: {archive} was taken over from this run")
    assert tree(archive) == before


def test_blocks_that_have_gone_are_removed_by_who_finds_all_done(sample_archive, tmp_path):
    make(sample_archive, tmp_path / "vectors")
    cluster(tmp_path / "vectors", tmp_path / "clusters", components=2, clusters=2)
    assign(tmp_path / "vectors", tmp_path / "assigned", clusters=tmp_path / "clusters", workers=1)
    gone = sorted((tmp_path / "vectors" / "blocks").iterdir())
    (tmp_path / "assigned" / "blocks" / gone[0].name).unlink()
    gone[-1].unlink()
    numbers = [int(path.stem) % 2 + 1 for path in gone]

    def again(number):
        return assign(tmp_path / "vectors", tmp_path / "assigned", clusters=tmp_path / "clusters",
            workers=1, launch=part(number, 2),
        )  # fmt: skip

    waiting = again(3 - numbers[0])
    assert (waiting.written, waiting.left) == (0, 1)
    assert (tmp_path / "assigned" / "blocks" / gone[-1].name).exists()
    done = again(numbers[0])
    assert (done.written, done.left) == (1, 0)
    assert not (tmp_path / "assigned" / "blocks" / gone[-1].name).exists()


@pytest.mark.slow
@pytest.mark.parametrize("layout", [serialize, serialize_webdataset])
def test_parts_of_a_dataset_publish_it_when_all_are_done(sample_archive, tmp_path, layout):
    layout(sample_archive, tmp_path / "whole", workers=1)
    card = tmp_path / "parts" / "README.md"

    def run(number):
        return layout(sample_archive, tmp_path / "parts", workers=1, launch=part(number, 2))

    first = run(2)
    assert first.left == 1
    assert not card.exists()
    assert "of other parts are not done yet" in str(first)
    assert run(1).left == 0
    assert tree(tmp_path / "parts") == tree(tmp_path / "whole")

    before = card.stat().st_ino
    again = run(2)
    assert (again.rewritten, again.left, card.stat().st_ino) == (0, 0, before)


@pytest.mark.slow
def test_a_dataset_whose_parts_were_killed_is_made_whole_by_one_run(sample_archive, tmp_path):
    serialize(sample_archive, tmp_path / "whole", workers=1)
    serialize(sample_archive, tmp_path / "parts", workers=1, launch=part(1, 2))

    serialize(sample_archive, tmp_path / "parts", workers=1, launch=Launch(take_over=True))

    assert tree(tmp_path / "parts") == tree(tmp_path / "whole")
    assert verify(tmp_path / "parts").problems == []
