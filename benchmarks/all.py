"""Run the benchmarks that take a minute or two, on the sample: a table of what they print.

    python benchmarks/all.py [--write] [NAME ...]

With ``--write`` the table goes into docs/explanation/benchmarks.md. The inputs are small, so that
ratios count and speeds do not.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from options import ROOT

PAGE = ROOT / "docs" / "explanation" / "benchmarks.md"
SLOT = re.compile(r"(<!-- all\.py -->\n).*(<!-- end of all\.py -->)", re.DOTALL)
QUICK = {
    "jats": [],
    "decode": [],
    "look": [],
    "duplicates": ["--hashes", "100000"],
    "pubmed": ["--citations", "3000", "--repeats", "2"],
    "serialize": ["--rounds", "2"],
    "stream": ["--rounds", "2"],
    "relabel": [],
}
LIBRARIES = ("biomedica-dataset", "datasets", "pyarrow", "lxml", "obstore", "pillow", "torch")


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(QUICK)}")
    parser.add_argument("--write", action="store_true", help="write the table into the page")
    return parser


def main() -> None:
    parser = arguments()
    options = parser.parse_args()
    if unknown := set(options.names) - QUICK.keys():
        parser.error(f"unknown benchmark {', '.join(sorted(unknown))}; choose {', '.join(QUICK)}")
    lines = [f"| {what} | {value} |" for what, value in machine().items()]
    for name in options.names or QUICK:
        lines += [f"| `{name}.py` | {line} |" for line in printed(name)]
    table = "\n".join(["| | |", "|---|---|", *lines])
    print(table)
    if options.write:
        text = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(SLOT.sub(lambda slot: f"{slot[1]}{table}\n{slot[2]}", text), "utf-8")


def machine() -> dict[str, str]:
    """Return what the numbers depend on besides the code."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = os.getloadavg()[0]
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": f"{len(os.sched_getaffinity(0))} processors, {memory:.0f} GiB, "
        f"{platform.system()} {platform.machine()}, load {load:.0f}",
        "versions": ", ".join(
            [f"Python {platform.python_version()}", *(f"{n} {version(n)}" for n in LIBRARIES)]
        ),
    }


def printed(name: str) -> list[str]:
    """Return the lines that a benchmark prints, or why it cannot run."""
    script = Path(__file__).with_name(f"{name}.py")
    command = [sys.executable, str(script), *QUICK[name]]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    lines = (done.stdout if done.returncode == 0 else done.stderr.strip()).splitlines()
    shown = lines if done.returncode == 0 else lines[-1:]
    return [" ".join(line.replace("|", "/").split()) for line in shown if line.strip()]


if __name__ == "__main__":
    main()
