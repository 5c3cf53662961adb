"""A server on loopback that speaks S3, and what several runs of this package share."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).parents[2]


def tree(folder):
    """Return the digest of every file below a folder, by name."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file()
    }


def command(*arguments):
    """Return the command line of this package that a shell would run."""
    return [sys.executable, "-m", "biomedica_dataset", *map(str, arguments)]


def environment(**more):
    """Return the environment of a process that imports this checkout."""
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory):
    """The address of a server that speaks S3, as `moto` does."""
    program = shutil.which("moto_server", path=str(Path(sys.executable).parent))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (tmp_path_factory.mktemp("s3") / "log").open("wb") as log:
        server = subprocess.Popen(
            [program, "-H", "127.0.0.1", "-p", str(port)], stdout=log, stderr=log
        )
        address = f"http://127.0.0.1:{port}"
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                urllib.request.urlopen(address).close()
                break
            except OSError:
                time.sleep(0.1)
        yield address
        server.kill()
        server.wait()


@pytest.fixture
def s3(s3_server, monkeypatch):
    """The address of an empty bucket, for which the environment has credentials."""
    import s3fs

    for name, value in {
        "AWS_ENDPOINT_URL_S3": s3_server,
        "AWS_ACCESS_KEY_ID": "somebody",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    store = s3fs.S3FileSystem(use_listings_cache=False)
    bucket = f"made-{time.monotonic_ns()}"
    store.mkdir(bucket)
    yield f"s3://{bucket}"
    store.rm(bucket, recursive=True)
    s3fs.S3FileSystem.clear_instance_cache()
