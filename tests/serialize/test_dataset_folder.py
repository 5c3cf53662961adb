"""The dataset folder that serialize writes."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from biomedica_dataset import ArchiveError, UsageError
from biomedica_dataset.archive.ledger import Archive
from biomedica_dataset.folder.manifest import read_manifest
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.licenses import LICENSE_GROUPS
from biomedica_dataset.rows import rows_of
from biomedica_dataset.schema import TABLES, arrow_schema, column_names
from biomedica_dataset.serialization.serialize import serialize
from biomedica_dataset.verification.verify import verify

from ..trees import tree


def tables(folder, config):
    manifest = read_manifest(Folder(folder))
    return pa.concat_tables(pq.read_table(folder / f.path) for f in manifest.config_files(config))


@pytest.fixture(scope="module")
def expected(sample_archive):
    """What the archive's articles give, computed without any shard."""
    archive = Archive.open(sample_archive)
    return [
        rows_of(row, images, full_text=True)
        for block in archive.blocks()
        for row, images in archive.articles(block)
    ]


def test_every_pair_stands_in_the_files_of_its_license_group(sample_dataset, expected):
    for group in LICENSE_GROUPS:
        keys = [pair.key for rows in expected for g, pair in rows.pairs if g == group]

        assert keys
        assert tables(sample_dataset, group)["key"].to_pylist() == keys


def test_images_are_the_original_bytes(sample_dataset, sample_bucket):
    for row in tables(sample_dataset, "all").to_pylist():
        version = f"{row['article_accession_id']}.{row['article_version']}"
        original = (sample_bucket / version / row["image_file_name"]).read_bytes()

        assert row["image"]["bytes"] == original
        assert row["image_hash"] == hashlib.sha256(original).hexdigest()


def test_captions_are_the_rows_without_their_images(sample_dataset):
    pairs = tables(sample_dataset, "all").drop(["image"]).to_pylist()

    assert sorted(tables(sample_dataset, "captions").to_pylist(), key=lambda r: r["key"]) == sorted(
        pairs, key=lambda r: r["key"]
    )


def test_articles_name_the_keys_of_all_their_pairs(sample_dataset):
    named = [
        key
        for keys in tables(sample_dataset, "articles")["article_keys"].to_pylist()
        for key in keys
    ]

    assert sorted(named) == sorted(tables(sample_dataset, "all")["key"].to_pylist())
    assert all(tables(sample_dataset, "articles")["article_text"].to_pylist())


def test_the_index_gives_the_byte_range_of_every_image_and_caption(sample_dataset):
    index = tables(sample_dataset, "index").to_pylist()
    pairs = {row["key"]: row for row in tables(sample_dataset, "captions").to_pylist()}

    assert {row["key"] for row in index} == set(pairs)
    for row in index:
        with (sample_dataset / row["file"]).open("rb") as file:
            file.seek(row["caption_offset"])
            assert file.read(row["caption_bytes"]).decode() == pairs[row["key"]]["caption"]
            file.seek(row["image_offset"])
            data = file.read(row["image_length"])

        assert hashlib.sha256(data).hexdigest() == pairs[row["key"]]["image_hash"]
        assert pq.read_table(sample_dataset / row["file"])["key"][row["row"]].as_py() == row["key"]


def test_the_columns_are_those_of_the_schema_and_carry_the_features(sample_dataset):
    for file in read_manifest(Folder(sample_dataset)).files:
        schema = pq.read_schema(sample_dataset / file.path)

        assert schema.equals(arrow_schema(TABLES[file.config]))
        assert b"huggingface" in schema.metadata
        assert schema.metadata[b"biomedica_schema_version"] == b"3"


def test_missing_is_null_and_never_empty(sample_dataset):
    for config in ("captions", "articles", "index"):
        for row in tables(sample_dataset, config).to_pylist():
            assert not [name for name, value in row.items() if value in ("", [], "None")]


def test_images_and_captions_are_plain_and_other_text_is_compressed(sample_dataset):
    file = read_manifest(Folder(sample_dataset)).config_files("commercial")[0]
    group = pq.read_metadata(sample_dataset / file.path).row_group(0)
    columns = {group.column(i).path_in_schema: group.column(i) for i in range(group.num_columns)}

    for name in ("image.bytes", "caption"):
        assert columns[name].compression == "UNCOMPRESSED"
        assert not {"PLAIN_DICTIONARY", "RLE_DICTIONARY"} & set(columns[name].encodings)
    assert columns["article_abstract"].compression == "ZSTD"
    assert columns["caption"].has_offset_index


def test_the_same_archive_gives_the_same_bytes_whatever_the_workers(
    sample_archive, sample_dataset, tmp_path
):
    serialize(sample_archive, tmp_path / "biomedica", workers=2)

    assert tree(tmp_path / "biomedica") == tree(sample_dataset)


def test_a_second_run_writes_nothing_and_says_so(sample_archive, tmp_path):
    serialize(sample_archive, tmp_path / "out", workers=1)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")}
    report = serialize(sample_archive, tmp_path / "out", workers=1)

    assert report.rewritten == 0
    assert "nothing to do" in str(report)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")} == before


@pytest.mark.slow
def test_a_change_in_one_block_rewrites_one_shard(sample_archive, tmp_path):
    archive, out = tmp_path / "archive", tmp_path / "out"
    shutil.copytree(sample_archive, archive)
    serialize(archive, out, workers=1)
    before = tree(out)
    first = sorted((archive / "articles").iterdir())[0]
    for path in archive.glob(f"*/{first.stem}*"):
        path.unlink()
    report = serialize(archive, out, workers=1)
    after = tree(out)

    assert report.rewritten == 1
    kept = {name for name in after if "/" in name and not name.startswith(("index", ".shards"))}
    assert {name for name in kept if after[name] == before.get(name)} >= {
        n for n in kept if "049501" in n
    }
    assert not verify(out).problems


@pytest.mark.parametrize("kind", ["commercial/train", "articles/commercial", "captions/commercial"])
def test_files_that_are_gone_or_cut_are_written_again(
    kind, sample_archive, sample_dataset, tmp_path
):
    out = tmp_path / "out"
    shutil.copytree(sample_dataset, out)
    gone, cut = sorted((out / kind).iterdir())
    gone.unlink()
    cut.write_bytes(cut.read_bytes()[:-1])
    report = serialize(sample_archive, out, workers=1)

    assert report.rewritten == 2
    assert tree(out) == tree(sample_dataset)


def test_a_block_that_another_part_has_removed_is_no_error(sample_archive, tmp_path):
    shutil.copytree(sample_archive, tmp_path / "archive")
    archive = Archive.open(tmp_path / "archive")
    block = archive.blocks()[0]

    assert archive.remove(block) > 0
    assert archive.remove(block) == 0


@pytest.mark.slow
def test_a_shard_whose_blocks_have_gone_is_removed(sample_archive, tmp_path):
    archive, out = tmp_path / "archive", tmp_path / "out"
    shutil.copytree(sample_archive, archive)
    serialize(archive, out, workers=1)
    for path in archive.glob("*/009900[01]*"):
        path.unlink()
    serialize(archive, out, workers=1)

    assert {path.stem for path in out.glob("captions/*/*.parquet")} == {"049501"}
    assert not verify(out).problems


@pytest.mark.parametrize("config", ["commercial/train", "articles/other", "captions/commercial"])
def test_tables_that_a_killed_run_left_of_blocks_that_have_gone_are_removed(
    sample_archive, sample_dataset, tmp_path, config
):
    """Their shard has no record, as it was not finished, and card and manifest were away."""
    out = tmp_path / "out"
    shutil.copytree(sample_dataset, out)
    shutil.copy(next((out / "commercial/train").iterdir()), out / config / "999999.parquet")
    (out / "README.md").unlink()
    (out / "manifest.json").unlink()
    serialize(sample_archive, out, workers=1)

    assert tree(out) == tree(sample_dataset)


def test_a_card_that_is_away_is_written_again(sample_archive, sample_dataset, tmp_path):
    """As where a run was killed between card and manifest, and nothing is left to do."""
    out = tmp_path / "out"
    shutil.copytree(sample_dataset, out)
    (out / "README.md").unlink()
    serialize(sample_archive, out, workers=1)

    assert tree(out) == tree(sample_dataset)


@pytest.mark.slow
def test_an_archive_without_any_block_gives_an_empty_dataset(sample_archive, tmp_path):
    archive, out = tmp_path / "archive", tmp_path / "out"
    shutil.copytree(sample_archive, archive)
    serialize(archive, out, workers=1)
    for path in archive.glob("*/*.parquet"):
        path.unlink()
    serialize(archive, out, workers=1)

    assert not list(out.glob("**/[!.]*.parquet"))
    assert not verify(out).problems
    assert "there are no pairs to load" in (out / "README.md").read_text()
    assert "load_dataset" not in (out / "README.md").read_text()


@pytest.mark.slow
def test_card_and_manifest_are_away_while_shards_are_written(sample_archive, tmp_path):
    out = tmp_path / "out"
    serialize(sample_archive, out, workers=1)
    next(iter(sorted((out / ".shards").iterdir()))).unlink()
    broken = tmp_path / "archive"
    shutil.copytree(sample_archive, broken)
    sorted((broken / "images").iterdir())[0].write_bytes(b"not Parquet")
    with pytest.raises((pa.ArrowInvalid, ArchiveError)):
        serialize(broken, out, workers=1)

    assert not (out / "README.md").exists()
    assert not (out / "manifest.json").exists()
    assert not list(out.rglob(".partial-*"))


@pytest.mark.slow
@pytest.mark.parametrize("after", [0.8, 1.4, 2.0])
def test_a_killed_run_is_continued_to_the_same_bytes(
    sample_archive, sample_dataset, tmp_path, after
):
    out = tmp_path / "biomedica"
    command = [
        sys.executable,
        "-m",
        "biomedica_dataset",
        "serialize",
        str(sample_archive),
        "-o",
        str(out),
    ]
    process = subprocess.Popen([*command, "--workers", "1"], stdout=subprocess.DEVNULL)
    time.sleep(after)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    serialize(sample_archive, out, workers=1)

    assert tree(out) == tree(sample_dataset)


def test_a_source_that_is_no_archive_is_refused(tmp_path):
    with pytest.raises(UsageError, match="is not an archive"):
        serialize(tmp_path, tmp_path / "out")


def test_an_output_that_holds_something_else_is_left_alone(sample_archive, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match="is not empty and not"):
        serialize(sample_archive, tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_the_manifest_adds_up(sample_dataset):
    stored = json.loads((sample_dataset / "manifest.json").read_bytes())
    manifest = read_manifest(Folder(sample_dataset))

    assert sum(manifest.rows(group) for group in LICENSE_GROUPS) == manifest.rows("captions")
    assert manifest.rows("captions") == manifest.figures["kept"] == manifest.rows("index")
    for file in stored["files"]:
        assert (sample_dataset / file["path"]).stat().st_size == file["bytes"]


def test_index_rows_are_small(sample_dataset):
    assert "image_context" not in column_names(TABLES["index"])


@pytest.mark.slow
def test_serialize_loads_no_datasets_library(sample_archive, tmp_path):
    """Each process would take a third of a second for it."""
    told = (
        "import sys, biomedica_dataset as b\n"
        "b.serialize(*sys.argv[1:], workers=1)\n"
        "sys.exit('datasets' in sys.modules)"
    )
    command = [sys.executable, "-c", told, str(sample_archive), str(tmp_path / "folder")]

    subprocess.run(command, check=True)
