"""A part that needs an extra says how to get it, where the package is."""

from __future__ import annotations

import json
import re
import shlex
import sys
from pathlib import Path

import pytest

from biomedica_dataset import extras
from biomedica_dataset.errors import UsageError
from biomedica_dataset.extras import install_command, require, requirement


def test_a_module_that_is_there_is_returned():
    assert require("json", "any") is json


def test_one_that_is_not_there_gives_the_line_that_installs_it():
    line = re.escape(install_command("embed"))
    with pytest.raises(UsageError, match=f"a_library_that_nobody_wrote is .*; run {line}"):
        require("a_library_that_nobody_wrote", "embed")


def of(path, **more):
    return {"url": path.as_uri(), "dir_info": more}


@pytest.mark.parametrize("name", ["checkout", "a b", "é'x", "über 100%"])
def test_a_checkout_is_named_by_its_path(tmp_path, monkeypatch, name):
    there, aside = tmp_path / name, tmp_path / "aside"
    there.mkdir()
    aside.mkdir()
    for cwd, path in ((aside, str(there)), (tmp_path, f"./{name}"), (there, ".")):
        monkeypatch.chdir(cwd)
        assert shlex.split(requirement("embed", of(there))) == [f"{path}[embed]"]
        assert shlex.split(requirement("embed", of(there, editable=True))) == [
            "-e",
            f"{path}[embed]",
        ]


def test_what_is_elsewhere_is_named_so_that_pip_finds_it(tmp_path):
    name = "'biomedica-dataset[s3]'"

    assert requirement("s3", None) == requirement("s3", of(tmp_path / "gone")) == name
    wheel = {"url": "https://host/a.whl", "archive_info": {}}
    assert requirement("s3", wheel) == "'biomedica-dataset[s3] @ https://host/a.whl'"


def test_the_pip_is_that_of_this_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    assert install_command("s3").startswith("pip install ")
    monkeypatch.setenv("PATH", str(tmp_path))
    program = shlex.split(install_command("s3"))[0]
    assert Path(program).samefile(Path(sys.executable).with_name("pip"))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert install_command("s3").startswith(f"{tmp_path}/python -m pip install ")
    monkeypatch.setattr(extras.importlib.util, "find_spec", lambda _name: None)
    assert install_command("s3").startswith("uv pip install ")
