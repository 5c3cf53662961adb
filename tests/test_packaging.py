"""The package as a stranger meets it: its face, its weight, its version, what its wheel holds."""

from __future__ import annotations

import importlib.metadata
import re
import resource
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import biomedica_dataset
from biomedica_dataset import errors

ROOT = Path(__file__).parents[1]
HEAVY = ("datasets", "pyarrow", "sklearn", "torch", "lxml", "obstore", "PIL", "huggingface_hub")
MOST_SECONDS = 1.5  # of a processor, of a whole process; measured: 0.3 on an idle machine


@pytest.fixture(scope="module")
def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def run(*arguments):
    """Run Python in a fresh process of the same environment."""
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True)


def test_the_version_is_the_top_entry_of_the_changelog(project):
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    entries = re.findall(r"^## \[(\S+)\]", changelog, re.MULTILINE)

    assert entries[0] == project["version"] == biomedica_dataset.__version__


def test_the_citation_has_the_same_version_and_licence(project):
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")

    assert f"\nversion: {project['version']}\n" in citation
    assert f"\nlicense: {project['license']}\n" in citation


def test_the_extras_are_those_that_the_readme_names(project):
    extras = project["optional-dependencies"]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"pip install [^`\n]*'\.?[\w-]*\[([\w,]+)\]'", readme))

    assert {name for names in named for name in names.split(",")} <= set(extras)
    assert "biomedica-dataset[test]" in extras["dev"]


def test_every_dependency_has_a_lower_bound(project):
    extras = project["optional-dependencies"].values()
    for requirement in [*project["dependencies"], *(r for extra in extras for r in extra)]:
        assert requirement.startswith("biomedica-dataset[") or ">=" in requirement


@pytest.mark.parametrize(
    "statement",
    [
        "import biomedica_dataset",
        "from biomedica_dataset.cli import main; main(['-h'], standalone_mode=False)",
    ],
    ids=["import", "help"],
)
def test_nothing_heavy_is_loaded_before_it_is_used(statement):
    told = run("-c", f"{statement}\nimport sys\nprint('LOADED', *sys.modules)")
    loaded = told.stdout.partition("LOADED")[2].split()

    assert "biomedica_dataset" in loaded
    assert not set(HEAVY) & set(loaded)


@pytest.mark.parametrize(
    "arguments", [["-c", "import biomedica_dataset"], ["-m", "biomedica_dataset", "-h"]]
)
def test_it_starts_at_once(arguments):
    def seconds():
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        run(*arguments)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(seconds() for _ in range(3)) < MOST_SECONDS


def test_the_module_is_the_command():
    assert run("-m", "biomedica_dataset", "--help").stdout.startswith("Usage: ")


def test_every_public_name_imports():
    for name in biomedica_dataset.__all__:
        assert getattr(biomedica_dataset, name) is not None


def test_the_list_of_public_names_is_complete():
    later = set(biomedica_dataset._HOME)
    found = {n: one for n, one in vars(errors).items() if isinstance(one, type)}
    raised = {n for n, one in found.items() if issubclass(one, BaseException)}

    assert sorted(biomedica_dataset.__all__) == list(biomedica_dataset.__all__)
    assert set(biomedica_dataset.__all__) == later | raised | {"__version__"}


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nothing_of_that_name"):
        _ = biomedica_dataset.nothing_of_that_name


def test_the_command_is_installed():
    (command,) = importlib.metadata.entry_points(group="console_scripts", name="biomedica")

    assert command.value == "biomedica_dataset.cli:main"


@pytest.mark.slow
def test_the_wheel_holds_the_package_and_nothing_else(tmp_path):
    run("-m", "pip", "wheel", ROOT, "--no-deps", "--no-build-isolation", "-q", "-w", tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as opened:
        held = {name for name in opened.namelist() if ".dist-info/" not in name}
        license_text = [name for name in opened.namelist() if name.endswith("licenses/LICENSE")]

    package = ROOT / "biomedica_dataset"
    files = {p for p in package.rglob("*") if p.is_file() and "__pycache__" not in p.parts}
    assert held == {path.relative_to(ROOT).as_posix() for path in files}
    assert "biomedica_dataset/py.typed" in held
    assert license_text
