"""Thirty mistakes that users make: each message says what is wrong, where, and how to mend it."""

from __future__ import annotations

import shlex

import pytest
from click.testing import CliRunner

from biomedica_dataset.cli import main

FULL = "full is not empty and not"
RUN_EXTRACT = "run `biomedica extract`"
ANOTHER = "name the output of the command that makes one"

# The line; what is wrong and where; how to mend it.
MISTAKES = [
    ("extract nowhere -o a", "SOURCE 'nowhere' is not a folder", "give s3://bucket, https://host"),
    ("extract BUCKET -o full", f"{FULL} an archive", "choose an empty or new folder"),
    ("extract BUCKET -o a --license MIT", "unknown licence 'MIT'", "choose from commercial"),
    ("extract BUCKET -o a --pmcids ids.txt", "line 2 of ids.txt is 'rubbish'", "such as PMC13900"),
    ("extract BUCKET -o a --pmcids PMC1", "not in the source", "PMC1"),
    ("extract BUCKET -o a --inventory soon", "inventory 'soon'", "a date such as 2026-11-20"),
    ("extract BUCKET -o a --images some", "images 'some' is not", "'all', 'none' or a readable"),
    ("extract BUCKET", "Missing option", "'--output'"),
    ("extract BUCKET -o a --part 3/2", "there is no part 3 of 2", "numbered from 1 to N"),
    ("serialize full -o b", "full is not an archive", RUN_EXTRACT),
    ("serialize ARCHIVE -o full", f"{FULL} a dataset folder", "choose an empty or new folder"),
    ("serialize ARCHIVE -o b --clusters full", "full is not a folder of cluster", ANOTHER),
    ("serialize ARCHIVE -o b --panels full", "full is not a folder of panels", ANOTHER),
    ("serialize ARCHIVE -o b --split train:0.9", "split 'train:0.9' is not valid", "such as 0.9,"),
    ("verify full", "full is not an archive, a finished dataset folder", "to its end"),
    ("select DATASET --filter 'caption contans skin' -o s", "character 9", "mean 'contains'"),
    ("select DATASET --filter 'captoin = x' -o s", "unknown column 'captoin'", "mean 'caption'"),
    ("select DATASET --license comercial -o s", "unknown licence 'comercial'", "choose from comm"),
    ("select DATASET --recipe balancd -o s", "unknown recipe 'balancd'", "choose from cap-over"),
    ("select DATASET --min-score 2 -o s", "Invalid value for '--min-score'", "range 0<=x<=1"),
    ("select full -o s", "full has no manifest.json", "run `biomedica serialize` to its end"),
    ("push full me/biomedica", "full has no manifest.json", "run `biomedica serialize` to its end"),
    ("mesh full -o m", "full is not an archive", RUN_EXTRACT),
    ("annotate embed full -o e", "full is not an archive", RUN_EXTRACT),
    ("annotate cluster full -o c", "full is not a folder of embeddings", ANOTHER),
    ("annotate labels votes.csv -o l", "the clusters of the votes are missing", "--assignments"),
    ("annotate duplicates full -o d", "full is not a folder of measures", ANOTHER),
    ("attributes add DATASET table.csv --name mine", "no column key", "it has id, score"),
    ("attributes add DATASET table.csv --name ../x", "the name '../x'", "such as scores"),
    ("search DATASET skin", "has no search index", "run `biomedica search build"),
    ("train train.yaml", "train.yaml: samples", "must be given"),
    ("train fullest", "there is no file 'fullest'", "the recipes are full, balanced"),
    ("train full --set data.pth=x", "there is no key data.pth", "did you mean 'path'?"),
    ("evaluate nothing --tasks all", "name MODELS, --tasks and --output", "--list"),
    ("wise-ft a b --alpha 2 -o w", "Invalid value for '--alpha'", "range 0<=x<=1"),
    ("serialise ARCHIVE -o b", "No such command 'serialise'", "Did you mean 'serialize'?"),
]


@pytest.fixture
def places(sample_bucket, sample_archive, sample_dataset):
    return {"BUCKET": sample_bucket, "ARCHIVE": sample_archive, "DATASET": sample_dataset}


def files(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(("line", "wrong", "mend"), MISTAKES, ids=[one[0] for one in MISTAKES])
def test_a_mistake_is_told_with_the_way_out(line, wrong, mend, places, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    (tmp_path / "ids.txt").write_text("PMC99002918\nrubbish\n")
    (tmp_path / "table.csv").write_text("id,score\n1,2\n")
    (tmp_path / "votes.csv").write_text("cluster,what\n1,x\n")
    (tmp_path / "train.yaml").write_text("output: o\nmodel: {name: x}\ndata: {path: biomedica}\n")
    before = files(tmp_path)
    words = [str(places.get(word, word)) for word in shlex.split(line)]

    done = CliRunner().invoke(main, words)

    said = " ".join(done.output.split())
    assert done.exit_code == 2, said
    assert wrong in said
    assert mend in said
    assert files(tmp_path) == before
