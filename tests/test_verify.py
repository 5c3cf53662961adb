"""verify finds what is wrong in an archive or a dataset folder."""

from __future__ import annotations

import json
import shutil

import pytest

from biomedica_dataset import UsageError
from biomedica_dataset.verification.verify import verify


@pytest.fixture
def archive(sample_archive, tmp_path):
    return shutil.copytree(sample_archive, tmp_path / "archive")


@pytest.fixture
def dataset(sample_dataset, tmp_path):
    return shutil.copytree(sample_dataset, tmp_path / "biomedica")


def flip(path, offset):
    """Change one byte of a file."""
    data = bytearray(path.read_bytes())
    data[offset] ^= 0xFF
    path.write_bytes(bytes(data))


def test_a_whole_archive_has_no_problem(sample_archive):
    report = verify(sample_archive)

    assert not report.problems
    assert "archive: 8 files, 24 rows checked: no problems" in str(report)


def test_a_whole_dataset_folder_has_no_problem(sample_dataset):
    assert not verify(sample_dataset).problems


def test_a_changed_byte_of_an_images_file_is_found(archive):
    path = sorted((archive / "images").iterdir())[1]
    flip(path, path.stat().st_size // 2)

    assert [p for p in verify(archive).problems if path.name in p and "SHA-256" in p]


def test_a_missing_images_file_is_found(archive):
    path = sorted((archive / "images").iterdir())[0]
    path.unlink()

    assert [p for p in verify(archive).problems if path.name in p and "missing" in p]


def test_a_broken_ledger_is_found(archive):
    path = sorted((archive / "articles").iterdir())[0]
    path.write_bytes(path.read_bytes()[:-100])

    assert [p for p in verify(archive).problems if path.name in p]


def test_an_images_file_of_nobody_is_found(archive):
    shutil.copy(
        sorted((archive / "images").iterdir())[0],
        archive / "images" / "0000001-0123456789abcdef.parquet",
    )

    assert any("no block names it" in p for p in verify(archive).problems)


@pytest.mark.parametrize(
    "pattern", ["commercial/train/*", "captions/other/*", "articles/*/*", "index/*"]
)
def test_a_changed_file_of_the_dataset_is_found(dataset, pattern):
    path = sorted(dataset.glob(pattern))[0]
    flip(path, path.stat().st_size // 2)

    assert [p for p in verify(dataset).problems if str(path.relative_to(dataset)) in p]


def test_a_missing_file_of_the_dataset_is_found(dataset):
    sorted(dataset.glob("captions/*/*"))[0].unlink()

    assert any("missing" in p for p in verify(dataset).problems)


def test_a_file_that_the_manifest_does_not_know_is_found(dataset):
    shutil.copy(
        sorted(dataset.glob("commercial/train/*"))[0], dataset / "commercial/train/000001.parquet"
    )

    assert any("000001.parquet: is not in manifest.json" in p for p in verify(dataset).problems)


def test_an_index_that_points_elsewhere_is_found(dataset):
    import hashlib

    import pyarrow as pa
    import pyarrow.parquet as pq

    path = sorted(dataset.glob("index/*"))[0]
    table = pq.read_table(path)
    offsets = pa.array([value + 1 for value in table["image_offset"].to_pylist()], pa.int64())
    pq.write_table(
        table.set_column(table.column_names.index("image_offset"), "image_offset", offsets), path
    )
    manifest = json.loads((dataset / "manifest.json").read_bytes())
    for file in manifest["files"]:
        if file["path"] == f"index/{path.name}":
            file["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (dataset / "manifest.json").write_text(json.dumps(manifest, indent=1))

    assert any("does not hold its image" in p for p in verify(dataset).problems)


def test_the_card_of_another_build_is_found(dataset):
    card = (dataset / "README.md").read_text()
    digest = json.loads((dataset / "manifest.json").read_bytes())["files"][0]["sha256"]
    (dataset / "README.md").write_text(
        card.replace("manifest ", f"manifest {digest} ").split("---")[0]
    )

    assert any("README.md" in p for p in verify(dataset).problems)


def test_a_half_written_dataset_folder_is_refused(dataset):
    (dataset / "manifest.json").unlink()
    (dataset / "README.md").unlink()
    with pytest.raises(UsageError, match="not an archive, a finished dataset folder"):
        verify(dataset)


def test_another_schema_version_is_refused(dataset):
    manifest = json.loads((dataset / "manifest.json").read_bytes())
    (dataset / "manifest.json").write_text(json.dumps({**manifest, "schema_version": "0"}))
    with pytest.raises(UsageError, match="schema version 0; this package reads 1"):
        verify(dataset)
