"""Ray places the work, and does again what died; the files are those of processes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import textwrap
import time
import uuid
from pathlib import Path

import pytest

from biomedica_dataset.annotation.clusters.assign import assign
from biomedica_dataset.annotation.clusters.cluster import cluster
from biomedica_dataset.annotation.embeddings.embed import embed
from biomedica_dataset.engine.launch import Launch
from biomedica_dataset.errors import UsageError
from biomedica_dataset.extraction.extract import extract
from biomedica_dataset.extras import install_command
from biomedica_dataset.serialization.serialize import serialize

from ..servers import BucketServer
from ..trees import tree
from ..untrained_encoder import write_encoder
from .conftest import command, environment

FIRST = "2026-11-20T01-00Z"
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_DISABLE_IMPORT_WARNING": "1"}


def at_work(mark):
    """Return the processes of Ray, begun under a mark in their environment, that do a task."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cmdline").read_bytes().startswith(b"ray::_do") and (
                mark.encode() in (process / "environ").read_bytes()
            ):
                found.append(int(process.name))
        except OSError:
            continue
    return found


@pytest.mark.slow
def test_a_worker_of_ray_that_is_killed_costs_nothing(sample_bucket, sample_archive, tmp_path):
    mark = uuid.uuid4().hex
    with BucketServer(sample_bucket, latency=0.4) as server:
        run = command("extract", server.url, "-o", tmp_path / "archive", "--inventory", FIRST)
        process = subprocess.Popen(
            [*run, "--engine", "ray"],
            env=environment(MARK=mark, **QUIET),
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        end = time.monotonic() + 300
        while len(workers := at_work(mark)) < 2:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < end, "Ray did not begin two tasks"
            time.sleep(0.02)
        os.kill(workers[0], signal.SIGKILL)
        said = process.communicate(timeout=600)
        assert process.returncode == 0, said
        extract(server.url, str(tmp_path / "undisturbed"), workers=1, inventory=FIRST)

    assert tree(tmp_path / "archive") == tree(tmp_path / "undisturbed")


@pytest.mark.slow
def test_every_stage_by_ray_gives_the_same_bytes(sample_archive, tmp_path):
    """In one process that has begun Ray itself; embed asks for the GPU that Ray is told of."""
    write_encoder(tmp_path / "encoder")
    embed(sample_archive, tmp_path / "vectors", model=str(tmp_path / "encoder"), workers=0)
    cluster(tmp_path / "vectors", tmp_path / "clusters", components=8, clusters=6)
    assign(
        tmp_path / "vectors", tmp_path / "assignments", clusters=tmp_path / "clusters", workers=1
    )
    serialize(sample_archive, tmp_path / "biomedica", clusters=tmp_path / "assignments", workers=1)
    code = """
    import sys
    from pathlib import Path
    import ray
    from biomedica_dataset.annotation.clusters.assign import assign
    from biomedica_dataset.annotation.embeddings.embed import embed
    from biomedica_dataset.engine.launch import Launch
    from biomedica_dataset.engine.progress import Progress
    from biomedica_dataset.serialization.serialize import serialize
    archive, root = Path(sys.argv[1]), Path(sys.argv[2])
    ray.init(num_cpus=2, num_gpus=1, include_dashboard=False, log_to_driver=False)
    launch, progress = Launch(engine="ray"), Progress()
    embed(
        archive, root / "vectors-by-ray", model=str(root / "encoder"), workers=0, launch=launch,
        progress=progress,
    )
    assert progress.counters[0] == 4, "blocks are counted where they are not made"
    assigned = root / "assignments-by-ray"
    assign(root / "vectors-by-ray", assigned, clusters=root / "clusters", launch=launch)
    serialize(archive, root / "biomedica-by-ray", clusters=assigned, launch=launch)
    assert ray.is_initialized()
    """
    subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(sample_archive), str(tmp_path)],
        env=environment(**QUIET),
        check=True,
        capture_output=True,
        timeout=900,
    )
    for name in ("vectors", "assignments", "biomedica"):
        assert tree(tmp_path / f"{name}-by-ray") == tree(tmp_path / name)


@pytest.mark.slow
def test_a_cluster_that_does_not_answer_is_told(sample_bucket, tmp_path):
    done = subprocess.run(
        command("extract", sample_bucket, "-o", tmp_path / "archive", "--engine", "ray"),
        env=environment(RAY_ADDRESS="127.0.0.1:1", **QUIET),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.returncode == 2
    assert "RAY_ADDRESS is 127.0.0.1:1, where no cluster answers" in done.stderr


def test_without_ray_the_line_that_installs_it_is_told(sample_bucket, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)

    with pytest.raises(UsageError, match=re.escape(install_command("scale"))):
        extract(str(sample_bucket), str(tmp_path / "archive"), launch=Launch(engine="ray"))
    assert not (tmp_path / "archive" / ".run.json").exists()
