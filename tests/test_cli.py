"""The command `biomedica`, run as a user runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from biomedica_dataset.cli.group import Commands, main, printable


@pytest.fixture
def run():
    runner = CliRunner()

    def invoke(*arguments, stdin=None):
        return runner.invoke(main, [str(a) for a in arguments], input=stdin, catch_exceptions=False)

    return invoke


@pytest.mark.slow
def test_the_route_ends_with_a_report_that_adds_up(run, sample_bucket, tmp_path):
    archive, dataset = tmp_path / "archive", tmp_path / "biomedica"
    extracted = run("extract", sample_bucket, "-o", archive, "--workers", 1)
    serialized = run("serialize", archive, "-o", dataset, "--workers", 1)
    verified = run("verify", dataset)
    report = json.loads((archive / "report.json").read_bytes())

    assert (extracted.exit_code, serialized.exit_code, verified.exit_code) == (0, 0, 0)
    assert "article versions: 24 seen = 19 kept + 5 dropped" in extracted.output
    assert "figures: 64 seen = 62 kept + 2 dropped" in serialized.output
    for thing in ("articles", "figures"):
        assert report[thing]["seen"] == report[thing]["kept"] + sum(
            report[thing]["dropped"].values()
        )


def test_the_same_run_again_does_nothing_and_says_so(run, sample_bucket, tmp_path):
    run("extract", sample_bucket, "-o", tmp_path / "a", "--workers", 1)

    assert "nothing to do" in run("extract", sample_bucket, "-o", tmp_path / "a").output


def test_ctrl_c_within_a_library_that_fails_of_it_ends_in_one_line():
    group = Commands("outer")
    group.add_command(Commands("inner"))

    @group.commands["inner"].command()
    def interrupted():
        try:
            raise KeyboardInterrupt
        finally:
            int("no number")

    done = CliRunner().invoke(group, ["inner", "interrupted"])
    stopped = "Stopped. What is finished stays valid; run the same command again to resume.\n"
    assert (done.exit_code, done.output) == (130, stopped)


def test_ids_come_from_standard_input_too(run, sample_bucket, tmp_path):
    done = run(
        "extract",
        sample_bucket,
        "-o",
        tmp_path / "a",
        "--pmcids",
        "-",
        stdin="99002918\nPMC99000101.1\n",
    )

    assert "2 seen = 2 kept" in done.output


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["PMC1"], "not in the source {bucket}: PMC1"),
        (["PMC1,PMC2", "3"], "PMC1, PMC2, PMC3"),
        (["-"], "PMC7"),
        (["PMC99002918.9"], "not in the source {bucket}: PMC99002918.9"),
        (["PMCX"], "neither PMCIDs such as PMC13900 nor a readable file"),
    ],
)
@pytest.mark.parametrize("dry", [[], ["--dry-run"]])
def test_articles_that_the_source_lacks_are_a_callers_mistake(
    run, sample_bucket, tmp_path, given, said, dry
):
    ids = [word for value in given for word in ("--pmcids", value)]
    done = run("extract", sample_bucket, "-o", tmp_path / "a", *ids, *dry, stdin="PMC7\n")

    assert done.exit_code == 2
    assert said.format(bucket=sample_bucket) in done.output
    assert not list(tmp_path.iterdir())


def test_a_version_that_is_asked_for_is_the_one_fetched(run, sample_bucket, tmp_path):
    ids = ["--pmcids", "PMC99000102.1 PMC99002918", "--pmcids", "99000101.7"]
    done = run("extract", sample_bucket, "-o", tmp_path / "a", *ids)
    ledger = pq.read_table(tmp_path / "a" / "articles").to_pylist()

    assert "not in the source: PMC99000101.7" in done.output
    assert {(row["pmcid"], row["version"]) for row in ledger} == {(99000102, 1), (99002918, 1)}
    assert run("extract", sample_bucket, "-o", tmp_path / "a", *ids).exit_code == 0
    other = run("extract", sample_bucket, "-o", tmp_path / "a", "--pmcids", "PMC99000102 99002918")
    assert other.exit_code == 2
    assert "Give the same options again" in other.output


def test_only_some_licenses(run, sample_bucket, tmp_path):
    done = run(
        "extract", sample_bucket, "-o", tmp_path / "a", "--license", "CC0", "--license", "cc by-nc"
    )

    assert "license_not_wanted" in done.output


def test_a_dry_run_writes_nothing(run, sample_bucket, tmp_path):
    done = run("extract", sample_bucket, "-o", tmp_path / "a", "--dry-run")

    assert done.exit_code == 0
    assert "24" in done.output
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(
            ["extract", "{tmp}/nowhere", "-o", "{tmp}/a"], "is not a folder", id="no source"
        ),
        pytest.param(["extract", "ftp://x", "-o", "{tmp}/a"], "'ftp'", id="scheme"),
        pytest.param(
            ["extract", "{bucket}", "-o", "{tmp}/a", "--license", "MIT"],
            "unknown licence 'MIT'",
            id="license",
        ),
        pytest.param(
            ["extract", "{bucket}", "-o", "{tmp}/a", "--pmcids", "{tmp}/ids"],
            "line 2",
            id="rubbish ids",
        ),
        pytest.param(
            ["extract", "{bucket}", "-o", "{tmp}/a", "--pmcids", "{tmp}/none"],
            "{tmp}/none",
            id="no id file",
        ),
        pytest.param(
            ["extract", "{bucket}", "-o", "{tmp}/a", "--images", "{tmp}/none"],
            "'all'",
            id="no key file",
        ),
        pytest.param(
            ["extract", "{bucket}", "-o", "{tmp}/a", "--inventory", "soon"], "date", id="inventory"
        ),
        pytest.param(
            ["extract", "{bucket}", "-o", "{tmp}"], "is not empty and not", id="output of others"
        ),
        pytest.param(
            ["extract", "{bucket}", "-o", "{tmp}/ids"], "{tmp}/ids", id="output is a file"
        ),
        pytest.param(["extract", "{bucket}", "-o", "{tmp}/a", "--limit", "0"], "0", id="limit"),
        pytest.param(["extract", "{bucket}"], "--output", id="no output"),
        pytest.param(["serialize", "{tmp}", "-o", "{tmp}/b"], "is not an archive", id="no archive"),
        pytest.param(["verify", "{tmp}"], "is not an archive", id="nothing to verify"),
        pytest.param(["demo", "{tmp}"], "not empty", id="demo folder"),
    ],
)
def test_a_callers_mistake_is_one_line_and_exit_2(run, sample_bucket, tmp_path, arguments, words):
    (tmp_path / "ids").write_text("PMC99002918\nrubbish\n")
    names = {"tmp": str(tmp_path), "bucket": str(sample_bucket)}
    before = sorted(tmp_path.rglob("*"))
    done = run(*(a.format(**names) for a in arguments))

    assert done.exit_code == 2
    assert words.format(**names) in done.output
    assert sorted(tmp_path.rglob("*")) == before


def test_another_selection_is_refused_and_both_are_named(run, sample_bucket, tmp_path):
    run("extract", sample_bucket, "-o", tmp_path / "a", "--limit", 2)
    done = run("extract", sample_bucket, "-o", tmp_path / "a")

    assert done.exit_code == 2
    assert "the newest 2 articles" in done.output
    assert "all articles" in done.output


@pytest.mark.slow
def test_no_network_is_one_clear_line_and_exit_1(tmp_path):
    command = [
        sys.executable,
        "-m",
        "biomedica_dataset",
        "extract",
        "http://127.0.0.1:9",
        "-o",
        str(tmp_path / "a"),
    ]
    done = subprocess.run(
        [*command, "--inventory", "2026-11-20"],
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.returncode == 1
    assert done.stderr.startswith("Error: http://127.0.0.1:9")
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "a").exists()


def test_problems_found_by_verify_are_exit_1(run, sample_bucket, tmp_path):
    run("extract", sample_bucket, "-o", tmp_path / "a", "--workers", 1)
    next((tmp_path / "a" / "images").iterdir()).unlink()

    assert run("verify", tmp_path / "a").exit_code == 1


def test_names_from_documents_do_not_steer_the_terminal():
    assert printable("a\x1b[2J\u202eb\nc") == "a\\x1b[2J\\u202eb\nc"


@pytest.mark.slow
def test_biomedica_test_is_the_test_of_datasets_with_the_builder(sample_archive, tmp_path):
    command = [
        sys.executable,
        "-m",
        "biomedica_dataset",
        "test",
        "--source",
        str(sample_archive),
        "--all_configs",
    ]
    done = subprocess.run(
        [*command, "--num_proc", "2"], cwd=tmp_path,
        env={**os.environ, "HF_HOME": str(tmp_path / "hf")},
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip

    assert "Test successful" in done.stdout, done.stderr
    assert {p.name.split("-")[0] for p in (tmp_path / "hf/datasets/biomedica").iterdir()} >= {
        "all",
        "commercial",
    }


class TestDemo:
    @pytest.mark.slow
    def test_the_whole_route_runs_and_three_pairs_are_shown(self, run, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        done = run("demo")

        assert done.exit_code == 0
        for words in (
            "bucket ",
            "extract ",
            "panels     5 figures are split into 13 panels",
            "serialize ",
            "verify ",
            "no problems",
            "62 pairs",
        ):
            assert words in done.output
        assert done.output.count("    caption ") == 3
        assert max(map(len, done.output.splitlines())) <= 100

    def test_bucket_only_stops_after_the_bucket(self, run, tmp_path):
        done = run("demo", tmp_path / "demo", "--bucket-only")

        assert done.exit_code == 0
        assert [path.name for path in (tmp_path / "demo").iterdir()] == ["bucket"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["extract", "BUCKET", "-o", ""], "name of the folder is empty"),
        (["extract", "BUCKET", "-o", "memory://x"], "lost when the command ends"),
        (["extract", "BUCKET", "-o", "hf://datasets/a/b"], "biomedica push"),
        (["extract", "BUCKET", "-o", "data:x"], "cannot be opened"),
        (["extract", "BUCKET", "-o", "ftp://127.0.0.1:1/x"], "cannot be opened"),
        (["extract", "BUCKET", "-o", "x", "--part", ""], "expected I/N"),
        (["extract", "BUCKET", "-o", "x", "--run-id", ""], "the name of the run is empty"),
        (["extract", "s3://B ad/x y", "-o", "x"], "names the bucket 'B ad'"),
        (["demo", "/dev/null/x"], "is not a folder"),
        (["verify", "data:x"], "cannot be opened"),
    ],
)
def test_what_can_be_no_output_or_source_is_refused(
    sample_bucket, tmp_path, monkeypatch, words, said
):
    monkeypatch.chdir(tmp_path)
    given = [str(sample_bucket) if word == "BUCKET" else word for word in words]

    done = CliRunner().invoke(main, given)
    assert done.exit_code == 2
    assert said in done.output
    assert not list(tmp_path.iterdir())


def test_a_server_that_cannot_be_reached_is_told_as_such():
    done = CliRunner().invoke(main, ["verify", "http://127.0.0.1:1/"])

    assert done.exit_code == 1
    assert "cannot be read: Connect call failed" in done.output


@pytest.mark.parametrize("first", [["-v"], ["-q"], []])
def test_options_of_all_commands_stand_before_or_after_the_command(run, sample_dataset, first):
    after = run("verify", sample_dataset, *first)

    assert run(*first, "verify", sample_dataset).output == after.output
    assert after.exit_code == 0


def test_quiet_shows_no_progress(run, sample_dataset):
    words = ["select", sample_dataset, "--dry-run", "--filter", "caption contains bar"]

    assert "to read: caption" in run(*words).stderr
    assert run(*words, "--quiet").stderr == run("-q", *words).stderr == ""


@pytest.mark.slow
def test_the_report_is_printed_as_json_on_request(run, sample_bucket, tmp_path):
    archive, dataset = tmp_path / "archive", tmp_path / "biomedica"
    extracted = run("--json", "extract", sample_bucket, "-o", archive, "--workers", 1, "-q")
    serialized = run("serialize", archive, "-o", dataset, "--workers", 1, "--json", "-q")
    selected = run("select", dataset, "--dry-run", "--limit", 3, "--json")
    verified = run("verify", dataset, "--json")

    assert json.loads(extracted.stdout)["articles"]["kept"] == 19
    assert json.loads(serialized.stdout)["rewritten"] > 0
    assert json.loads(selected.stdout)["chosen"]["table"] == {"rows": 3}
    assert json.loads(verified.stdout)["problems"] == []


@pytest.mark.slow
def test_keys_of_chosen_rows_are_what_extract_takes_as_images(
    run, sample_dataset, sample_bucket, tmp_path
):
    keys = tmp_path / "keys.txt"
    chosen = run(
        "select",
        sample_dataset,
        "--filter",
        "caption contains micrograph",
        "--keys-only",
        "-o",
        keys,
    )
    assert chosen.exit_code == 0
    assert f"written to {keys}" in chosen.output
    named = keys.read_text().split()
    run("extract", sample_bucket, "-o", tmp_path / "a", "--images", keys, "--workers", 1)
    run("serialize", tmp_path / "a", "-o", tmp_path / "b", "--workers", 1)
    index = pq.read_table(tmp_path / "b" / "index")
    assert sorted(index["key"].to_pylist()) == sorted(named) != []


def test_help_is_whole_in_80_columns(run):
    for command in ([], ["annotate"], ["select"], ["extract"]):
        lines = CliRunner().invoke(main, [*command, "-h"], terminal_width=80).output.splitlines()
        assert max(map(len, lines)) <= 80
        assert not [line for line in lines if line.endswith("...") and "ARGS" not in line]


def test_a_shell_completes_what_options_may_be():
    for words, found in {
        "select x --license comm": "commercial",
        "extract x --license CC-BY-N": "CC-BY-NC-SA",
        "evaluate --tasks bloo": "bloodmnist",
        "select x --filter image_panel_c": "image_panel_count",
        "search x words --filter article_y": "article_year",
        "select x --recipe sq": "sqrt-weights",
        "select x --split val": "validation",
        "search x words --concept Microsc": "Microscopy",
        "train bal": "balanced",
    }.items():
        parts = ["biomedica", *words.split()]
        env = {
            "_BIOMEDICA_COMPLETE": "bash_complete",
            "COMP_WORDS": " ".join(parts),
            "COMP_CWORD": str(len(parts) - 1),
        }
        done = CliRunner().invoke(main, prog_name="biomedica", env=env)
        assert f"plain,{found}" in done.output
