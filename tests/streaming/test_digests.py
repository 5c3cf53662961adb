"""A byte that changes without a change of length is found wherever it is read."""

from __future__ import annotations

import shutil

import datasets
import pyarrow.parquet as pq
import pytest

from biomedica_dataset.errors import ArchiveError, SourceError
from biomedica_dataset.streaming.dataset import open_dataset
from biomedica_dataset.subset.select import select
from biomedica_dataset.verification.verify import verify


@pytest.fixture
def folder(labelled, tmp_path):
    return shutil.copytree(labelled[0], tmp_path / "labelled")


def change(folder, row, column):
    """Change a byte in the middle of a value; return what an error says of it."""
    path = folder / row["file"]
    data = bytearray(path.read_bytes())
    length = "bytes" if column == "caption" else "length"
    at = row[f"{column}_offset"] + row[f"{column}_{length}"] // 2
    data[at] ^= 0x01
    path.write_bytes(bytes(data))
    return f"{row['file']}: the {column} of {row['key']} has another SHA-256"


@pytest.fixture
def row(folder):
    return pq.read_table(folder / "index/0000.parquet").slice(7, 1).to_pylist()[0]


@pytest.mark.parametrize("columns", [["caption"], ["key", "image", "caption"], None])
def test_a_changed_caption_is_an_error_that_names_it(folder, row, columns):
    told = change(folder, row, "caption")
    rows = open_dataset(folder, columns=columns)

    with pytest.raises(SourceError, match=told):
        list(rows if columns == ["caption"] else rows.decode(enable=False))


def test_a_changed_image_is_an_error_that_names_it(folder, row):
    told = change(folder, row, "image")
    rows = open_dataset(folder, columns=["image"], verify=True)

    with pytest.raises(SourceError, match=told):
        list(rows.cast_column("image", datasets.Image(decode=False)))


def test_a_changed_caption_is_not_written_on(folder, row, tmp_path):
    change(folder, row, "caption")

    with pytest.raises(SourceError, match=row["key"]):
        select(folder, tmp_path / "subset")


@pytest.mark.parametrize("column", ["caption", "image"])
def test_verify_names_the_key_of_what_is_damaged(folder, row, column):
    change(folder, row, column)
    problems = verify(folder).problems

    assert f"{row['file']}: differs from its SHA-256 in manifest.json" in problems
    assert f"{row['file']}: the byte range of {row['key']} does not hold its {column}" in problems
    assert sum("byte range" in problem for problem in problems) == 1


def test_other_text_has_a_checksum_too(folder, row):
    path = folder / row["file"]
    footer = pq.read_metadata(path)
    columns = {footer.schema.column(n).path: n for n in range(footer.num_columns)}
    chunk = footer.row_group(0).column(columns["image_hash"])
    data = bytearray(path.read_bytes())
    start = chunk.dictionary_page_offset or chunk.data_page_offset
    data[start + chunk.total_compressed_size // 2] ^= 0x01
    path.write_bytes(bytes(data))

    with pytest.raises(ArchiveError, match=f"row group 0 of .*{row['file']} cannot be read"):
        list(open_dataset(folder, columns=["key", "image_hash"]))
