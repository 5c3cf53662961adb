"""Every stage of the package on the sample: what it needs, what it does, what it leaves."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

if TYPE_CHECKING:
    from biomedica_dataset.engine.launch import Launch

BLOCKS = (
    *("extract", "mesh", "embed", "assign", "panels", "look"),
    *("serialize", "joined", "tars", "search", "select", "select-tars"),
)
"""Stages that can be done in parts."""

ALONE = ("cluster", "review", "labels", "duplicates", "train")
"""Stages that one launcher does."""

ADDING = ("search", "attributes")
"""Stages that add to a dataset folder."""

STAGES = (*BLOCKS, *ALONE, "attributes", "push")
REPOSITORY = "me/biomedica"
_INVENTORY = "2026-11-20T01-00Z"
_MODEL = {
    "model_cfg": {
        "embed_dim": 16,
        "vision_cfg": {"image_size": 32, "layers": 1, "width": 16, "head_width": 16,
                       "patch_size": 16},
        "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 16, "heads": 1,
                     "layers": 1},
    },
    "preprocess_cfg": {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]},
}  # fmt: skip

_ON_VECTORS = {"cluster", "assign", "review", "labels"}
_ON_ROWS = {"select", "select-tars", "train", "push", *ADDING}
_NEEDED = {
    "extract": set(STAGES),
    "embed": _ON_VECTORS, "cluster": _ON_VECTORS, "assign": _ON_VECTORS, "review": {"labels"},
    "panels": {"joined"}, "look": {"joined", "duplicates"}, "serialize": _ON_ROWS,
}  # fmt: skip
"""Stages that must be done before others, in order."""


@dataclass(frozen=True)
class Place:
    """Where a stage finds what it needs, as text for another process.

    Parameters
    ----------
    root
        Folder of everything but the bucket.
    """

    bucket: str
    root: str

    def path(self, name: str) -> str:
        """Return where the output of a stage, or an input of one, is."""
        return str(Path(self.root, name))


def prepare(place: Place, stages: tuple[str, ...] | list[str] = STAGES) -> None:
    """Make what stages need, undisturbed."""
    from ..untrained_encoder import write_encoder

    if set(stages) & {"embed", "cluster", "assign", "review", "labels"}:
        write_encoder(Path(place.path("encoder")))
    for made, needed_by in _NEEDED.items():
        if set(stages) & needed_by:
            do(made, place, place.path(made), 1)
    if "labels" in stages:
        _write_votes(place)
    _write_bulk(place)
    if "attributes" in stages:
        _write_scores(place)
    model = Path(place.path("model"))
    model.mkdir()
    (model / "open_clip_config.json").write_text(json.dumps(_MODEL))


def before(stage: str, place: Place, output: str) -> None:
    """Make what an output has before a stage."""
    if stage in ADDING:
        shutil.copytree(place.path("serialize"), output, dirs_exist_ok=True)


def _write_votes(place: Place) -> None:
    from biomedica_dataset.annotation.review.sheets import Review
    from biomedica_dataset.sample.votes import write_votes

    write_votes(Review.open(place.path("review")), Path(place.path("votes")))


def _write_bulk(place: Place) -> None:
    from biomedica_dataset.archive.ledger import Archive

    from ..pubmed import made

    archive = Archive.open(place.path("extract"))
    pmcids = [row.pmcid for block in archive.blocks() for row in archive.rows(block)]
    records = [made.article(900 + i, pmcid=pmcid) for i, pmcid in enumerate(pmcids)]
    for number in range(3):
        made.write_bulk(Path(place.path("bulk")), number + 1, *records[number::3])


def _write_scores(place: Place) -> None:
    index = Path(place.path("serialize"), "index")
    keys = [key for path in index.iterdir() for key in pq.read_table(path)["key"].to_pylist()]
    rows = [f"{key},{number / 7}" for number, key in enumerate(sorted(keys))]
    Path(place.path("scores.csv")).write_text("\n".join(["key,score", *rows]))


def do(stage: str, place: Place, output: str, workers: int, launch: Launch | None = None) -> None:
    """Do a stage, in this process and as many workers."""
    does: Any = {"select-tars": _select, "select": _select}.get(stage) or globals()[f"_{stage}"]
    given: dict[str, Any] = {}
    if stage in BLOCKS:
        given = {"launch": launch}
    elif stage in ALONE:
        given = {"take_over": bool(launch and launch.take_over)}
    if stage.startswith("select"):
        given["format"] = "webdataset" if stage == "select-tars" else "parquet"
    does(place, output, workers, **given)


def _extract(place: Place, output: str, workers: int, **given: Any) -> None:
    from biomedica_dataset.extraction.extract import extract

    extract(place.bucket, output, inventory=_INVENTORY, workers=workers, **given)


def _mesh(place: Place, output: str, workers: int, **given: Any) -> None:
    from biomedica_dataset.pubmed.mesh.mesh import mesh

    bulk = place.path("bulk")
    mesh(place.path("extract"), output, baseline=bulk, workers=workers, **given)


def _embed(place: Place, output: str, workers: int, **given: Any) -> None:
    from biomedica_dataset.annotation.embeddings.embed import embed

    model = place.path("encoder")
    embed(place.path("extract"), output, model=model, workers=workers - 1, **given)


def _assign(place: Place, output: str, workers: int, **given: Any) -> None:
    from biomedica_dataset.annotation.clusters.assign import assign

    clusters = place.path("cluster")
    assign(place.path("embed"), output, clusters=clusters, workers=workers, **given)


def _panels(place: Place, output: str, workers: int, **given: Any) -> None:
    from biomedica_dataset.annotation.panels.find_stage import panels

    panels(place.path("extract"), output, workers=workers, **given)


def _serialize(place: Place, output: str, workers: int, **given: Any) -> None:
    from biomedica_dataset.serialization.serialize import serialize

    serialize(place.path("extract"), output, workers=workers, **given)


def _joined(place: Place, output: str, workers: int, **given: Any) -> None:
    from biomedica_dataset.serialization.serialize import serialize

    archive, panels, look = (place.path(name) for name in ("extract", "panels", "look"))
    serialize(archive, output, panels=panels, attributes=[look], workers=workers, **given)


def _look(place: Place, output: str, workers: int, **given: Any) -> None:
    from biomedica_dataset.annotation.look.look import look

    look(place.path("extract"), output, workers=workers, **given)


def _duplicates(place: Place, output: str, _workers: int, **given: Any) -> None:
    from biomedica_dataset.annotation.duplicates.duplicates import duplicates

    duplicates(place.path("look"), output, **given)


def _search(_place: Place, output: str, workers: int, **given: Any) -> None:
    from biomedica_dataset.search.build import build_search

    build_search(output, workers=workers, **given)


def _attributes(place: Place, output: str, _workers: int) -> None:
    from biomedica_dataset.serialization.add_attribute import add_attribute

    add_attribute(place.path("scores.csv"), output, name="own")


def _tars(place: Place, output: str, workers: int, **given: Any) -> None:
    from biomedica_dataset.webdataset.export import serialize_webdataset

    serialize_webdataset(place.path("extract"), output, workers=workers, **given)


def _select(place: Place, output: str, _workers: int, **given: Any) -> None:
    from biomedica_dataset.subset import write_folder, write_tars
    from biomedica_dataset.subset.select import select

    write_folder._SHARD_ROWS = write_tars.SAMPLES = 20  # so that the sample has several slices
    select(place.path("serialize"), output, **given)


def _cluster(place: Place, output: str, _workers: int, **given: Any) -> None:
    from biomedica_dataset.annotation.clusters.cluster import cluster

    cluster(place.path("embed"), output, components=8, clusters=6, **given)


def _review(place: Place, output: str, workers: int, **given: Any) -> None:
    from biomedica_dataset.annotation.review.sheets import write_sheets

    assignments, archive = place.path("assign"), place.path("extract")
    write_sheets(assignments, archive, output, count=6, workers=workers, **given)


def _labels(place: Place, output: str, _workers: int, **given: Any) -> None:
    from biomedica_dataset.annotation.labels.label import label

    votes = sorted(Path(place.path("votes")).iterdir())
    label(votes, output, assignments=place.path("assign"), **given)


def _train(place: Place, output: str, workers: int, **given: Any) -> None:
    from biomedica_dataset.clip.models.model_config import ModelConfig
    from biomedica_dataset.clip.train.config import DataConfig, OptimizerConfig, TrainConfig
    from biomedica_dataset.clip.train.train import train

    config = TrainConfig(
        output=output,
        model=ModelConfig(name=f"local-dir:{place.path('model')}", pretrained=None),
        data=DataConfig(path=place.path("serialize"), workers=workers - 1),
        optimizer=OptimizerConfig(lr=1e-3, warmup=2),
        samples=8 * 6, global_batch=8, micro_batch=8, checkpoint_every=2, log_every=1,
    )  # fmt: skip
    train(config, **given)


def _push(place: Place, _output: str, _workers: int) -> None:
    from biomedica_dataset.hub.push import push_to_hub

    push_to_hub(place.path("serialize"), REPOSITORY)


def left(stage: str, output: Path) -> dict[str, str]:
    """Return what a stage has left, unfinished files too: their SHA-256 by name.

    A training also logs when it did what; its checkpoints count by name.
    """
    return {
        str(path.relative_to(output)): "" if path.suffix == ".pt" else _sha256(path)
        for path in sorted(output.rglob("*"))
        if path.is_file() and not (stage == "train" and path.name.startswith("events.out."))
    }


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def quiet() -> None:
    """Say nothing on the terminal, from this process or the workers that it starts."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
