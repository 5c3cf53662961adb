"""`annotate overlap`: images of benchmarks among ours are found, left out, and counted."""

from __future__ import annotations

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image, ImageDraw, ImageOps

from biomedica_dataset import (
    UsageError,
    evaluate,
    look,
    open_dataset,
    overlap,
    select,
    serialize,
)
from biomedica_dataset.annotation.duplicates.overlaps import Overlap
from biomedica_dataset.cli import main
from biomedica_dataset.clip.train.config import DataConfig
from biomedica_dataset.clip.train.data import choose_pairs

from .made import stored, write


def lettered(picture):
    picture = picture.copy()
    ImageDraw.Draw(picture).rectangle((4, 4, 24, 24), fill="white")
    return picture


def cropped(picture):
    width, height = picture.size
    return picture.crop((width // 40, height // 40, width - width // 40, height - height // 40))


CHANGES = {
    "again": lambda picture: picture,
    "mirrored": ImageOps.mirror,
    "turned": lambda picture: picture.rotate(90, expand=True),
    "upside_down": lambda picture: picture.rotate(180),
    "lettered": lettered,
    "cropped": cropped,
}


def drawn(number):
    noise = np.random.default_rng(number).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((240, 180), Image.Resampling.BICUBIC)


@pytest.fixture(scope="module")
def measured(sample_archive, tmp_path_factory):
    folder = tmp_path_factory.mktemp("overlap") / "look"
    look(sample_archive, folder, workers=1)
    return folder


@pytest.fixture(scope="module")
def photographs(sample_dataset):
    """Keys and pictures of images that have something everywhere."""
    found = []
    for row in open_dataset(sample_dataset, columns=["key", "image"]):
        picture = row["image"].convert("RGB")
        grey = np.asarray(picture.convert("L").resize((64, 64)), float)
        if min(picture.size) > 100 and np.median(grey.reshape(8, 8, 8, 8).std((1, 3))) > 8:
            found.append((row["key"], picture))
    assert len(found) >= len(CHANGES)
    return found[: len(CHANGES)]


@pytest.fixture(scope="module")
def bench(photographs, tmp_path_factory):
    """A folder of changed images of the sample, of others, and of a broken one."""
    folder = tmp_path_factory.mktemp("bench") / "bench"
    folder.mkdir()
    for (name, change), (_key, picture) in zip(CHANGES.items(), photographs, strict=True):
        change(picture).save(folder / f"{name}.jpg", quality=85)
    for number in range(3):
        drawn(number).save(folder / f"other{number}.png")
    (folder / "broken.jpg").write_bytes(b"no image")
    return folder


@pytest.fixture(scope="module")
def found(measured, bench, tmp_path_factory):
    output = tmp_path_factory.mktemp("found") / "overlap"
    return output, overlap(measured, output, against=[str(bench)])


def test_changed_images_are_found_in_ours_and_no_others(found, photographs):
    output, report = found

    expected = {f"{name}.jpg": key for name, (key, _) in zip(CHANGES, photographs, strict=True)}
    rows = Overlap.open(output).matches().to_pylist()
    assert {row["image"]: row["key"] for row in rows} == expected
    assert report.benchmarks["bench"].seen == len(CHANGES) + 4
    assert report.benchmarks["bench"].kept == len(CHANGES) + 3
    assert (report.found, report.flagged, report.images) == ({"bench": 6}, 6, 62)
    assert "6 are among ours (66.7%)" in str(report)
    assert Overlap.open(output).keys() == set(expected.values())


def test_the_same_again_does_nothing_and_another_benchmark_needs_another_folder(
    found, measured, bench, tmp_path
):
    again = overlap(measured, found[0], against=[str(bench)])
    assert (again.written, str(again).splitlines()[0]) == (0, str(found[1]).splitlines()[0])
    other = tmp_path / "other"
    other.mkdir()
    drawn(7).save(other / "one.png")
    with pytest.raises(UsageError, match="has the overlap of other images: images of bench among"):
        overlap(measured, found[0], against=[str(other)])


def test_rows_of_a_benchmark_are_left_out_of_subsets_streams_and_trainings(
    found, sample_dataset, tmp_path
):
    keys = Overlap.open(found[0]).keys()
    streamed = {
        row["key"] for row in open_dataset(sample_dataset, without=found[0], columns=["key"])
    }
    done = CliRunner().invoke(
        main, ["select", str(sample_dataset), "--without", str(found[0]), "-o", str(tmp_path / "s")]
    )
    pairs = choose_pairs(DataConfig(path=str(sample_dataset), without=str(found[0])), 0)

    assert done.exit_code == 0
    assert "6 rows left out: in a benchmark" in done.output
    assert str(tmp_path) not in (tmp_path / "s" / "README.md").read_text()
    subset = {row["key"] for row in open_dataset(tmp_path / "s", columns=["key"])}
    assert subset == streamed == set(pairs.table["key"].to_pylist())
    assert len(subset) == 62 - 6
    assert not subset & keys


@pytest.mark.slow
def test_the_card_names_the_benchmarks_and_conditions_their_images(found, sample_archive, tmp_path):
    serialize(sample_archive, tmp_path / "d", attributes=[found[0]], workers=1)

    chosen = select(tmp_path / "d", filters="overlap.benchmarks is not null", dry_run=True)
    assert len(chosen.chosen.table) == 6
    assert "images of bench among ours" in (tmp_path / "d" / "README.md").read_text()


def test_a_task_is_a_benchmark(measured, photographs, tmp_path):
    for label, (_key, picture) in zip(("blue", "green"), photographs, strict=False):
        (tmp_path / "images" / label).mkdir(parents=True)
        picture.save(tmp_path / "images" / label / "0.png")
    task = write(tmp_path / "mine.yaml", source={"folder": "images"}, classes=["blue", "green"])

    report = overlap(measured, tmp_path / "overlap", against=[task])

    assert report.found == {"mine": 2}


@pytest.mark.slow
def test_equal_bytes_are_found_though_there_is_little_to_see(sample_archive, measured, tmp_path):
    images = tmp_path / "images"
    images.mkdir()
    for number, row in enumerate(open_dataset_bytes(sample_archive, tmp_path)):
        (images / f"{number}.png").write_bytes(row)

    report = overlap(measured, tmp_path / "overlap", against=[str(images)])

    assert report.found["images"] == report.benchmarks["images"].kept == 62


def open_dataset_bytes(archive, folder):
    serialize(archive, folder / "d", workers=1)
    rows = open_dataset(folder / "d", columns=["image"], split="all").decode(enable=False)
    return [row["image"]["bytes"] for row in rows]


@pytest.mark.parametrize(
    ("against", "said"),
    [("none.yaml", "there is no task, domain or file"), ("empty", "has no images; name a folder")],
)
def test_a_benchmark_that_is_none_is_refused(measured, tmp_path, monkeypatch, against, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()

    with pytest.raises(UsageError, match=said):
        overlap(measured, tmp_path / "overlap", against=[against])
    assert not (tmp_path / "overlap").exists()


def test_evaluate_also_measures_without_what_is_in_the_training_data(
    measured, photographs, models, tmp_path
):
    for number, (_key, picture) in enumerate(photographs[:4]):
        folder = tmp_path / "images" / ("blue", "green")[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        (picture if number < 2 else drawn(number)).save(folder / f"{number}.png")
    options = {"source": {"folder": "images"}, "classes": ["blue", "green"]}
    tasks = [write(tmp_path / f"{name}.yaml", **options) for name in ("mine", "unchecked")]
    overlap(measured, tmp_path / "overlap", against=tasks[:1])

    evaluate(
        [str(models / "first")],
        tmp_path / "out",
        tasks=tasks,
        draws=5,
        overlap=tmp_path / "overlap",
    )

    found = stored(tmp_path / "out")["tasks"]
    assert (found["mine"]["in_training_data"], found["mine"]["images"]["kept"]) == (2, 4)
    assert found["mine"]["metrics_without"]["accuracy"]["chance"] == 0.5
    assert found["unchecked"]["in_training_data"] is found["unchecked"]["metrics_without"] is None
    text = (tmp_path / "out" / "results.md").read_text()
    assert "## Images in the training data" in text
    assert "| mine | 2 of 4 |" in text
    assert "| unchecked | 2 of" not in text
