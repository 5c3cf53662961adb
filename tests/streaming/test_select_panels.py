"""Panels are selected as views of their figures, or cut out as images of their own."""

from __future__ import annotations

import hashlib
import io
import tarfile
from dataclasses import replace

import datasets
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from biomedica_dataset import select, verify
from biomedica_dataset.cli import main
from biomedica_dataset.errors import UsageError
from biomedica_dataset.streaming.dataset import open_dataset

from .panels import SIDE, colour, views, write_panels

CONDITION = "letter in [A, C] or letter is null"


@pytest.fixture(scope="module")
def panelled(tmp_path_factory):
    """Folder and rows of a dataset with panels; not to be changed by a test."""
    folder = tmp_path_factory.mktemp("panelled") / "biomedica"
    return folder, write_panels(folder, 60)


def expected(pairs, min_score=0.7):
    return {
        key: (pair, panel)
        for key, (pair, panel) in views(pairs, min_score).items()
        if panel is None or panel["letter"] in "AC"
    }


def test_a_folder_of_views_has_each_figure_once_and_the_chosen_panels_alone(panelled, tmp_path):
    folder, pairs = panelled
    report = select(folder, tmp_path / "subset", unit="panel", min_score=0.7, filters=CONDITION)
    chosen = expected(pairs)
    rows = list(open_dataset(tmp_path / "subset", unit="panel", min_score=0.0))
    figures = list(open_dataset(tmp_path / "subset", columns=["key", "panels"]))

    assert "panels of" in str(report)
    assert [row["key"] for row in rows] == list(chosen)
    assert len(figures) == len({pair.key for pair, _panel in chosen.values()})
    assert sum(len(row["panels"] or []) for row in figures) == sum(
        panel is not None for _pair, panel in chosen.values()
    )
    for row in rows:
        _pair, panel = chosen[row["key"]]
        if panel:
            assert np.asarray(row["image"])[3, 3].tolist() == list(colour(row["key"]))
            assert row["contexts"] == [f"Panel {row['key']}."]
    assert verify(tmp_path / "subset").problems == []
    again = select(folder, tmp_path / "subset", unit="panel", min_score=0.7, filters=CONDITION)
    assert again.written == 0


@pytest.mark.parametrize(("crop", "ending"), [("png", ".png"), ("jpeg", ".jpg")])
def test_crops_are_image_files_that_load_dataset_reads(panelled, tmp_path, crop, ending):
    folder, pairs = panelled
    options = {"unit": "panel", "min_score": 0.7, "filters": CONDITION, "crop": crop}
    select(folder, tmp_path / "crops", margin=0.0, **options)
    chosen = expected(pairs)
    rows = datasets.load_dataset(
        str(tmp_path / "crops"), "commercial", split="train", cache_dir=str(tmp_path / "cache")
    )

    assert sorted(row["key"] for row in rows) == sorted(chosen)
    for row in rows:
        pair, panel = chosen[row["key"]]
        shown = row["key"] if panel or not pair.panels else f"{pair.key}-A"
        difference = np.asarray(row["image"].convert("RGB"))[3, 3].astype(int) - colour(shown)
        assert abs(difference).max() <= (0 if crop == "png" else 6)
        assert row["image"].size == ((SIDE, SIDE) if panel else tuple(pair.image_size))
        assert row["subcaption"] == (panel["subcaption"] if panel else pair.caption)
        assert row["image_license"] == pair.image_license
    assert len(list((tmp_path / "crops").rglob(f"*{ending}"))) == len(chosen)
    card = (tmp_path / "crops" / "README.md").read_text()
    assert ("jpeg of quality 95" if crop == "jpeg" else "as png") in card
    assert select(folder, tmp_path / "crops", **options).written == 0
    with pytest.raises(UsageError, match="choose an empty or new folder"):
        select(folder, tmp_path / "crops", margin=0.1, **options)


@pytest.mark.parametrize(("crop", "ending"), [("png", "png"), ("jpeg", "jpg")])
def test_crops_are_tars_with_the_texts_of_panels(panelled, tmp_path, crop, ending):
    folder, pairs = panelled
    select(
        folder, tmp_path / "tars", unit="panel", min_score=0.7, filters=CONDITION,
        crop=crop, margin=0.25, format="webdataset",
    )  # fmt: skip
    chosen, found = expected(pairs), {}
    for path in (tmp_path / "tars").rglob("*.tar"):
        with tarfile.open(path) as tar:
            for member in tar:
                key, _, kind = member.name.partition(".")
                found.setdefault(key, {})[kind] = tar.extractfile(member).read()

    assert found.keys() == chosen.keys()
    for key, parts in found.items():
        pair, panel = chosen[key]
        assert parts.keys() == {ending, "txt", "json"}
        assert parts["txt"].decode() == (panel["subcaption"] if panel else pair.caption)
        width = Image.open(io.BytesIO(parts[ending])).width
        assert width > SIDE if panel else width == pair.image_size[0]
    assert "margin of 0.25" in (tmp_path / "tars" / "README.md").read_text()


def test_a_figure_that_cannot_be_decoded_is_left_out_and_said(tmp_path, caplog, monkeypatch):
    from . import panels as made

    whole = made.compound

    def broken(rng, shard, number):
        pair = whole(rng, shard, number)
        if number != 1:
            return pair
        data = b"no image"
        image = {"bytes": data, "path": pair.image_file_name}
        return replace(pair, image=image, image_hash=hashlib.sha256(data).hexdigest())

    monkeypatch.setattr(made, "compound", broken)
    pairs = write_panels(tmp_path / "biomedica", 15)
    select(tmp_path / "biomedica", tmp_path / "crops", unit="panel", min_score=0.0, crop="png")
    kept = [key for key, (pair, _) in views(pairs, 0.0).items() if pair.image["bytes"][:2] != b"no"]

    assert len(list((tmp_path / "crops").rglob("*.png"))) == len(kept)
    assert "could not be decoded and were left out" in caplog.text


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"crop": "png"}, "set unit to panel"),
        ({"unit": "panel", "crop": "gif"}, "crop must be one of png, jpeg"),
        ({"unit": "panel", "format": "webdataset"}, "format webdataset has no boxes"),
        ({"unit": "panel", "format": "csv"}, "format csv has no boxes"),
        ({"unit": "panel", "crop": "png", "format": "csv"}, "format with a crop must be one of"),
        ({"unit": "panel", "margin": 0.1}, "margin is of images that are cut out"),
        ({"unit": "panel", "keys_only": True}, "keys_only writes keys of figures"),
    ],
)
def test_what_does_not_go_together_is_refused(panelled, tmp_path, options, says):
    with pytest.raises(UsageError, match=says):
        select(panelled[0], tmp_path / "subset", **options)


def test_the_command_takes_the_same(panelled, tmp_path):
    found = CliRunner().invoke(
        main,
        ["select", str(panelled[0]), "-o", str(tmp_path / "x"), "--unit", "panel", "--min-score",
         "0.7", "--filter", "letter = B", "--crop", "jpeg", "--margin", "0.1"],
    )  # fmt: skip

    assert found.exit_code == 0, found.output
    assert list((tmp_path / "x").rglob("*-B.jpg"))
