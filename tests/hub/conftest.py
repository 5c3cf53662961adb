"""A Hub on loopback, and Python processes that take it for the real one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from .server import Hub


@pytest.fixture(scope="session")
def _server():
    server = Hub()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def hub(_server):
    """An empty Hub."""
    _server.reset()
    yield _server
    _server.released.set()


@pytest.fixture(scope="session")
def environment(_server, tmp_path_factory):
    """Of a process that talks to the stub; huggingface_hub reads it when it is imported."""
    ours = {
        "HF_ENDPOINT": _server.url,
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_TOKEN": "hf_writer",
        "HF_HOME": str(tmp_path_factory.mktemp("hf")),
        "HF_UPDATE_DOWNLOAD_COUNTS": "0",
    }
    return {n: v for n, v in os.environ.items() if n != "HF_HUB_OFFLINE"} | ours


@pytest.fixture(scope="session")
def _client(environment):
    command = [sys.executable, Path(__file__).with_name("client.py")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=environment, **pipes) as process:
        yield process
        process.stdin.close()


@pytest.fixture
def run(hub, environment, tmp_path):
    """Run Python code in a process of its own and return what it printed, errors included."""

    def runs(code, *, fails=False, **variables):
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(code)],
            env=environment | variables,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return (done.stdout + done.stderr).strip()

    return runs


@pytest.fixture
def push(hub, _client):
    """Push a folder, as `me/biomedica` unless told otherwise; return what that says."""

    def pushes(folder, *, fails=False, token="hf_writer", repo_id="me/biomedica", **options):
        _client.stdin.write(json.dumps([str(folder), repo_id, token, options]) + "\n")
        _client.stdin.flush()
        failed, said = json.loads(_client.stdout.readline())
        assert failed == fails, said
        assert not fails or len(said.splitlines()) == 1, said
        return said

    return pushes


@pytest.fixture
def dataset(sample_dataset, tmp_path):
    """A dataset folder that a test may change."""
    return shutil.copytree(sample_dataset, tmp_path / "biomedica")
