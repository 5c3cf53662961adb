"""Tests the builder with the oldest and the newest allowed version of datasets, or with others.

::

    python -m tools.datasets_versions            # or: 4.8.5 5.0.1

Each version gets a virtual environment of its own. It sees the libraries of this one, so that pip
installs only what that version needs in another version.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import sysconfig
import tempfile
import tomllib
import venv
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_TESTS = ["tests/test_builder.py", "tests/serialize/test_captions_only.py"]


def allowed() -> list[str]:
    """Return what pip takes for the oldest and the newest version that `pyproject.toml` allows.

    Examples
    --------
    >>> [one[:2] for one in allowed()]
    ['==', '>=']
    """
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text())["project"]
    (bounds,) = (one[8:] for one in project["dependencies"] if one.startswith("datasets"))
    (oldest,) = re.findall(r">=([\d.]+)", bounds)
    return [f"=={oldest}", bounds]


def passes(version: str) -> bool:
    """Install a version of datasets, and run the tests of the builder with it."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        own = sysconfig.get_path("purelib", vars={"base": folder})
        Path(own, "outer.pth").write_text(sysconfig.get_path("purelib"))
        python = str(Path(folder, "bin", "python"))
        pip = [python, "-m", "pip", "install", "--quiet", "--upgrade", f"datasets{version}"]
        subprocess.run(pip, check=True)
        asked = (
            "import datasets, huggingface_hub as hub; print(datasets.__version__, hub.__version__)"
        )
        done = subprocess.run([python, "-c", asked], check=True, capture_output=True, text=True)
        print("datasets and huggingface_hub", done.stdout.strip(), flush=True)
        done = subprocess.run(
            [python, "-m", "pytest", "-q", "-n", "0", *_TESTS],
            cwd=_ROOT, env=os.environ | {"PYTHONPATH": str(_ROOT)}, check=False, text=True,
        )  # fmt: skip
    return done.returncode == 0


def main() -> None:
    """Try versions; the exit status is 1 if the tests of one fail."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("versions", nargs="*", help="such as 5.0.1")
    given = [f"=={version}" for version in parser.parse_args().versions]
    failed = [version for version in given or allowed() if not passes(version)]
    print(f"failed: {', '.join(failed)}" if failed else "the builder works with each")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
