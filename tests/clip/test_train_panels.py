"""A tiny OpenCLIP model trained on the panels of figures, from a dataset folder to its weights."""

from __future__ import annotations

import os
import signal

import pytest

from biomedica_dataset.clip.train.train import train
from biomedica_dataset.errors import PreemptedError

from ..streaming.panels import views, write_panels


@pytest.fixture(scope="module")
def panelled(tmp_path_factory):
    """Folder and rows of a dataset with panels; not to be changed by a test."""
    folder = tmp_path_factory.mktemp("panelled") / "biomedica"
    return str(folder), write_panels(folder, 60)


@pytest.mark.slow
def test_a_training_on_panels_that_is_interrupted_ends_with_the_same_weights(
    config, panelled, weights, tmp_path
):
    """Over the end of an epoch, with what cites the panels in the texts."""
    import torch

    folder, pairs = panelled
    data = {"path": folder, "unit": "panel", "min_score": 0.7, "text": "caption_context"}
    epochs = 16 * 12 / len(views(pairs, 0.7))
    stopped, lines = config("stopped", data=data), []

    def say(line):
        lines.append(line)
        if line.startswith("step 7 "):
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(PreemptedError, match="a checkpoint of step 7 is written"):
        train(stopped, log=say)
    train(stopped, log=lines.append)
    train(config("whole", data=data))
    resumed, whole = weights(tmp_path / "stopped"), weights(tmp_path / "whole")

    assert epochs > 1
    assert resumed.keys() == whole.keys()
    assert all(torch.equal(resumed[name], whole[name]) for name in whole)
    assert sum(line.startswith("step 12 ") for line in lines) == 1
    assert '"unit": "panel"' in (tmp_path / "whole/README.md").read_text()


def test_panels_and_figures_give_other_weights(config, panelled, weights, tmp_path):
    """So that the unit is not only told."""
    import torch

    folder, _pairs = panelled
    for unit in ("panel", "figure"):
        train(config(unit, data={"path": folder, "unit": unit}, samples=32))
    panel, figure = (weights(tmp_path / unit) for unit in ("panel", "figure"))

    assert panel.keys() == figure.keys()
    assert not all(torch.equal(panel[name], figure[name]) for name in panel)
