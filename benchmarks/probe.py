"""Labels of single images by a probe, beside labels that clusters hand down.

    python benchmarks/probe.py IMAGES [--clusters 8] [--components 2] [--audit 12] [--seeds 5]

IMAGES has a folder for each class. Each image counts as an article. A made-up expert who knows the
classes sees half of the images: calls each cluster by the class of most that are seen, marks those
of other classes among 24, and audits others. The labels of the other half are compared with them.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from options import FILES, check


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", **FILES | {"nargs": None, "help": "a folder for each class"})
    parser.add_argument("--clusters", type=int, default=8)
    parser.add_argument("--components", type=int, default=2)
    parser.add_argument("--audit", type=int, default=12, help="images of each cluster")
    parser.add_argument("--precision", type=float, default=0.95)
    parser.add_argument("--seeds", type=int, default=5)
    return parser


if __name__ == "__main__":
    check(arguments())


import numpy as np

from biomedica_dataset import assign, cluster, label, probe
from biomedica_dataset.annotation.blocks import BlockRecord, write_block
from biomedica_dataset.annotation.clusters.assignments import Assignments
from biomedica_dataset.annotation.embeddings.article_images import Frame
from biomedica_dataset.annotation.embeddings.classical import Classical
from biomedica_dataset.annotation.embeddings.vectors import (
    Embeddings,
    EmbeddingsHeader,
    vector_table,
)
from biomedica_dataset.annotation.labels.labels import Labels
from biomedica_dataset.annotation.labels.taxonomy import Taxonomy
from biomedica_dataset.annotation.labels.votes import VoteFile
from biomedica_dataset.annotation.probe.probabilities import Probe
from biomedica_dataset.errors import ArticleError
from biomedica_dataset.io.folders import Folder

MARKED = 24  # images of a cluster that the expert sees to mark those of other classes


def main() -> None:
    options = arguments().parse_args()
    with tempfile.TemporaryDirectory() as home:
        classes = embed(options.images, Path(home, "embeddings"))
        print(f"{len(classes)} images of {len(set(classes.values()))} classes")
        rows = []
        for seed in range(options.seeds):
            rows.append(compare(Path(home), classes, options, seed))
            print(f"seed {seed}: {in_words(rows[-1])}", flush=True)
        print(f"mean: {in_words({name: np.mean([row[name] for row in rows]) for name in rows[0]})}")


def in_words(row: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.3f}" for name, value in row.items())


def embed(images: Path, output: Path) -> dict[str, str]:
    """Write vectors without weights; return the class of each image by key."""
    encoder, classes, vectors = Classical(), {}, []
    frame = Frame(size=encoder.id.size, colour=encoder.colour)
    for path in sorted(images.glob("*/*")):
        try:
            pixels = frame.decode(path.read_bytes(), [None])[0]
        except ArticleError:
            continue
        classes[f"PMC{len(classes) + 1}_image"] = path.parent.name
        vectors.append(encoder.encode(pixels[None])[0])
    there = Embeddings.begin(Folder(output), EmbeddingsHeader(1000, encoder.id))
    hashes = [hashlib.sha256(key.encode()).hexdigest() for key in classes]
    table = vector_table(list(classes), hashes, np.stack(vectors))
    write_block(there.folder, 0, table, BlockRecord(fingerprint="made"))
    return classes


def compare(home: Path, classes: dict[str, str], options: Any, seed: int) -> dict[str, float]:
    """Return coverage and errors of one clustering and one half of the images."""
    vectors, own = home / "embeddings", home / str(seed)
    cluster(
        vectors, own / "clusters", components=options.components, clusters=options.clusters,
        seed=seed,
    )  # fmt: skip
    assign(vectors, own / "assignments", clusters=own / "clusters", workers=1)
    random = np.random.default_rng(seed)
    seen = {key for key in classes if random.random() < 0.5}
    labels = vote(own, classes, seen, options.audit, random)
    probe(
        vectors, own / "probe", labels=own / "labels", assignments=own / "assignments",
        precision=options.precision,
    )  # fmt: skip
    there = Probe.open(own / "probe")
    by_probe = {
        key: one.get("image_primary_label")
        for key, one in there.labels(0, len(classes) + 1).items()
    }
    table = there.read(0)
    chances = np.stack([table[one.column].to_numpy() for one in there.concepts])
    surest = {
        key: there.concepts[best].name
        for key, best in zip(table["key"].to_pylist(), chances.argmax(axis=0), strict=True)
    }
    others = [key for key in classes if key not in seen]
    assigned = Assignments.open(own / "assignments").read(0).to_pydict()
    handed = {
        key: (known.primary or [None])[0] if (known := labels.of(number, key)) else None
        for key, number in zip(assigned["key"], assigned["cluster"], strict=True)
    }
    distances = dict(zip(assigned["key"], assigned["distance"], strict=True))
    covered = [key for key in others if by_probe.get(key)]
    nearest = sorted(others, key=distances.__getitem__)[: len(covered)]

    def wrong(keys: list[str], names: dict[str, Any]) -> float:
        right = sum(names[key] in (classes[key], [classes[key]]) for key in keys)
        return 1 - right / max(1, len(keys))

    return {
        "handed down, all": wrong(others, handed),
        "surest of the probe, all": wrong(others, surest),
        "coverage of the probe": len(covered) / len(others),
        "its error": wrong(covered, by_probe),
        "handed down, as many, nearest to their centers": wrong(nearest, handed),
        "handed down, the same images": wrong(covered, handed),
    }


def vote(
    own: Path, classes: dict[str, str], seen: set[str], audit: int, random: np.random.Generator
) -> Labels:
    """Write the votes of an expert, and the labels."""
    names = sorted(set(classes.values()))
    taxonomy = {"version": "1", "panel_types": {"single": ["single panel"]},
                "concepts": {name: [f"{name}, in detail"] for name in names}}  # fmt: skip
    own.joinpath("taxonomy.json").write_text(json.dumps(taxonomy))
    assignments = Assignments.open(own / "assignments")
    there = assignments.read(0).to_pydict()
    loaded = Taxonomy.load(own / "taxonomy.json")
    file = VoteFile(own / "votes", "expert", loaded, assignments.model)
    for number in range(assignments.clusters):
        pairs = zip(there["key"], there["cluster"], strict=True)
        members = [key for key, of in pairs if of == number and key in seen]
        random.shuffle(members)
        if not members:
            continue
        name = Counter(classes[key] for key in members).most_common(1)[0][0]
        file.answer(number, "primary", [name])
        wrong = [key for key in members[:MARKED] if classes[key] != name]
        file.answer(number, "wrong_images", wrong or None)
        for key in members[-audit:]:
            file.answer(number, "fits_primary", classes[key] == name, key)
    file.close()
    label(
        [file.path], own / "labels", assignments=own / "assignments",
        taxonomy=own / "taxonomy.json",
    )  # fmt: skip
    return Labels.open(own / "labels")


if __name__ == "__main__":
    main()
