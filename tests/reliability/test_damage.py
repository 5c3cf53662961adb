"""Files of ours that are damaged, lost or replaced: a command works, or ends with one line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from biomedica_dataset.cli.group import main
from biomedica_dataset.demo import run_demo

pytestmark = pytest.mark.slow

FILES = [
    *("archive/archive.json", "archive/report.json", "archive/articles/*", "archive/images/*"),
    *("embeddings/embeddings.json", "embeddings/blocks/*", "clusters/cluster.json"),
    *("clusters/cluster.npz", "assignments/assignments.json", "assignments/blocks/*"),
    *("labels/labels.json", "labels/labels.parquet", "biomedica/.shards/shards.json"),
    *("biomedica/.shards/0*", "biomedica/manifest.json", "biomedica/index/*"),
    "biomedica/commercial/train/*",
]
JOINED = (
    "--clusters assignments --labels labels --embeddings embeddings --panels panels --workers 1"
)
COMMANDS = [
    "annotate review assignments archive -o sheets",
    "annotate labels votes/anna.jsonl -o judged --assignments assignments --dataset biomedica",
    f"serialize archive -o biomedica {JOINED}",
    "verify archive",
    "verify biomedica",
    "annotate assign clusters embeddings -o assignments --workers 1",
    "annotate embed archive -o embeddings --model classical --workers 0",
    "extract bucket -o archive --workers 1",
]


def half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def one_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 0xFF
    path.write_bytes(data)


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGES = {
    "gone": Path.unlink,
    "half": half,
    "one byte": one_byte,
    "a folder": a_folder,
    **{
        name: lambda path, data=data: path.write_bytes(data)
        for name, data in {
            "empty": b"",
            "a list": b"[]",
            "an object": b"{}",
            "null": b"null",
            "bytes": bytes(range(256)) * 40,
            "nested": b'{"a":' * 100_000,
        }.items()
    },
}


@pytest.fixture(scope="module")
def route(once):
    """All that the demo makes; not to be changed by a test."""
    return once("demo", lambda to: list(run_demo(str(to))))


def test_without_damage_all_of_the_commands_do_their_work(route, tmp_path, monkeypatch):
    shutil.copytree(route, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")

    done = [CliRunner().invoke(main, command.split()) for command in COMMANDS]
    assert [one.exit_code for one in done] == [0] * len(COMMANDS)


@pytest.mark.parametrize("number", range(len(FILES)), ids=FILES)
def test_a_damaged_file_gives_no_traceback(route, tmp_path, monkeypatch, number):
    damage = list(DAMAGES)[number % len(DAMAGES)]  # one for each file, another for the next
    folder = tmp_path / "copy"
    shutil.copytree(route, folder)
    monkeypatch.chdir(folder)
    path = next(iter(sorted(folder.glob(FILES[number]))))
    DAMAGES[damage](path)
    for command in COMMANDS:
        done = CliRunner().invoke(main, command.split())

        told = damage, command, done.exception
        assert done.exception is None or isinstance(done.exception, SystemExit), told
        assert done.exit_code in (0, 1, 2)
        if done.exit_code and not command.startswith("verify"):
            assert "Error: " in done.output
            assert len(done.output) < 1000


def test_what_is_lost_or_cut_short_is_made_again(route, tmp_path):
    for what, command in (
        ("archive/images/*", "extract bucket -o archive --workers 1"),
        ("biomedica/commercial/train/*", f"serialize archive -o biomedica {JOINED}"),
    ):
        for damage in (Path.unlink, half, lambda path: path.write_bytes(b"")):
            folder = tmp_path / "copy"
            shutil.copytree(route, folder)
            path = next(iter(sorted(folder.glob(what))))
            whole = path.read_bytes()
            damage(path)
            with pytest.MonkeyPatch.context() as here:
                here.chdir(folder)
                done = CliRunner().invoke(main, command.split())

            assert done.exit_code == 0, done.output
            assert path.read_bytes() == whole
            shutil.rmtree(folder)
