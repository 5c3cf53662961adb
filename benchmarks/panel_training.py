"""A small CLIP model trained on the panels of figures, beside one trained on the figures.

    python benchmarks/panel_training.py ../shared/real/panels [--samples 3200] [--seeds 3]

Both begin with the same random weights and see as many images. The boxes are those that people
drew. A quarter of the figures, chosen by a hash of their names, is held out: prints how often the
right text is among the first for a held-out panel and figure and the other way round, with 95 %
intervals of the bootstrap over images.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tempfile
from pathlib import Path
from typing import Any

from options import check


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("figures", type=Path)
    parser.add_argument("--samples", type=int, default=3200)
    parser.add_argument("--seeds", type=int, default=3)
    return parser


if __name__ == "__main__":
    check(arguments())


import yaml
from panel_figures import IMAGES, write_figures

from biomedica_dataset.clip.evaluate.evaluate import evaluate
from biomedica_dataset.clip.models.model_config import ModelConfig
from biomedica_dataset.clip.train.config import DataConfig, OptimizerConfig, TrainConfig
from biomedica_dataset.clip.train.train import train
from biomedica_dataset.subset.select import select

BATCH = 32
MODEL = {
    "embed_dim": 128,
    "vision_cfg": {"image_size": 96, "layers": 3, "width": 128, "head_width": 32, "patch_size": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 128, "heads": 4, "layers": 3},
}


def is_held_out(figure: str) -> bool:
    return hashlib.sha256(f"held out {figure}".encode()).digest()[0] % 4 == 0


def write_tasks(held: Path, root: Path) -> list[str]:
    """Write a task of held-out panels, and one of held-out figures."""
    select(held, root / "crops", unit="panel", crop="png", format="images")
    (table,) = (root / "crops").rglob("metadata.parquet")
    panels = {"parquet": str(table.relative_to(root)), "path": "{file_name}"}
    sources: dict[str, tuple[dict[str, str], str]] = {
        "panels": (panels, "subcaption"),
        "figures": ({"parquet": str((held / IMAGES).relative_to(root))}, "caption"),
    }
    names = []
    for name, (source, captions) in sources.items():
        task = {"name": name, "domain": "held out", "protocol": "retrieval", "source": source,
                "columns": {"captions": captions}}  # fmt: skip
        (root / f"{name}.yaml").write_text(yaml.safe_dump(task))
        names.append(str(root / f"{name}.yaml"))
    return names


def training(folder: Path, output: Path, model: str, *, unit: str, seed: int, samples: int) -> None:
    train(
        TrainConfig(
            output=str(output),
            model=ModelConfig(name=model, pretrained=None),
            data=DataConfig(path=str(folder), unit=unit, decode="draft-1x"),
            optimizer=OptimizerConfig(lr=5e-4, warmup=10),
            samples=samples,
            global_batch=BATCH,
            micro_batch=BATCH,
            seed=seed,
            checkpoint_every=10**6,
        )
    )


def shown(value: dict[str, Any]) -> str:
    return f"{value['value']:.3f} ({value['low']:.3f} to {value['high']:.3f})"


def main() -> None:
    options = arguments().parse_args()
    with tempfile.TemporaryDirectory() as below:
        root = Path(below)
        (root / "open_clip_config.json").write_text(json.dumps({"model_cfg": MODEL}))
        for name, wanted in (("seen", False), ("held", True)):
            figures, panels = write_figures(
                options.figures, root / name, lambda one, wanted=wanted: is_held_out(one) is wanted
            )
            print(f"{name}: {figures} figures, {panels} panels")
        tasks = write_tasks(root / "held", root)
        models = []
        for seed in range(options.seeds):
            for unit in ("figure", "panel"):
                models.append(root / f"{unit}-{seed}")
                training(root / "seen", models[-1], f"local-dir:{root}", unit=unit, seed=seed,
                         samples=options.samples)  # fmt: skip
        evaluate([f"local-dir:{model}" for model in models], root / "out", tasks=tasks)
        results = json.loads((root / "out/results.json").read_bytes())
        names = [model.name for model in models]
        print(f"| held-out | measure | chance | {' | '.join(names)} |")
        print("|---" * (3 + len(names)) + "|")
        for task in results["tasks"]:
            for measure, metric in task["metrics"].items():
                if not measure.endswith("@100"):
                    values = " | ".join(shown(metric["models"][name]) for name in names)
                    print(f"| {task['name']} | {measure} | {metric['chance']:.3f} | {values} |")


if __name__ == "__main__":
    main()
