"""What was pushed is read back as users read the Hub, in processes that take the stub for it."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from biomedica_dataset.folder.manifest import read_manifest
from biomedica_dataset.io.folders import Folder

NAME = "me/biomedica"


def keys(folder, config):
    files = read_manifest(Folder(folder)).config_files(config)
    return pa.concat_tables(pq.read_table(folder / f.path, columns=["key"]) for f in files)[
        "key"
    ].to_pylist()


@pytest.mark.slow
def test_the_line_of_the_readme_streams_every_row_of_the_default_config(push, run, dataset):
    push(dataset)
    said = run(
        f"""
        import json
        from datasets import load_dataset
        pairs = load_dataset({NAME!r}, split="train", streaming=True)
        rows = [(pair["key"], pair["image"].size == tuple(pair["image_size"])) for pair in pairs]
        print(json.dumps(rows))
        """
    )
    rows = json.loads(said.splitlines()[-1])

    assert [key for key, _ in rows] == keys(dataset, "commercial")
    assert all(same for _, same in rows)


@pytest.mark.slow
def test_every_config_of_the_card_is_there_and_no_other(push, run, dataset):
    push(dataset)
    said = run(
        f"""
        import json
        from datasets import get_dataset_config_names, load_dataset
        counts = {{
            name: sum(1 for _ in load_dataset({NAME!r}, name, split="train", streaming=True))
            for name in get_dataset_config_names({NAME!r})
        }}
        print(json.dumps(counts))
        """
    )
    manifest = read_manifest(Folder(dataset))
    counts = json.loads(said.splitlines()[-1])

    assert "other" not in counts
    assert counts["all"] == manifest.rows("commercial") + manifest.rows("noncommercial")
    assert counts["all"] == counts["captions"] == counts["index"]


@pytest.mark.slow
def test_a_tag_is_read_as_it_was_after_the_next_push(push, run, dataset):
    push(dataset, tag="2026-11")
    push(dataset, include_other=True, tag="2026-12")
    said = run(
        f"""
        import json
        from huggingface_hub import hf_hub_download
        from datasets import load_dataset
        rows = []
        for tag in ("2026-11", "2026-12"):
            path = hf_hub_download({NAME!r}, "manifest.json", repo_type="dataset", revision=tag)
            files = json.load(open(path))["files"]
            index = load_dataset({NAME!r}, "index", split="train", streaming=True, revision=tag)
            rows.append([sum(f["config"] == "other" for f in files) > 0, sum(1 for _ in index)])
        print(json.dumps(rows))
        """
    )
    (other, before), (other_now, after) = json.loads(said.splitlines()[-1])

    assert (other, other_now) == (False, True)
    assert after == len(keys(dataset, "all")) > before


@pytest.mark.slow
def test_an_image_is_fetched_by_the_byte_range_of_the_index(push, run, hub, dataset):
    push(dataset)
    hub.calls.clear()
    said = run(
        f"""
        import hashlib
        from datasets import load_dataset
        from huggingface_hub import get_session, hf_hub_url
        row = next(iter(load_dataset({NAME!r}, "index", split="train", streaming=True)))
        start, end = row["image_offset"], row["image_offset"] + row["image_length"] - 1
        url = hf_hub_url({NAME!r}, row["file"], repo_type="dataset")
        data = get_session().get(url, headers={{"Range": f"bytes={{start}}-{{end}}"}}).content
        print(row["key"], hashlib.sha256(data).hexdigest(), row["image_length"])
        """
    )
    key, digest, length = said.splitlines()[-1].split()
    table = pa.concat_tables(
        pq.read_table(dataset / f.path, columns=["key", "image_hash"])
        for f in read_manifest(Folder(dataset)).config_files("all")
    )

    assert {"key": key, "image_hash": digest} in table.to_pylist()
    sent = [call.sent for call in hub.calls if "/resolve/" in call.path and "/train/" in call.path]
    assert sent == [int(length)]


@pytest.mark.slow
def test_rows_of_the_builder_pushed_by_datasets_itself_come_back_equal(run, sample_archive):
    said = run(
        f"""
        import hashlib
        from datasets import Image, load_dataset
        import biomedica_dataset
        def digest(rows):
            rows = rows.cast_column("image", Image(decode=False))
            plain = [{{**r, "image": r["image"]["bytes"]}} for r in rows]
            plain.sort(key=lambda r: r["key"])
            return hashlib.sha256(repr(plain).encode()).hexdigest()
        source = {str(sample_archive)!r}
        builder = biomedica_dataset.BiomedicaBuilder(config_name="all", source=source)
        builder.download_and_prepare()
        rows = builder.as_dataset(split="train")
        rows.push_to_hub("me/rows", num_shards=3)
        back = load_dataset("me/rows", split="train", streaming=True)
        streamed = builder.as_streaming_dataset(split="train")
        same = digest(rows) == digest(back) == digest(streamed)
        print(back.features == rows.features, same, len(rows))
        """
    )

    assert said.splitlines()[-1] == "True True 62"
