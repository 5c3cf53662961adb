"""Object detectors that propose panels: from a folder, and beside the letters of a figure."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
import transformers
from PIL import Image

from biomedica_dataset.annotation.panels.boxes import Box
from biomedica_dataset.annotation.panels.detector import ObjectDetector
from biomedica_dataset.annotation.panels.find_panels import find_apart, find_panels
from biomedica_dataset.annotation.panels.find_stage import panels
from biomedica_dataset.annotation.panels.panels import Panels
from biomedica_dataset.annotation.panels.proposals import Proposal
from biomedica_dataset.errors import UsageError
from biomedica_dataset.extraction.extract import extract

from .bucket import write_articles
from .drawn import GRID, figure

SIZE = (800, 600)
TINY = {
    "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64,
    "image_size": [64, 64], "patch_size": 16, "num_detection_tokens": 4, "num_labels": 1,
}  # fmt: skip


def write_detector(folder, box=None, *, seed=0):
    """Write a detector that was never trained but is sure; if asked, it always sees one box."""
    torch.manual_seed(seed)
    model = transformers.YolosForObjectDetection(transformers.YolosConfig(**TINY))
    with torch.no_grad():
        model.class_labels_classifier.layers[-1].bias.copy_(torch.tensor([3.0, -3.0]))
        if box is not None:
            model.bbox_predictor.layers[-1].weight.zero_()
            model.bbox_predictor.layers[-1].bias.copy_(torch.logit(torch.tensor(box)))
    model.save_pretrained(folder)
    size = {"height": 64, "width": 64}
    transformers.YolosImageProcessor(size=size).save_pretrained(folder)
    return folder


class Drawn:
    """A detector that was told where the panels are."""

    id = "drawn 1"

    def __init__(self, boxes, score=0.9):
        self._found = [Proposal(Box(*box), score) for box in boxes]

    def propose(self, image):
        """Return the boxes."""
        assert image.mode == "RGB"
        return self._found


def test_boxes_of_a_detector_are_in_pixels_of_the_image(tmp_path):
    detector = ObjectDetector(str(write_detector(tmp_path / "one", [0.5, 0.25, 0.5, 0.5])))
    (found,) = detector.propose(Image.new("RGB", (400, 200)))

    np.testing.assert_allclose(found.box, (100, 0, 300, 100), atol=0.01)
    assert found.score > 0.9
    assert detector.id.startswith("one ")


def test_the_same_weights_propose_the_same_boxes_within_the_image(tmp_path):
    image = figure(GRID, SIZE)
    folder = write_detector(tmp_path / "tiny")
    first, second = (ObjectDetector(str(folder)) for _ in range(2))

    assert first.propose(image) == second.propose(image) != []
    assert first.id == second.id != ObjectDetector(str(write_detector(folder, seed=1))).id
    for box, score in first.propose(image):
        assert 0 <= box.x0 < box.x1 <= SIZE[0]
        assert 0 <= box.y0 < box.y1 <= SIZE[1]
        assert 0.5 <= score <= 1


def test_boxes_that_agree_with_the_letters_are_the_panels(reader):
    wider = [(x0, y0, x1 + 8, y1 + 8) for x0, y0, x1, y1 in GRID]
    found = find_panels(figure(GRID, SIZE), "ABCD", reader, Drawn(wider[::-1]))

    assert [panel.box for panel in found] == wider
    assert {panel.letter for panel in found} == set("ABCD")
    assert all(0.8 < panel.score <= 0.9 for panel in found)


def test_a_panel_includes_a_letter_that_stands_outside_of_the_box(reader):
    plots = [(x0 + 50, y0 + 40, x1, y1) for x0, y0, x1, y1 in GRID]
    found = find_panels(figure(GRID, SIZE), "ABCD", reader, Drawn(plots))

    for panel, plot, box in zip(found, plots, GRID, strict=True):
        assert panel.box[2:] == plot[2:]
        assert Box(*panel.box).iou(Box(*box)) > 0.8


@pytest.mark.parametrize(
    "boxes",
    [
        [],
        GRID[:3],
        [*GRID[:3], (100, 100, 700, 590)],
        [(0, 0, 800, 600)],
        [(300, 250, 310, 260), *GRID[1:]],
    ],
    ids=["none", "one is missing", "two overlap", "one for all", "far from its letter"],
)
def test_boxes_that_disagree_with_the_letters_leave_the_cut(reader, boxes):
    image = figure(GRID, SIZE)

    assert find_panels(image, "ABCD", reader, Drawn(boxes)) == find_panels(image, "ABCD", reader)


def test_without_letters_the_boxes_are_the_panels_in_reading_order(reader):
    image = figure(GRID, SIZE, letters="    ")
    found = find_apart(image, [], reader, Drawn(GRID[::-1]))

    assert [(panel.letter, panel.box) for panel in found] == [
        (str(number), box) for number, box in enumerate(GRID, 1)
    ]
    assert find_apart(image, ["1", "2"], reader, Drawn(GRID)) == "places_not_found"


def test_the_stage_uses_a_detector_and_refuses_another_for_the_same_folder(tmp_path):
    file = tmp_path / "figure.png"
    figure(GRID, SIZE).save(file)
    caption = "Growth. (A) Controls. (B) Cells. (C) Mice. (D) People. Figure"
    write_articles(tmp_path / "bucket", [file.read_bytes()], caption=caption)
    extract(str(tmp_path / "bucket"), str(tmp_path / "archive"))
    one, other = (str(write_detector(tmp_path / f"d{seed}", seed=seed)) for seed in (0, 1))
    report = panels(tmp_path / "archive", tmp_path / "panels", detector=one, workers=1)
    again = panels(tmp_path / "archive", tmp_path / "panels", detector=one, workers=1)

    assert report.figures.kept == 1
    assert report.panels.kept == 4
    assert again.written == 0
    header = json.loads((tmp_path / "panels/panels.json").read_text())
    assert header["detector"] == ObjectDetector(one).id
    assert Panels.open(tmp_path / "panels").header.detector.startswith("d0 ")
    for detector in (other, None):
        with pytest.raises(UsageError, match=r"has panels of rapidocr .* and d0 .*another folder"):
            panels(tmp_path / "archive", tmp_path / "panels", detector=detector, workers=1)


def refused(folder, says):
    with pytest.raises(UsageError) as error:
        ObjectDetector(str(folder))
    assert says in str(error.value)
    assert str(error.value).isprintable()


def test_code_and_pickles_of_a_detector_are_refused(tmp_path):
    folder = write_detector(tmp_path / "code")
    config = json.loads((folder / "config.json").read_text())
    own = {"AutoConfig": "own.Config", "AutoModelForObjectDetection": "own.Model"}
    (folder / "config.json").write_text(
        json.dumps({**config, "model_type": "own", "auto_map": own})
    )
    (folder / "own.py").write_text("raise SystemExit('it ran')")
    refused(folder, "code of its own")

    folder = write_detector(tmp_path / "pickle")
    (folder / "model.safetensors").unlink()
    torch.save({}, folder / "pytorch_model.bin")
    refused(folder, "cannot be loaded as an object detector")


def test_what_is_no_whole_detector_is_refused(tmp_path):
    folder = write_detector(tmp_path / "short")
    (folder / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:-9])
    refused(folder, "cannot be loaded as an object detector")

    vit = transformers.ViTModel(transformers.ViTConfig(**{**TINY, "image_size": 64}))
    vit.save_pretrained(tmp_path / "vit")
    refused(tmp_path / "vit", "cannot be loaded as an object detector")
    refused(tmp_path / "none", "cannot be loaded as an object detector")
