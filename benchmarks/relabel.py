"""What new labels cost: bytes of Parquet pages that the version before did not have.

    python benchmarks/relabel.py [BUCKET]

BUCKET is a folder laid out as PMC's bucket. Its pictures get clusters by a hash, all clusters one
set of labels, then another. Pages are told apart by their SHA-256. Prints the index's size too.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
import zlib
from pathlib import Path

from options import BUCKET, check


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bucket", **BUCKET)
    return parser


if __name__ == "__main__":
    check(arguments())


import pyarrow.parquet as pq

from biomedica_dataset.annotation.clusters.assignments import Assignments
from biomedica_dataset.annotation.clusters.imported import import_assignments
from biomedica_dataset.annotation.labels.label import label
from biomedica_dataset.annotation.labels.taxonomy import Taxonomy
from biomedica_dataset.annotation.labels.votes import VoteFile
from biomedica_dataset.extraction.extract import extract
from biomedica_dataset.serialization.serialize import serialize

CLUSTERS = 200


def pages(folder: Path, pattern: str) -> dict[str, int]:
    found = {}
    for path in sorted(folder.glob(pattern)):
        data, footer = path.read_bytes(), pq.read_metadata(path)
        for group in range(footer.num_row_groups):
            for i in range(footer.num_columns):
                chunk = footer.row_group(group).column(i)
                start = chunk.dictionary_page_offset or chunk.data_page_offset
                part = data[start : start + chunk.total_compressed_size]
                found[hashlib.sha256(part).hexdigest()] = len(part)
    return found


def labels(root: Path, name: str, concepts: list[str]) -> Path:
    assigned = root / "assigned"
    model = Assignments.open(assigned).model
    file = VoteFile(root / name, "a", Taxonomy.load(), model)
    for cluster in range(CLUSTERS):
        file.answer(cluster, "primary", [concepts[cluster % len(concepts)]])
        file.answer(cluster, "panel_type", "single")
    file.close()
    label([file.path], root / name / "labels", assignments=assigned)
    return root / name / "labels"


def main() -> None:
    options = arguments().parse_args()
    names = list(Taxonomy.load().secondary)
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        archive, dataset, assigned = root / "archive", root / "dataset", root / "assigned"
        # As a selection, so that its blocks are as full as those of PMC.
        extract(options.bucket, str(archive), limit=10**6)
        serialize(archive, dataset)
        keys = sorted(pq.read_table(dataset / "index")["key"].to_pylist())
        lines = [f"{k.replace('_', ',', 1)},{zlib.crc32(k.encode()) % CLUSTERS}" for k in keys]
        (root / "c.csv").write_text("\n".join(["pmcid,file_name,cluster", *lines]))
        import_assignments(archive, assigned, table=root / "c.csv")
        states = []
        for name, concepts in (("one", names[:8]), ("two", names[8:])):
            serialize(archive, dataset, clusters=assigned, labels=labels(root, name, concepts))
            states.append([pages(dataset, "*/train/*.parquet"), pages(dataset, "**/*.parquet")])
        for what, before, after in zip(("pictures", "all files"), *states, strict=True):
            new = sum(size for digest, size in after.items() if digest not in before)
            whole = sum(after.values())
            print(f"{what}: {new:,} new of {whole:,} bytes of pages, {new / whole:.2%}")
        index = sum(path.stat().st_size for path in (dataset / "index").iterdir())
        print(f"index: {index / len(keys):.0f} bytes a row of {len(keys):,}")


if __name__ == "__main__":
    sys.exit(main())
