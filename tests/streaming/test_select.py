"""`select` resumes: a selection is begun once, done in slices, and written by one run at a time."""

from __future__ import annotations

import shutil

import pytest

from biomedica_dataset.engine.launch import Launch, Part
from biomedica_dataset.engine.lock import acquire
from biomedica_dataset.errors import UsageError
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.subset.select import select
from biomedica_dataset.verification.verify import verify

from ..trees import stamps, tree

FORMATS = {"parquet": "manifest.json", "webdataset": "README.md"}


@pytest.fixture(autouse=True)
def _small_slices(monkeypatch):
    monkeypatch.setattr("biomedica_dataset.subset.write_folder._SHARD_ROWS", 10)
    monkeypatch.setattr("biomedica_dataset.subset.write_tars.SAMPLES", 20)


@pytest.mark.slow
@pytest.mark.parametrize("format", FORMATS)
def test_the_same_selection_again_writes_what_is_missing_and_nothing_else(
    sample_dataset, tmp_path, format
):
    output = tmp_path / "subset"
    first = select(sample_dataset, output, format=format)
    whole, before = tree(output), stamps(output)
    again = select(sample_dataset, output, format=format)

    assert first.written > 3
    assert "written to" in str(first)
    assert "nothing to do" in str(again)
    assert stamps(output) == before
    assert not verify(output).problems
    lost = next(path for path in sorted(output.rglob("*0*.*")) if path.parent.name != ".shards")
    lost.unlink()
    assert verify(output).problems
    assert select(sample_dataset, output, format=format).written == 1
    assert tree(output) == whole


@pytest.mark.slow
@pytest.mark.parametrize("format", FORMATS)
def test_parts_of_a_selection_end_with_the_same_bytes(sample_dataset, tmp_path, format):
    select(sample_dataset, tmp_path / "whole", format=format)
    reports = [
        select(
            sample_dataset, tmp_path / "parts", format=format,
            launch=Launch(part=Part(number, 2), run_id="together"),
        )
        for number in (2, 1)
    ]  # fmt: skip

    assert reports[0].left > 0
    assert "this part is done" in str(reports[0])
    assert reports[1].left == 0
    assert tree(tmp_path / "parts") == tree(tmp_path / "whole")


@pytest.mark.slow
def test_another_selection_or_another_run_is_refused(sample_dataset, tmp_path):
    output = tmp_path / "subset"
    select(sample_dataset, output, licenses="commercial")
    before = stamps(output)
    for other in ({}, {"licenses": "commercial", "format": "webdataset"}):
        with pytest.raises(UsageError, match=r"is not empty: it holds licenses commercial, as a"):
            select(sample_dataset, output, **other)
    with (
        acquire(Folder(output), Launch()),
        pytest.raises(UsageError, match="is held by another run"),
    ):
        select(sample_dataset, output, licenses="commercial")
    assert stamps(output) == before
    shutil.rmtree(output)
    output.mkdir()
    (output / "mine").write_text("mine")
    with pytest.raises(UsageError, match="is not empty and not a selection"):
        select(sample_dataset, output)
