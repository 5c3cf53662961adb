"""`load_dataset("biomedica")`, its three ways, and the builder behind it."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
import textwrap

import datasets
import pytest
from datasets import load_dataset
from datasets.distributed import split_dataset_by_node

from biomedica_dataset import BiomedicaBuilder, BiomedicaConfig, UsageError
from biomedica_dataset.schema import CONFIGS, Pair, features


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A working directory without a folder ./biomedica."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def beside(sample_dataset, monkeypatch):
    """A working directory with the folder ./biomedica."""
    monkeypatch.chdir(sample_dataset.parent)


def keys(rows):
    return [row["key"] for row in rows.select_columns("key")]


def undecoded(rows):
    return rows.cast_column("image", datasets.Image(decode=False))


def run(code, cwd, **env):
    """Run Python in a fresh process."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=cwd, env={**os.environ, **env}, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip


class TestThreeWays:
    @pytest.mark.slow
    @pytest.mark.parametrize("config", CONFIGS)
    def test_folder_archive_and_bucket_give_the_same_rows(
        self, sample_dataset, sample_archive, sample_bucket, elsewhere, config
    ):
        options = {"split": "train", "streaming": True}
        folder = load_dataset(str(sample_dataset), config, **options)
        archive = load_dataset("biomedica", config, source=str(sample_archive), **options)
        bucket = load_dataset("biomedica", config, source=str(sample_bucket), **options)
        rows = sorted(undecoded(folder), key=lambda row: row["key"])

        assert rows
        assert sorted(undecoded(archive), key=lambda row: row["key"]) == rows
        assert sorted(undecoded(bucket), key=lambda row: row["key"]) == rows

    @pytest.mark.slow
    def test_a_folder_here_needs_no_import_of_ours(self, sample_dataset):
        done = run(
            """
            from datasets import load_dataset
            rows = load_dataset("biomedica", streaming=True)["train"]
            print(next(iter(rows))["image"].size, sum(1 for _ in rows))
            """,
            sample_dataset.parent,
        )

        assert done.returncode == 0, done.stderr
        assert done.stdout.strip().endswith(" 45")

    @pytest.mark.slow
    @pytest.mark.parametrize(
        "first", ["import biomedica_dataset, datasets", "import datasets, biomedica_dataset"]
    )
    def test_either_order_of_import_registers_the_builder(self, first, elsewhere):
        done = run(f"{first}\nprint(datasets.get_dataset_config_names('biomedica'))", elsewhere)

        assert done.stdout.strip() == str([*CONFIGS, "documents"]), done.stderr

    def test_a_folder_here_wins_and_one_line_says_so(self, beside, sample_archive, caplog):
        caplog.set_level("INFO", logger="biomedica_dataset")
        rows = load_dataset("biomedica", "captions", split="train", streaming=True)

        assert len(list(rows)) == 62
        assert [r.message for r in caplog.records if "dataset folder" in r.message]

    @pytest.mark.parametrize(
        ("option", "value"), [("source", "archive"), ("limit", 5), ("pmcids", ["PMC1"])]
    )
    def test_a_folder_here_refuses_options_of_the_builder_and_says_what_to_do(
        self, beside, option, value
    ):
        said = f"takes no {option}; use BiomedicaBuilder.*{option}=.*or run where no folder"
        for streaming in (True, False):
            with pytest.raises(UsageError, match=said):
                load_dataset("biomedica", "all", streaming=streaming, **{option: value})

    def test_rows_of_a_folder_here_can_be_pickled(self, beside):
        rows = load_dataset("biomedica", "captions", split="train", streaming=True)

        assert keys(pickle.loads(pickle.dumps(rows))) == keys(rows)

    def test_files_of_the_working_directory_are_no_data(self, elsewhere, sample_archive):
        (elsewhere / "notes.txt").write_text("mine")
        rows = load_dataset(
            "biomedica", "other", source=str(sample_archive), split="train", streaming=True
        )

        assert len(keys(rows)) == 4

    def test_an_unknown_config_names_those_there_are(self, elsewhere, sample_archive):
        with pytest.raises(ValueError, match="noncommercial"):
            load_dataset("biomedica", "private", source=str(sample_archive), streaming=True)

    @pytest.mark.slow
    def test_moved_private_tables_only_warn(self, elsewhere):
        done = run(
            """
            import datasets.packaged_modules
            del datasets.packaged_modules._hash_python_lines
            import warnings
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                import biomedica_dataset
            print(caught[0].message)
            print(biomedica_dataset.BiomedicaBuilder.__name__)
            """,
            elsewhere,
        )

        assert "use biomedica_dataset.BiomedicaBuilder directly" in done.stdout, done.stderr
        assert done.stdout.strip().endswith("BiomedicaBuilder")


class TestFolder:
    def test_columns_and_filters(self, sample_dataset):
        rows = load_dataset(
            str(sample_dataset), "all", split="train", streaming=True,
            columns=["key", "caption"], filters=[("article_accession_id", "==", "PMC99002918")],
        )  # fmt: skip

        assert [sorted(row) for row in rows] == [["caption", "key"]] * 4

    @pytest.mark.slow
    def test_a_changed_folder_is_not_served_from_the_cache(self, sample_archive, tmp_path):
        from biomedica_dataset.serialization.serialize import serialize

        archive, out = tmp_path / "archive", tmp_path / "biomedica"
        shutil.copytree(sample_archive, archive)
        serialize(archive, out, workers=1)
        before = load_dataset(str(out), "all", split="train", cache_dir=str(tmp_path / "cache"))
        for path in sorted(archive.glob("*/0099000*")):
            path.unlink()
        serialize(archive, out, workers=1)
        after = load_dataset(str(out), "all", split="train", cache_dir=str(tmp_path / "cache"))

        assert len(after) < len(before)
        assert not [key for key in after["key"] if key.startswith("PMC99000")]

    @pytest.mark.slow
    def test_datasets_cli_passes(self, sample_dataset, tmp_path):
        command = [
            sys.executable,
            "-m",
            "datasets.commands.datasets_cli",
            "test",
            "./biomedica",
            "--all_configs",
        ]
        done = subprocess.run(
            [*command, "--cache_dir", str(tmp_path)],
            cwd=sample_dataset.parent, capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip

        assert "Test successful" in done.stdout, done.stderr


class TestBuilder:
    @pytest.fixture
    def rows(self, sample_archive):
        return BiomedicaBuilder(config_name="all", source=str(sample_archive)).as_streaming_dataset(
            "train"
        )

    def test_a_block_is_a_shard(self, rows):
        assert rows.num_shards == 4
        assert rows.features == features(Pair)

    @pytest.mark.parametrize("nodes", [2, 3, 5])
    def test_nodes_share_all_rows(self, rows, nodes):
        shares = [keys(split_dataset_by_node(rows, rank, nodes)) for rank in range(nodes)]

        assert sorted(key for share in shares for key in share) == sorted(keys(rows))

    def test_a_stream_resumes_where_it_was(self, rows):
        whole, stream = keys(rows), iter(rows)
        first = [next(stream)["key"] for _ in range(20)]
        state = rows.state_dict()
        rows.load_state_dict(state)

        assert first + [row["key"] for row in rows] == whole

    def test_it_can_be_pickled(self, rows):
        assert keys(pickle.loads(pickle.dumps(rows))) == keys(rows)

    @pytest.mark.slow
    def test_prepared_in_two_processes_it_reads_back_equal(
        self, sample_archive, tmp_path, elsewhere
    ):
        options = {"source": str(sample_archive), "cache_dir": str(tmp_path / "c")}
        code = (
            "import biomedica_dataset\nfrom datasets import load_dataset\n"
            f"load_dataset('biomedica', 'all', split='train', num_proc=2, **{options!r})"
        )
        # In a process of its own: datasets forks, and this one has threads.
        subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)
        prepared = load_dataset("biomedica", "all", split="train", **options)
        prepared.to_parquet(str(tmp_path / "all.parquet"))
        again = load_dataset(
            "parquet",
            data_files=str(tmp_path / "all.parquet"),
            split="train",
            cache_dir=str(tmp_path / "d"),
        )

        assert len(prepared) == 62
        assert again.features == prepared.features == features(Pair)
        assert list(undecoded(again)) == list(undecoded(prepared))

    def test_a_changed_archive_is_not_served_from_the_cache(
        self, sample_archive, tmp_path, elsewhere
    ):
        archive = tmp_path / "archive"
        shutil.copytree(sample_archive, archive)
        options = {"source": str(archive), "split": "train", "cache_dir": str(tmp_path / "cache")}
        before = len(load_dataset("biomedica", "all", **options))
        for path in archive.glob("*/0099000*"):
            path.unlink()

        assert len(load_dataset("biomedica", "all", **options)) < before

    def test_a_bad_article_is_skipped_and_told(self, sample_bucket, tmp_path, caplog):
        bucket = tmp_path / "bucket"
        shutil.copytree(sample_bucket, bucket)
        (bucket / "PMC99002918.1" / "PMC99002918.1.xml").write_bytes(b"<article>")
        rows = BiomedicaBuilder(config_name="all", source=str(bucket)).as_streaming_dataset("train")

        assert len(keys(rows)) == 62 - 4

    def test_some_articles_of_a_bucket(self, sample_bucket):
        builder = BiomedicaBuilder(
            config_name="all", source=str(sample_bucket), pmcids=["PMC99002918"]
        )

        assert len(keys(builder.as_streaming_dataset("train"))) == 4

    def test_the_newest_articles_of_a_bucket(self, sample_bucket):
        builder = BiomedicaBuilder(config_name="all", source=str(sample_bucket), limit=1)

        assert {key.partition("_")[0] for key in keys(builder.as_streaming_dataset("train"))} == {
            "PMC99003800"
        }

    def test_a_limit_below_one_is_refused(self):
        with pytest.raises(UsageError, match="must be 1 or more"):
            BiomedicaConfig(name="all", limit=0)
