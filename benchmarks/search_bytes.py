"""Bytes fetched to show the results of a search over loopback HTTP, set against their images.

    python benchmarks/search_bytes.py DATASET [QUERY ...]

DATASET is a dataset folder with a search index, which is fetched before and counted apart. Each
query asks for 20 figures with their images.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from options import check

QUERIES = (
    "western blot", "cell death", "confocal microscopy neurons", "phylogenetic tree",
    "survival curves of patients", "crystal structure of a protein", "malaria",
    "gene expression heat map", "mouse brain sections stained", "flow chart of the study",
)  # fmt: skip


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("queries", nargs="*", default=QUERIES, metavar="QUERY")
    return parser


if __name__ == "__main__":
    check(arguments())


from biomedica_dataset import open_search
from tests.servers.bucket import BucketServer


def main() -> None:
    chosen = arguments().parse_args()
    with BucketServer(chosen.dataset) as server:
        search = open_search(server.url)
        print(f"manifest and search index {sum(one.sent for one in server.log):,}")
        results = images = rest = 0
        for query in chosen.queries:
            before = len(server.log)
            found = search.search(query, limit=20, images=True)
            shown = sum(len(one.image["bytes"]) for one in found if one.image)
            fetched = sum(one.sent for one in server.log[before:])
            print(f"{query}: {len(found)} images {shown:,}, all {fetched:,}")
            results, images, rest = results + len(found), images + shown, rest + fetched - shown
    print(f"{rest / results:,.0f} bytes a result beside its image of {images / results:,.0f}")
    print(f"all / images {1 + rest / images:.3f}; with images of 153 kB "
          f"{1 + rest / results / 153_000:.3f}")  # fmt: skip


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as cache:
        os.environ["HF_HOME"] = cache
        main()
