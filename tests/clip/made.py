"""Tasks that are written by tests, and results that are read back."""

from __future__ import annotations

import json

import yaml

TINY = {
    "model_cfg": {
        "embed_dim": 32,
        "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "head_width": 16,
                       "patch_size": 16},
        "text_cfg": {"context_length": 32, "vocab_size": 49408, "width": 32, "heads": 2,
                     "layers": 1},
    },
    "preprocess_cfg": {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]},
}  # fmt: skip
COLOURS = {"blue": (20, 30, 220), "green": (30, 200, 40), "red": (220, 30, 20)}
GOOD = {"source": {"folder": "images"}, "classes": list(COLOURS)}


def write(path, **fields):
    """Write a task and return its path."""
    path.write_text(yaml.safe_dump({"name": path.stem, "domain": "made up"} | fields))
    return str(path)


def stored(folder):
    """Return `results.json`, tasks by their names."""
    results = json.loads((folder / "results.json").read_bytes())
    return results | {"tasks": {task["name"]: task for task in results["tasks"]}}


def values(task, model="first"):
    return {name: metric["models"][model]["value"] for name, metric in task["metrics"].items()}
