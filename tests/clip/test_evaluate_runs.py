"""A run of evaluate: sources, what is counted, what is kept, and what a kill loses."""

from __future__ import annotations

import csv
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from PIL import Image

from biomedica_dataset.cli.group import main
from biomedica_dataset.clip.evaluate.evaluate import evaluate

from .made import COLOURS, GOOD, stored, values, write

ROOT = Path(__file__).parents[2]


def documented_task():
    """Return the YAML of the how-to."""
    page = ROOT / "docs" / "how-to" / "evaluation-task.md"
    text = page.read_text(encoding="utf-8")
    (block,) = re.findall(r"^```yaml\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return block


def test_the_ten_lines_of_the_how_to_measure_a_folder(tmp_path, models, images):
    block = documented_task()
    folder = yaml.safe_load(block)["source"]["folder"]
    for old, new in zip(COLOURS, yaml.safe_load(block)["classes"], strict=True):
        (tmp_path / folder).mkdir(exist_ok=True)
        shutil.copytree(images / old, tmp_path / folder / new)
    path = tmp_path / "own.yaml"
    path.write_text(block)
    words = ["evaluate", str(models / "first"), "-t", str(path), "-o", str(tmp_path / "out")]
    run = CliRunner().invoke(main, words)

    assert block.count("\n") <= 10
    assert run.exit_code == 0, run.output
    assert "images: 15 seen = 15 kept + 0 dropped" in run.output
    (task,) = stored(tmp_path / "out")["tasks"].values()
    assert task["metrics"]["accuracy"]["chance"] == pytest.approx(1 / 3)


def test_a_table_of_paths_gives_the_numbers_of_a_folder(tmp_path, models, images):
    import pyarrow as pa
    import pyarrow.parquet as pq

    paths = sorted(images.glob("*/*"))
    rows = [
        {"file": f"{p.parent.name}/{p.name}", "kind": p.parent.name, "part": "test"} for p in paths
    ]
    with (images / "rows.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, ["file", "kind", "part"])
        table.writeheader()
        table.writerows([*rows, {"file": "none.png", "kind": "other", "part": "train"}])
    pq.write_table(pa.Table.from_pylist(rows), images / "rows.parquet")
    held = [
        {"image": {"bytes": p.read_bytes(), "path": p.name}, "kind": p.parent.name} for p in paths
    ]
    pq.write_table(pa.Table.from_pylist(held), images / "held.parquet")
    columns = {"image": "file", "label": "kind"}
    tasks = [
        write(tmp_path / "a.yaml", **GOOD),
        write(tmp_path / "b.yaml", source={"csv": "images/rows.csv"}, columns=columns,
              classes=list(COLOURS), where={"part": "test"}),
        write(tmp_path / "c.yaml", source={"parquet": "images/rows.parquet", "path": "{file}"},
              columns={"label": "kind"}, classes=list(COLOURS)),
        write(tmp_path / "d.yaml", source={"parquet": "images/held.parquet"},
              columns={"label": "kind"}, classes=list(COLOURS)),
    ]  # fmt: skip
    evaluate([str(models / "first")], tmp_path / "out", tasks=tasks, draws=5)
    numbers = [values(task) for task in stored(tmp_path / "out")["tasks"].values()]

    assert len(numbers) == 4
    assert all(one == numbers[0] for one in numbers)


def test_a_shard_of_a_dataset_folder_is_a_task_of_retrieval(tmp_path, models, sample_dataset):
    (shard, *_) = sorted(sample_dataset.glob("commercial/train/*.parquet"))
    path = write(tmp_path / "pairs.yaml", protocol="retrieval", source={"parquet": str(shard)})
    evaluate(
        [str(models / "first")], tmp_path / "out", tasks=[path], data=str(sample_dataset), draws=5
    )
    (task,) = stored(tmp_path / "out")["tasks"].values()
    recall = values(task)

    assert task["images"]["kept"] > 10
    assert recall["image_to_text_recall@1"] <= recall["image_to_text_recall@10"]
    assert recall["image_to_text_recall@100"] == 1.0  # fewer captions than that


def test_what_cannot_be_read_is_counted_by_its_reason(tmp_path, models, images):
    (images / "red" / "notes.txt").write_text("no image")
    (images / "red" / "cut.png").write_bytes((images / "red" / "0.png").read_bytes()[:200])
    rows = ["image,label", *(f"red/{n}.png,red" for n in range(5)), "gone.png,blue", "blue/0.png,"]
    (tmp_path / "rows.csv").write_text("\n".join(rows))
    table = {"csv": "rows.csv", "path": "images/{image}"}
    tasks = [
        write(tmp_path / "folder.yaml", **GOOD),
        write(tmp_path / "table.yaml", **GOOD | {"source": table}),
    ]
    results = evaluate([str(models / "first")], tmp_path / "out", tasks=tasks, draws=5)
    task = stored(tmp_path / "out")["tasks"]

    assert task["folder"]["images"] == {"seen": 17, "kept": 15, "dropped": {"not_decodable": 2}}
    assert task["table"]["images"] == {
        "seen": 7,
        "kept": 5,
        "dropped": {"no_file": 1, "no_label": 1},
    }
    assert str(results).startswith("images: 24 seen = 20 kept + 4 dropped\nfolder: accuracy first ")


@pytest.mark.slow
def test_nothing_is_encoded_twice_and_the_results_are_the_same_bytes(tmp_path, models, images):
    path = write(tmp_path / "own.yaml", **GOOD)
    specs = [str(models / "first"), str(models / "second")]

    def state():
        return {f: f.stat().st_mtime_ns for f in (tmp_path / "out" / "features").rglob("*.npz")}

    evaluate(specs, tmp_path / "out", tasks=[path], draws=20)
    before, results = state(), (tmp_path / "out" / "results.json").read_bytes()
    plot = (tmp_path / "out" / "forest.png").read_bytes()
    evaluate(specs, tmp_path / "out", tasks=[path], draws=20)
    assert state() == before
    write(tmp_path / "own.yaml", source={"folder": "images"}, classes=[*COLOURS, "yellow"])
    evaluate(specs, tmp_path / "out", tasks=[path], draws=20)
    assert sum("texts" in f.parts for f in set(state()) - set(before)) == len(state()) - len(before)
    Image.new("RGB", (9, 9)).save(images / "red" / "0.png")
    write(tmp_path / "own.yaml", **GOOD)
    evaluate(specs, tmp_path / "out", tasks=[path], draws=20)
    assert (tmp_path / "out" / "results.json").read_bytes() != results
    assert len(state()) == len(before) + 4  # other prompts and another image, for two models

    assert plot.startswith(b"\x89PNG")


@pytest.mark.slow
def test_a_killed_run_goes_on_and_ends_with_the_same_bytes(tmp_path, models, images):
    for number in range(450):  # several parts of vectors
        folder = images / list(COLOURS)[number % 3]
        shutil.copy(folder / "1.png", folder / f"more{number}.png")
    path, model = write(tmp_path / "own.yaml", **GOOD), str(models / "first")
    command = [sys.executable, "-m", "biomedica_dataset", "evaluate", model, "-t", path]
    process = subprocess.Popen(
        [*command, "-o", str(tmp_path / "killed")],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    while not list((tmp_path / "killed").rglob("000001.npz")):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not (tmp_path / "killed" / "results.json").exists()
    (kept,) = (tmp_path / "killed").rglob("000000.npz")
    made = kept.stat().st_mtime_ns
    for output in ("killed", "whole"):
        evaluate([model], tmp_path / output, tasks=[path], draws=20)

    assert kept.stat().st_mtime_ns == made
    assert len(list((tmp_path / "killed" / "features").iterdir())) == 1  # one model
    results = [(tmp_path / o / "results.json").read_bytes() for o in ("killed", "whole")]
    assert results[0] == results[1]


def test_names_of_strangers_are_no_markup_and_steer_no_terminal(tmp_path, models, images):
    fields = GOOD | {"name": "a|<b>\x1b[2J_c*"}
    path = write(tmp_path / "own.yaml", **fields)
    run = CliRunner().invoke(main, ["evaluate", str(models / "first"), "-t", path, "-o",
                                    str(tmp_path / "out"), "--draws", "3"])  # fmt: skip

    assert run.exit_code == 0, run.output
    assert "\x1b" not in run.output
    assert r"a\|\<b\>" in (tmp_path / "out" / "results.md").read_text()


def test_two_models_of_one_name_are_told_apart(tmp_path, models, images):
    shutil.copytree(models / "second", tmp_path / "first")
    path = write(tmp_path / "own.yaml", **GOOD)
    evaluate([str(models / "first"), str(tmp_path / "first")], tmp_path / "out", tasks=[path],
             draws=3, metric="balanced_accuracy")  # fmt: skip
    results = stored(tmp_path / "out")

    assert [model["name"] for model in results["models"]] == ["first", "first (2)"]
    assert "Balanced accuracy" in (tmp_path / "out" / "results.md").read_text()


def test_a_name_too_long_to_head_a_column_is_told_above_the_tables(tmp_path, models, images):
    shutil.copytree(models / "second", tmp_path / ("long" * 10))
    path = write(tmp_path / "own.yaml", **GOOD)
    words = ["evaluate", str(models / "first"), str(tmp_path / ("long" * 10)), "-t", path]
    run = CliRunner().invoke(main, [*words, "-o", str(tmp_path / "out"), "--draws", "3"])

    assert run.exit_code == 0, run.output
    assert f"model 1  first\nmodel 2  {'long' * 10}\n" in run.output
    assert "Difference to model 1" in run.output
