"""What a benchmark takes and needs, told before anything heavy is imported."""

from __future__ import annotations

import ast
import importlib.util
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "biomedica_dataset" / "sample" / "bucket"
BUCKET: dict[str, Any] = {
    "nargs": "?",
    "type": Path,
    "default": SAMPLE,
    "help": "folder laid out as PMC's bucket; that of the sample by default",
}
FILES: dict[str, Any] = BUCKET | {"help": "folder of files; the bucket of the sample by default"}
_NAMES = {"PIL": "Pillow"}


def check(parser: ArgumentParser, tools: Sequence[str] = ()) -> None:
    """End the script if its arguments are wrong, or a program or package is not installed."""
    sys.path.insert(0, str(ROOT))
    parser.parse_args()
    lacks = [f"the program {tool}" for tool in tools if shutil.which(tool) is None]
    packages = [name for name in _imported() if importlib.util.find_spec(name) is None]
    if packages:
        lacks.append(f"pip install {' '.join(_NAMES.get(name, name) for name in packages)}")
    if lacks:
        sys.exit(f"{Path(sys.argv[0]).name} needs {', and '.join(lacks)}")


def _imported() -> Iterator[str]:
    """Yield the packages that the script imports when it starts."""
    for node in ast.parse(Path(sys.argv[0]).read_bytes()).body:
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]
