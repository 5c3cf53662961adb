"""The commands of the documentation on a machine that has no network at all."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys

import numpy as np
import pytest
import yaml
from PIL import Image

from ..clip.made import TINY
from ..untrained_encoder import write_encoder
from .conftest import ROOT, environment

# What stands in for a run of days; all else is as the page has it.
SMALL = {
    "annotate embed": "--workers 2",
    "annotate cluster": "--components 8 --clusters 6",
    "annotate assign": "--workers 2",
    "serialize": "--workers 2",
    "train": "--set samples=32 --set global_batch=16 --set micro_batch=8 --set data.workers=0 "
    "--set optimizer.warmup=1",
    "evaluate": "--draws 10",
}
INSIDE = """
import glob, json, socket, sys
from pathlib import Path
from click.testing import CliRunner
from biomedica_dataset.annotation.review.sheets import Review
from biomedica_dataset.cli import main
from biomedica_dataset.sample.votes import write_votes

if __name__ == "__main__":
    for address in [("127.0.0.1", 9), ("192.0.2.1", 80)]:
        with socket.socket() as wire:
            assert wire.connect_ex(address) == 101, "there is a network"  # ENETUNREACH
    for words in json.loads(sys.argv[1]):
        words = [found for word in words for found in (glob.glob(word) or [word])]
        done = CliRunner().invoke(main, words, catch_exceptions=False)
        assert done.exit_code == 0, (words, done.output)
        print(" ".join(words[:2]), "done", flush=True)
        if words[:2] == ["annotate", "review"]:
            Path("review/votes").mkdir(exist_ok=True)
            write_votes(Review.open("review"), Path("review/votes"))
    exec(sys.argv[2])
    assert len(list(chosen)) == len(list(pairs)) > 0
"""


@pytest.fixture(scope="module")
def without_network():
    """Words before a command that take it into a namespace without interfaces."""
    program = shutil.which("unshare")
    ways = [[program, "--net"], [program, "--map-root-user", "--net"]] if program else []
    for way in ways:
        if subprocess.run([*way, "true"], capture_output=True, check=False).returncode == 0:
            return way
    if os.environ.get("CI"):
        pytest.fail("a namespace without a network cannot be made; CI must be able to")
    return pytest.skip("a namespace without a network cannot be made here")


@pytest.fixture
def workplace(sample_archive, tmp_path):
    """What was fetched before: the archive, two models, a task and its pictures."""
    import torch

    from biomedica_dataset.clip.models.model_config import ModelConfig
    from biomedica_dataset.clip.models.open_clip import export, make_model
    from biomedica_dataset.io.folders import Folder

    shutil.copytree(sample_archive, tmp_path / "archive")
    write_encoder(tmp_path / "dinov2")
    made = tmp_path / "made"
    made.mkdir()
    (made / "open_clip_config.json").write_text(json.dumps(TINY))
    torch.manual_seed(0)
    model = make_model(ModelConfig(name=f"local-dir:{made}", pretrained=None))
    export(Folder(tmp_path / "clip-base"), model, "made up")
    for number, colour in enumerate(["green", "red"]):
        folder = tmp_path / "tasks" / "pictures" / colour
        folder.mkdir(parents=True)
        for one in range(3):
            pixels = np.full((40, 40, 3), 80 * number + 10 * one, np.uint8)
            Image.fromarray(pixels).save(folder / f"{one}.png")
    task = {"name": "colours", "domain": "made up", "classes": ["green", "red"]}
    task |= {"source": {"folder": "pictures"}}
    (tmp_path / "tasks" / "colours.yaml").write_text(yaml.safe_dump(task))
    (tmp_path / "data").mkdir()
    return tmp_path


def shown():
    """Return the commands of the middle part of the page as words, and its code."""
    page = (ROOT / "docs" / "how-to" / "offline.md").read_text(encoding="utf-8")
    middle = page.partition("## On nodes without")[2].partition("## Back")[0]
    block = re.search(r"```sh\n(.*?)```", middle, re.DOTALL)[1].replace("\\\n", " ")
    code = re.search(r"```python\n(.*?)```", middle, re.DOTALL)[1]
    commands = []
    for line in block.replace("--mesh mesh ", "").splitlines():
        name = next((name for name in SMALL if line.startswith(f"biomedica {name} ")), None)
        commands.append(shlex.split(f"{line} {SMALL.get(name, '')}")[1:])
    return commands, code


@pytest.mark.slow
def test_every_stage_after_extract_runs_without_a_network(without_network, workplace):
    commands, code = shown()
    named = {words[1] if words[0] == "annotate" else words[0] for words in commands}
    assert {"embed", "cluster", "assign", "labels", "serialize", "verify", "train"} <= named
    online = environment(TQDM_DISABLE="1")
    online.pop("HF_HUB_OFFLINE", None)
    (workplace / "inside.py").write_text(INSIDE)
    done = subprocess.run(
        [*without_network, sys.executable, "inside.py", json.dumps(commands), code],
        cwd=workplace,
        env=online,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    assert done.stdout.count("done") == len(commands)
