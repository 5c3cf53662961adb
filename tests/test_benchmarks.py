"""Benchmarks say what they take and what they lack, before they load anything heavy."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPTS = sorted(
    path.name for path in (ROOT / "benchmarks").glob("*.py") if "__main__" in path.read_text()
)
HELPS = """
import contextlib, io, json, runpy, sys

said = {}
for script in sys.argv[1:]:
    sys.argv = [script, "--help"]
    with contextlib.redirect_stdout(io.StringIO()) as out:
        try:
            runpy.run_path(script, run_name="__main__")
        except SystemExit as end:
            assert not end.code, end.code
    said[script.rpartition("/")[2]] = out.getvalue()
print(json.dumps([said, [name.partition(".")[0] for name in sys.modules]]))
"""


def run(*arguments, **environment):
    env = os.environ | {"PYTHONPATH": f"{ROOT / 'benchmarks'}{os.pathsep}{ROOT}"} | environment
    command = [sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=env, check=False)


def test_each_answers_to_help_without_loading_a_library():
    found = run("-c", HELPS, *(str(ROOT / "benchmarks" / name) for name in SCRIPTS))
    assert found.returncode == 0, found.stderr
    said, loaded = json.loads(found.stdout)
    assert sorted(said) == SCRIPTS
    assert all(text.startswith("usage: ") for text in said.values())
    assert not {"numpy", "torch", "pyarrow", "lxml", "PIL", "biomedica_dataset"} & set(loaded)


def test_a_program_that_is_lacking_is_named_at_once(tmp_path):
    found = run(str(ROOT / "benchmarks" / "stream.py"), PATH=str(tmp_path))
    assert found.returncode == 1
    assert found.stderr == "stream.py needs the program nginx, and the program curl\n"


def test_a_package_that_is_lacking_comes_with_its_command(tmp_path):
    script = tmp_path / "made.py"
    script.write_text(
        "import argparse\n"
        "from options import check\n"
        'if __name__ == "__main__":\n'
        "    check(argparse.ArgumentParser())\n"
        "import no_such_package\n"
    )
    found = run(str(script))
    assert found.stderr == "made.py needs pip install no_such_package\n"


def test_the_page_names_every_benchmark():
    page = (ROOT / "docs" / "explanation" / "benchmarks.md").read_text()
    assert set(re.findall(r"python benchmarks/(\w+\.py)", page)) == set(SCRIPTS)


@pytest.mark.slow
def test_the_table_of_all_has_machine_date_and_what_a_benchmark_prints():
    found = run(str(ROOT / "benchmarks" / "all.py"), "jats")
    rows = found.stdout.splitlines()
    assert [row.split(" | ")[0] for row in rows[2:5]] == ["| date", "| machine", "| versions"]
    assert any("x lxml" in row for row in rows if row.startswith("| `jats.py` | "))
