"""Several processes: the gradient of one, no pair twice, and the exit that asks for a requeue."""

from __future__ import annotations

import collections
import dataclasses
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from biomedica_dataset import UsageError, open_dataset
from biomedica_dataset.clip.train.processes import Processes
from biomedica_dataset.clip.train.train import train

ENVIRONMENT = {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[2])}


def write(config, folder, name):
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(json.loads(json.dumps(dataclasses.asdict(config)))))
    return str(path)


@pytest.fixture(scope="module")
def apart(small, tmp_path_factory):
    """What two processes of torchrun found, and where they wrote the model."""
    folder = tmp_path_factory.mktemp("apart")
    path = write(small(folder / "model"), folder, "config")
    script = str(Path(__file__).with_name("apart.py"))
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*torchrun, script, path, str(folder)],
        env=os.environ | ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads((folder / f"rank{rank}.json").read_text()) for rank in range(2)], folder


@pytest.mark.slow
@pytest.mark.parametrize("count", ["1", "3"])
def test_two_processes_have_the_gradient_of_one(count, apart):
    """Of one micro-batch each, and of three: features are gathered, and the scale counts once."""
    for rank in apart[0]:
        assert rank["greatest"] > 0.01
        assert rank["difference"][count] < 1e-5


@pytest.mark.slow
def test_two_processes_see_every_pair_once_an_epoch(apart, url):
    seen = [[tuple(row) for row in rank["seen"]] for rank in apart[0]]
    everything = {row["key"]: 1 for row in open_dataset(url, columns=["key"])}

    assert [len(rank) for rank in seen] == [96, 96]
    for epoch in range(3):  # the fourth is broken off
        keys = [[key for number, key in rank if number == epoch] for rank in seen]
        assert collections.Counter(keys[0] + keys[1]) == everything
        assert min(map(len, keys)) > 20


def start_under_slurm(path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    slurm = {"SLURM_NTASKS": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    return [
        subprocess.Popen(
            [sys.executable, "-m", "biomedica_dataset", "train", path],
            env=os.environ | ENVIRONMENT | slurm | {"SLURM_PROCID": rank, "SLURM_LOCALID": rank},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in "01"
    ]


@pytest.mark.slow
def test_slurm_asks_for_an_end_and_two_processes_go_on_exactly(apart, small, tmp_path, weights):
    path = write(small(tmp_path / "slurm"), tmp_path, "config")
    processes = start_under_slurm(path)
    while not list((tmp_path / "slurm").glob("checkpoints/step-*4.pt")):
        assert processes[0].poll() is None, processes[0].stderr.read()
        time.sleep(0.01)
    processes[1].send_signal(signal.SIGTERM)  # Slurm tells all, but not at one moment
    said = [process.communicate(timeout=300)[1] for process in processes]
    assert [process.returncode for process in processes] == [75, 75], said
    assert all("run the same command again to resume" in one for one in said)
    with pytest.raises(UsageError, match="was written by 2 processes, and now there are 1"):
        train(small(tmp_path / "slurm"))
    processes = start_under_slurm(path)
    said = [process.communicate(timeout=300)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said

    first, second = weights(apart[1] / "model"), weights(tmp_path / "slurm")
    assert all(first[name].equal(second[name]) for name in first)


def test_processes_that_cannot_meet_are_refused(monkeypatch):
    monkeypatch.setenv("SLURM_NTASKS", "4")
    monkeypatch.delenv("MASTER_ADDR", raising=False)
    with pytest.raises(UsageError, match="names 4 processes but no MASTER_ADDR"):
        Processes()


def test_a_step_that_cannot_be_shared_out_is_refused(config):
    with pytest.raises(
        UsageError,
        match="global_batch must be a multiple of 1 processes times micro_batch 3, not 16",
    ):
        train(config("uneven", micro_batch=3))


@pytest.mark.slow
def test_a_script_without_its_guard_ends_with_an_error(config, tmp_path):
    """Processes that die at their start, before they have read what they are given."""
    path = write(config("model", data={"workers": 2}), tmp_path, "config")
    script = tmp_path / "script.py"
    script.write_text(
        "from biomedica_dataset.clip.train.read_config import load_config\n"
        "from biomedica_dataset.clip.train.train import train\n"
        f"train(load_config({path!r}))\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)],
        env=os.environ | ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )

    assert done.returncode == 1
    assert "WorkerDiedError: a process that decodes images was killed" in done.stderr
    assert 'if __name__ == "__main__":' in done.stderr.replace("'", '"')
