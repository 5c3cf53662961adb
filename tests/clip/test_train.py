"""A tiny OpenCLIP model trained on the sample, streamed over HTTP, on the CPU."""

from __future__ import annotations

import dataclasses
import json
import math
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from biomedica_dataset import UsageError, open_dataset
from biomedica_dataset.clip.train.train import train
from biomedica_dataset.errors import (
    ArchiveError,
    DivergedError,
    PreemptedError,
    SourceError,
    WorkerDiedError,
)

from ..servers import BucketServer, Fault


def start(config, folder):
    """Start a training by the command, in a process of its own."""
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(json.loads(json.dumps(dataclasses.asdict(config)))))
    command = [sys.executable, "-m", "biomedica_dataset", "train", str(path)]
    env = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True)


def alive(pids):
    return [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def children(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def same(first, second):
    import torch

    return set(first) == set(second) and all(torch.equal(first[n], second[n]) for n in first)


@pytest.fixture(scope="module")
def undisturbed(small, tmp_path_factory):
    """The folder and the lines of a training that nothing stopped."""
    folder, said = tmp_path_factory.mktemp("undisturbed") / "whole", []
    train(small(folder), log=said.append)
    return folder, said


@pytest.mark.slow
def test_a_killed_training_ends_with_the_weights_of_an_undisturbed_one(
    config, undisturbed, weights, tmp_path
):
    """With a process that decodes until then, and without: it changes no weight."""
    killed, lines = config("killed", data={"workers": 1}), []
    process = start(killed, tmp_path)
    while not list((tmp_path / "killed").glob("checkpoints/step-*4.pt")):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)
    helpers = children(process.pid)
    process.kill()
    process.communicate()
    train(dataclasses.replace(killed, data=config("").data), log=lines.append)

    assert lines[0].startswith("resumes after step ")
    assert same(weights(undisturbed[0]), weights(tmp_path / "killed"))
    assert helpers
    end = time.monotonic() + 20
    while (left := alive(helpers)) and time.monotonic() < end:
        time.sleep(0.1)
    assert left == []


@pytest.mark.slow
def test_a_training_that_is_told_to_end_ends_after_the_step(config, undisturbed, weights, tmp_path):
    """SIGTERM to this very process, in the middle of it."""
    stopped, lines = config("stopped", checkpoint_every=100), []
    before = signal.getsignal(signal.SIGTERM)

    def say(line):
        lines.append(line)
        if line.startswith("step 3 "):
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(PreemptedError, match="a checkpoint of step 3 is written"):
        train(stopped, log=say)
    train(stopped, log=lines.append)

    assert sum(line.startswith("step 3 ") for line in lines) == 1
    assert same(weights(undisturbed[0]), weights(tmp_path / "stopped"))
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.slow
def test_a_lost_connection_leaves_a_checkpoint_to_go_on_from(
    config, undisturbed, weights, tmp_path, sample_dataset, monkeypatch
):
    from biomedica_dataset.io import web

    monkeypatch.setattr(web, "_PAUSE", 0.001)
    shards = [str(p.relative_to(sample_dataset)) for p in sample_dataset.rglob("*.parquet")]
    with BucketServer(sample_dataset) as server:
        lost = config("lost", data={"path": server.url}, checkpoint_every=100)

        def say(line):
            if line.startswith("step 5 "):
                server.faults.update(dict.fromkeys(shards, Fault(status=503)))

        with pytest.raises(SourceError, match=r"a checkpoint of step \d+ is written"):
            train(lost, log=say)
    with BucketServer(sample_dataset) as server:  # at another address
        train(config("lost", data={"path": server.url}, checkpoint_every=100))

    assert same(weights(undisturbed[0]), weights(tmp_path / "lost"))


@pytest.mark.slow
def test_a_killed_helper_leaves_a_checkpoint_to_go_on_from(config, undisturbed, weights, tmp_path):
    alone, lines = config("alone", checkpoint_every=100), []
    helped = dataclasses.replace(alone, data=dataclasses.replace(alone.data, workers=2))

    def say(line):
        lines.append(line)
        if line.startswith("step 3 "):
            for helper in multiprocessing.active_children():
                helper.kill()

    with pytest.raises(WorkerDiedError, match=r"fewer data\.workers.*a checkpoint of step \d+ is"):
        train(helped, log=say)
    train(alone, log=lines.append)

    assert sum(line.startswith("step 3 ") for line in lines) == 1
    assert same(weights(undisturbed[0]), weights(tmp_path / "alone"))


@pytest.mark.slow
def test_the_measures_are_told_to_the_terminal_and_to_tensorboard(config, undisturbed, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    said = [line for line in undisturbed[1] if line.startswith("step ")]
    events = EventAccumulator(str(undisturbed[0])).Reload()
    losses = [event.value for event in events.Scalars("loss")]

    assert [event.step for event in events.Scalars("loss")] == list(range(1, 13))
    assert [float(re.search(r"loss (\S+)", line)[1]) for line in said] == pytest.approx(
        losses, rel=1e-3
    )
    assert losses[-1] < losses[0]
    rates = [event.value for event in events.Scalars("lr")]
    assert rates[:2] == pytest.approx([5e-4, 1e-3])
    assert rates[-1] == pytest.approx(1e-3 * 0.5 * (1 + math.cos(math.pi * 9 / 10)))
    assert all(0 < e.value < 1 for e in events.Scalars("data_wait_share"))
    assert all(e.value > 0 for e in events.Scalars("samples_per_second"))
    assert events.Scalars("logit_scale")[0].value == pytest.approx(1 / 0.07, rel=0.01)
    assert re.fullmatch(
        r"step 1 of 12  loss \S+  scale \S+  lr 0\.0005  \S+ samples/s  "
        r"waiting for data \S+%  .* left",
        said[0],
    )


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 1])
def test_a_profile_tells_where_the_time_went(workers, config):
    said = []
    begun = time.perf_counter()
    train(config("profiled", data={"workers": workers}), profile=True, log=said.append)
    spent = time.perf_counter() - begun
    title = next(number for number, line in enumerate(said) if line.startswith("stage "))
    found = {line[:21].strip(): line[21:].split() for line in said[title + 1 :]}

    assert {"network", "decoding", "transforming", "collating", "training"} <= set(found)
    assert int(found["training"][1]) == int(found["waiting for batches"][1]) == 12
    assert int(found["decoding"][1]) >= 16 * 12
    assert int(found["collating"][1]) >= 2 * 12
    assert sum(float(found[name][0]) for name in ("training", "waiting for batches")) <= spent


@pytest.mark.slow
@pytest.mark.parametrize("step", [3, 6])
def test_steps_after_the_checkpoint_are_told_once(step, config, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    class KilledError(Exception):
        pass

    def kill(line):
        if line.startswith(f"step {step} "):
            raise KilledError

    with pytest.raises(KilledError):
        train(config("twice"), log=kill)
    train(config("twice"))
    events = EventAccumulator(str(tmp_path / "twice")).Reload()

    assert [event.step for event in events.Scalars("loss")] == list(range(1, 13))


def test_the_folder_is_loaded_by_openclip_and_has_a_card(undisturbed, tmp_path):
    import open_clip
    from huggingface_hub import ModelCard

    folder, said = undisturbed
    open_clip.create_model_from_pretrained(f"local-dir:{folder}")
    card = ModelCard.load(folder / "README.md", ignore_metadata_errors=False)

    assert card.data.library_name == "open_clip"
    assert "12 steps of 16 pairs." in card.text
    assert "commercial 45, noncommercial 13, other 4" in card.text
    assert str(folder.parent) not in card.content
    assert "pairs: 192 seen = 192 kept + 0 dropped" in card.text
    assert "pairs: 192 seen = 192 kept + 0 dropped" in said
    assert '"global_batch": 16' in card.text


@pytest.mark.slow
def test_it_learns_which_caption_belongs_to_images_it_never_saw(config, tmp_path, url, make_sample):
    """The loss falls far below that of chance; images of the sample, drawn anew, are told apart."""
    import open_clip
    import torch
    from PIL import Image

    said = []
    optimizer = {"lr": 3e-3, "warmup": 5, "weight_decay": 0.0}
    samples = {"samples": 16 * 120, "micro_batch": 16, "checkpoint_every": 120}
    train(config("long", optimizer=optimizer, **samples), log=said.append)
    losses = [float(x) for x in re.findall(r" loss (\S+)", "\n".join(said))]
    make_sample(tmp_path / "anew", seed=1)
    columns = ["caption", "image_file_name", "article_accession_id", "article_version"]
    rows = list(open_dataset(url, columns=columns))
    name = f"local-dir:{tmp_path / 'long'}"
    model, transform = open_clip.create_model_from_pretrained(name)
    images = []
    for row in rows:
        folder = f"{row['article_accession_id']}.{row['article_version']}"
        with Image.open(tmp_path / "anew" / folder / row["image_file_name"]) as image:
            images.append(transform(image.convert("RGB")))
    with torch.inference_mode():
        seen = model.encode_image(torch.stack(images), normalize=True)
        captions = open_clip.get_tokenizer(name)([row["caption"] for row in rows])
        read = model.encode_text(captions, normalize=True)
    own = torch.arange(len(rows))[:, None]
    for likeness in (seen @ read.T, read @ seen.T):
        found = (likeness.topk(5, dim=1).indices == own).any(dim=1).float().mean()
        assert found > 5 * 5 / len(rows)  # five times chance, of the best five

    assert sum(losses[-10:]) / 10 < math.log(16) / 2


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision_learns_as_well(precision, config, undisturbed):
    """On a CPU, which has both; a GPU was not at hand."""
    said, whole = [], [line for line in undisturbed[1] if " loss " in line]
    train(config(precision, precision=precision), log=said.append)
    losses, full = (
        [float(x) for x in re.findall(r" loss (\S+)", "\n".join(lines))] for lines in (said, whole)
    )

    assert losses[0] == pytest.approx(full[0], rel=0.01)
    assert losses != full
    assert losses[-1] < 0.8 * losses[0]


@pytest.mark.parametrize("tower", ["image", "text"])
def test_a_locked_tower_stays_as_it_was(tower, config, weights, tmp_path):
    start = {"name": f"local-dir:{tmp_path / 'start'}", "pretrained": "own"}
    train(config("start", samples=16))
    train(config("locked", model=start | {f"lock_{tower}": True}, samples=64))
    before, after = weights(tmp_path / "start"), weights(tmp_path / "locked")
    changed = {name.startswith("visual.") for name in before if not before[name].equal(after[name])}

    assert before["logit_scale"] != after["logit_scale"]
    if tower == "image":
        assert changed == {False}
    else:
        kept = [n for n in before if n.startswith(("transformer.", "token_embedding", "ln_final"))]
        assert kept
        assert all(before[name].equal(after[name]) for name in kept)
        assert True in changed


def test_a_loss_that_is_no_number_ends_in_an_error_that_names_the_step(config):
    wild = {"lr": 1e30, "warmup": 0, "clip": None}
    with pytest.raises(DivergedError, match=r"the loss of step \d+ is nan.*last checkpoint: none"):
        train(config("nan", optimizer=wild, checkpoint_every=100))


def test_a_finished_training_is_finished(undisturbed, small):
    folder = undisturbed[0]
    before = {name: (folder / name).read_bytes() for name in ("README.md", "open_clip_config.json")}
    said = []
    train(small(folder), log=said.append)

    assert said[0] == "resumes after step 12"
    assert before == {name: (folder / name).read_bytes() for name in before}
    assert len(list((folder / "checkpoints").iterdir())) == 2


def test_a_checkpoint_is_gone_on_from_by_the_same_training_only(undisturbed, small, tmp_path):
    folder = undisturbed[0]
    with pytest.raises(UsageError, match=r"optimizer\.lr was 0\.001, is 0\.1"):
        train(small(folder, optimizer={"lr": 0.1}))
    with pytest.raises(UsageError, match=r"data\.licenses was None, is 'commercial'"):
        train(small(folder, data={"licenses": "commercial"}))
    (tmp_path / "other").mkdir()
    for name in ("open_clip_config.json", "open_clip_model.safetensors"):
        (tmp_path / "other" / name).write_bytes((folder / name).read_bytes())
    with pytest.raises(UsageError, match="holds a model but no checkpoint"):
        train(small(tmp_path / "other"))


@pytest.mark.parametrize("spoil", [lambda data: data[:-100], lambda _: b"no checkpoint"])
def test_a_broken_checkpoint_is_named(spoil, undisturbed, small, tmp_path):
    name = "checkpoints/step-00000012.pt"
    (tmp_path / "broken" / "checkpoints").mkdir(parents=True)
    (tmp_path / "broken" / name).write_bytes(spoil((undisturbed[0] / name).read_bytes()))
    with pytest.raises(ArchiveError, match=r"step-00000012\.pt cannot be read: .*Remove it"):
        train(small(tmp_path / "broken"))
