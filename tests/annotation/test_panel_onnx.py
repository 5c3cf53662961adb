"""Object detectors as ONNX files that propose panels, and files that are none."""

from __future__ import annotations

import json
import os
import random

import numpy as np
import pytest
from PIL import Image

from biomedica_dataset.annotation.panels.detector import load_detector
from biomedica_dataset.annotation.panels.find_panels import find_panels
from biomedica_dataset.errors import UsageError

from .drawn import GRID, figure
from .onnx_graph import INT64, model, node, outside, tensor, value

WHITE = Image.new("RGB", (400, 200), "white")
FIXED, OPEN = (1, 3, 50, 100), ("n", 3, "height", "width")
MEAN = node("ReduceMean", ["image"], "mean", keepdims=0)
OF_WHITE = np.mean((1 - np.array([0.485, 0.456, 0.406])) / [0.229, 0.224, 0.225])


def pixels(boxes, scores, *, shape=FIXED, also=()):
    """Return a detector that sees boxes in pixels of its input; in black images it is unsure."""
    return model(
        [MEAN, node("Mul", ["mean", "sure"], "scores"), node("Identity", ["at"], "boxes")],
        [tensor("sure", np.array(scores, float)), tensor("at", np.array(boxes, float))],
        [value("image", shape), *also],
        [value("boxes", ("k", 4)), value("scores", ("k",))],
    )


def detr(boxes, logits, *, also=()):
    """Return a detector of the form of DETR, whose logits grow with the light of the image."""
    logits = np.array([logits], float)
    return model(
        [MEAN, node("Mul", ["mean", "sure"], "logits"), node("Identity", ["at"], "pred_boxes")],
        [tensor("sure", logits), tensor("at", np.array([boxes], float))],
        [value("image", FIXED), *also],
        [value("logits", logits.shape), value("pred_boxes", (1, len(boxes), 4))],
    )


def half_of_any_size():
    """Return a detector that sees the left half of an image that it takes in any size."""
    return model(
        [
            node("Shape", ["image"], "shape"),
            node("Cast", ["shape"], "sides", to=1),
            node("Gather", ["sides", "order"], "corners"),
            node("Mul", ["corners", "half"], "boxes"),
            node("Identity", ["sure"], "scores"),
        ],
        [tensor("order", np.array([3, 2, 3, 2])), tensor("half", np.array([[0, 0, 0.5, 1.0]])),
         tensor("sure", np.array([0.75]))],
        [value("image", OPEN)],
        [value("boxes", ("k", 4)), value("scores", ("k",))],
    )  # fmt: skip


def loaded(tmp_path, data):
    file = tmp_path / "tiny.onnx"
    file.write_bytes(data)
    return load_detector(str(file))


def test_boxes_and_scores_are_read_in_pixels_of_the_input(tmp_path):
    detector = loaded(tmp_path, pixels([[10, 0, 60, 50], [0, 0, 9, 9]], [0.75, 0.25]))

    assert detector.propose(WHITE) == [((40, 0, 240, 200), 0.75)]
    assert detector.propose(Image.new("RGB", (400, 200))) == []
    assert detector.id.startswith("tiny.onnx ")
    assert load_detector(str(tmp_path)).id == detector.id  # a folder with one file
    assert loaded(tmp_path, pixels([[10, 0, 60, 50]], [0.5])).id != detector.id


def test_a_size_that_is_left_open_keeps_the_shape_of_the_image(tmp_path):
    assert loaded(tmp_path, half_of_any_size()).propose(WHITE) == [((0, 0, 200, 200), 0.75)]
    (tmp_path / "preprocessor_config.json").write_text('{"size": {"width": 64, "height": 96}}')
    as_told = loaded(tmp_path, pixels([[0, 0, 32, 48]], [0.75], shape=OPEN))
    assert as_told.propose(WHITE) == [((0, 0, 200, 100), 0.75)]
    (tmp_path / "preprocessor_config.json").write_text('{"size": {"shortest_edge": 800}}')
    strip = Image.new("RGB", (900, 1))
    assert loaded(tmp_path, half_of_any_size()).propose(strip) == [((0, 0, 450, 1), 0.75)]


def test_logits_and_boxes_are_read_as_of_detr(tmp_path):
    mask = value("pixel_mask", (1, "height", "width"), INT64)
    detector = loaded(tmp_path, detr([[0.5, 0.25, 0.5, 0.5]] * 2, [[1, 0], [0, 1]], also=[mask]))
    ((box, score),) = detector.propose(WHITE)

    assert box == (100, 0, 300, 100)
    np.testing.assert_allclose(score, 1 / (1 + np.exp(-OF_WHITE)), atol=1e-5)


def test_files_beside_the_model_tell_the_classes_and_the_normalization(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"id2label": {"0": "plot", "1": "photo"}}))
    (tmp_path / "preprocessor_config.json").write_text(json.dumps({"do_normalize": False}))
    ((_, score),) = loaded(tmp_path, detr([[0.5] * 4], [[-4, 2]])).propose(WHITE)

    np.testing.assert_allclose(score, 1 / (1 + np.exp(-2)), atol=1e-6)
    (tmp_path / "preprocessor_config.json").write_text(
        json.dumps({"image_mean": [0.5] * 3, "image_std": [0.25, 0.25, 0.25]})
    )
    ((_, other),) = load_detector(str(tmp_path)).propose(WHITE)
    np.testing.assert_allclose(other, 1 / (1 + np.exp(-4)), atol=1e-6)


def test_numbers_that_are_no_boxes_propose_nothing(tmp_path):
    nan, inf = float("nan"), float("inf")
    boxes = [[0, 0, nan, 9], [0, 0, inf, 9], [9, 9, 0, 0], [-9, -9, 99, 99], [0, 0, 50, 50]]
    found = loaded(tmp_path, pixels(boxes, [0.9, 0.9, 0.9, nan, 7.0])).propose(WHITE)
    assert found == []
    assert loaded(tmp_path, detr([[0.5] * 4] * 2, [[inf, -inf], [nan, 0]])).propose(WHITE) == []
    empty = pixels(np.zeros((0, 4)), np.zeros(0))
    assert loaded(tmp_path, empty).propose(WHITE) == []


def test_boxes_of_an_onnx_file_that_agree_with_the_letters_are_the_panels(tmp_path, reader):
    wider = [(x0, y0, x1 + 8, y1 + 8) for x0, y0, x1, y1 in GRID]
    boxes = [[x0 / 8, y0 / 12, x1 / 8, y1 / 12] for x0, y0, x1, y1 in wider]
    data = pixels(boxes, [2.0] * 4).replace(b"Mul", b"Min")  # sure, if not quite white
    found = find_panels(figure(GRID, (800, 600)), "ABCD", reader, loaded(tmp_path, data))

    assert [panel.box for panel in found] == wider


def refused(path, *says):
    with pytest.raises(UsageError) as error:
        load_detector(str(path))
    line = str(error.value)
    assert all(one in line for one in says), line
    assert line.isprintable()
    assert len(line) < 700


GOOD = pixels([[0, 0, 9, 9]], [0.9])


def other(*, inputs=(), outputs=(), nodes=(), constants=(), domains=("",)):
    """Return a graph that gives its image back by one name or more."""
    copies = [node("Identity", ["image"], name) for name, _ in outputs]
    return model([*nodes, *copies], constants, [value("image", FIXED), *inputs],
                 [value(*one) for one in outputs], domains)  # fmt: skip


@pytest.mark.parametrize(
    ("data", "says"),
    [
        pytest.param(b"", "cannot be loaded", id="empty"),
        pytest.param(b"not a graph\n" * 9, "cannot be loaded", id="not ONNX"),
        pytest.param(random.Random(0).randbytes(4000), "cannot be loaded", id="noise"),
        pytest.param(GOOD[:-40], "cannot be loaded", id="cut off"),
        pytest.param(b"\x08\x00\x00\x00ORTM" + bytes(99), "cannot be loaded", id="another format"),
        pytest.param(GOOD.replace(b"Mul", b"Own"), "cannot be loaded", id="an unknown operator"),
        pytest.param(
            other(nodes=[node("Own", ["image"], "x", domain="own")], domains=("", "own")),
            "cannot be loaded",
            id="an operator of a library",
        ),
        pytest.param(
            other(outputs=[("dets", FIXED), ("\x1b[31m", FIXED)]),
            r"gives 'dets tensor(float)', '\x1b[31m tensor(float)'; what is read is one input",
            id="other outputs",
        ),
        pytest.param(
            other(outputs=[("boxes", FIXED), ("scores", FIXED)]),
            "gives scores and boxes as (1, 3, 50, 100) and (1, 3, 50, 100); what is read",
            id="other shapes",
        ),
        pytest.param(detr([[0.5] * 4], [[]]), "(1, 1, 0) and (1, 1, 4); what", id="no classes"),
        pytest.param(detr([[0.5] * 3], [[0, 1]]), "(1, 1, 2) and (1, 1, 3); what", id="no boxes"),
        pytest.param(
            pixels([[0, 0, 9, 9]], [0.9], also=[value("orig_size", (1, 2), INT64)]),
            "takes 'image [1, 3, 50, 100]', 'orig_size [1, 2]'; what is read",
            id="another input",
        ),
        pytest.param(
            pixels([[0, 0, 9, 9]], [0.9], shape=(1, 3, 10**6, 10**6)), "takes 'image", id="huge"
        ),
        pytest.param(
            pixels([[0, 0, 9, 9]], [0.9], shape=(1, 50, 100, 3)), "takes 'image", id="channels last"
        ),
    ],
)  # fmt: skip
def test_what_is_no_detector_that_is_read_is_refused(tmp_path, data, says):
    file = tmp_path / "bad.onnx"
    file.write_bytes(data)
    refused(file, str(file), says)


def test_weights_in_other_files_are_not_loaded(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    for file in (tmp_path / "weights.bin", tmp_path / "models/weights.bin"):
        file.write_bytes(np.ones(4, np.float32).tobytes())
    for location in ("weights.bin", "../weights.bin", str(tmp_path / "weights.bin")):
        graph = model(
            [node("Identity", ["w"], "scores"), node("Identity", ["at"], "boxes")],
            [outside("w", location), tensor("at", np.zeros((4, 4)))],
            [value("image", FIXED)],
            [value("boxes", (4, 4)), value("scores", (4,))],
        )
        (tmp_path / "models/bad.onnx").write_bytes(graph)
        refused("models/bad.onnx", "cannot be loaded", "holds its weights itself")


def test_what_is_no_single_file_of_a_size_to_load_is_refused(tmp_path):
    refused(tmp_path / "none.onnx", "is not a file")
    os.mkfifo(tmp_path / "pipe.onnx")
    refused(tmp_path / "pipe.onnx", "is not a file")
    (tmp_path / "pipe.onnx").unlink()
    with (tmp_path / "a.onnx").open("wb") as file:
        file.truncate(2**30 + 1)
    refused(tmp_path / "a.onnx", "1,073,741,825 bytes, more than the 1,073,741,824")
    (tmp_path / "b.onnx").write_bytes(GOOD)
    refused(tmp_path, "holds 2 ONNX files ('a.onnx', 'b.onnx'): name one")
    (tmp_path / "config.json").write_bytes(b"{")
    refused(tmp_path / "b.onnx", "config.json is not valid JSON")
