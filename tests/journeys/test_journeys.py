"""Ten journeys as a user goes them, each in a fresh folder and in processes of their own.

    python -m pytest -m slow -s tests/journeys

prints each command, what it prints, and how long it takes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ..clip.made import TINY
from ..hub.conftest import _server, environment, hub  # noqa: F401 - fixtures
from .steps import JOURNEYS

SHARED = Path(__file__).parents[3] / "shared"
_LONG = 40  # lines that a person reads


@pytest.fixture
def models(tmp_path):
    """A model without weights, and one with."""
    import torch

    from biomedica_dataset.clip.models.model_config import ModelConfig
    from biomedica_dataset.clip.models.open_clip import export, make_model
    from biomedica_dataset.io.folders import Folder

    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "open_clip_config.json").write_text(json.dumps(TINY))
    torch.manual_seed(0)
    made = make_model(ModelConfig(name=f"local-dir:{tmp_path / 'model'}", pretrained=None))
    export(Folder(tmp_path / "clip"), made, "made up")


@pytest.mark.slow
@pytest.mark.parametrize("name", JOURNEYS)
def test_a_journey_goes_as_it_is_described(name, hub, environment, models, tmp_path):  # noqa: F811
    shells = {**environment, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    for step in JOURNEYS[name]:
        if "SHARED" in step.line and not SHARED.is_dir():
            pytest.skip("needs the real articles beside the checkout")
        line, began = step.line.replace("SHARED", str(SHARED)), time.monotonic()
        done = subprocess.run(
            ["bash", "-c", line], cwd=tmp_path, env=shells, capture_output=True, text=True,
            timeout=300, check=False,
        )  # fmt: skip
        said = done.stdout + done.stderr
        print(f"\n$ {line}\n{said}[{time.monotonic() - began:.1f} s, exit {done.returncode}]")

        assert done.returncode == step.status, said
        assert "Traceback" not in said
        for words in step.says:
            assert words in said
        assert len(done.stdout.splitlines()) <= _LONG
