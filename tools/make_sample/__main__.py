"""The command line: writes the bucket, and prints which libraries made its bytes."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from .bucket import made_with, write

parser = argparse.ArgumentParser(prog="python -m tools.make_sample", description=__doc__)
parser.add_argument("out", type=Path, help="a new folder: it becomes the root of the bucket")
parser.add_argument(
    "--seed",
    type=int,
    default=0,
    help="draws other images, authors and references; the sample's: 0",
)
given = parser.parse_args()
write(given.out, given.seed)
print(json.dumps(made_with(), indent=2))
