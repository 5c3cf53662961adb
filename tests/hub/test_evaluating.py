"""Tasks whose pictures lie on the Hub, in processes that take the stub for it."""

from __future__ import annotations

import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

CARD = """---
dataset_info:
  features:
  - {name: image, dtype: image}
  - name: label
    dtype: {class_label: {names: {"0": red, "1": blue}}}
  - {name: part, dtype: string}
  - name: questions
    struct:
    - name: stain
      struct:
      - {name: options, list: string}
      - {name: answer, dtype: string}
configs:
- {config_name: default, data_files: [{split: test, path: data.parquet}]}
---
"""


def picture(colour):
    written = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(written, "PNG")
    return {"bytes": written.getvalue(), "path": None}


def upload(folder, run):
    folder.mkdir()
    asked = {"options": ["H&E", "Giemsa"], "answer": "Giemsa"}
    rows = [
        {"image": picture("red"), "label": 0, "part": "a", "questions": {"stain": asked}},
        {"image": picture("blue"), "label": 1, "part": "a", "questions": {"stain": None}},
        {"image": {"bytes": None, "path": None}, "label": 1, "part": "a", "questions": None},
        {"image": picture("green"), "label": 1, "part": "b", "questions": None},
    ]
    pq.write_table(pa.Table.from_pylist(rows), folder / "data.parquet")
    (folder / "README.md").write_text(CARD)
    run(
        f"""
        from huggingface_hub import HfApi
        HfApi().create_repo("me/stains", repo_type="dataset")
        HfApi().upload_folder(repo_id="me/stains", repo_type="dataset", folder_path={str(folder)!r})
        """
    )


@pytest.mark.slow
def test_a_split_of_the_hub_gives_labels_options_and_pictures(run, tmp_path):
    upload(tmp_path / "stains", run)
    said = run(
        """
        import json
        from biomedica_dataset import ArticleError
        from biomedica_dataset.clip.evaluate.cases import read_cases
        from biomedica_dataset.clip.evaluate.taskfile import parse_task
        common = {"domain": "d", "source": {"hub": "me/stains", "split": "test"},
                  "where": {"part": "a"}}
        plain = read_cases(parse_task({"name": "plain", "classes": ["blue", "red"], **common}))
        asked = read_cases(parse_task({"name": "asked", "protocol": "vqa", **common, "columns": {
            "options": "questions.stain.options", "answer": "questions.stain.answer"}}))
        try:
            plain.read(2)
        except ArticleError as error:
            reason = str(error)
        again = read_cases(parse_task({"name": "plain", "classes": ["blue", "red"], **common}))
        print(json.dumps({
            "truth": plain.truth, "starts": [plain.read(n)[:4].hex() for n in (0, 1)],
            "reason": reason, "same": again.digest == plain.digest,
            "dropped": asked.dropped, "options": [list(q.options) for q in asked.truth[0]],
            "answers": [q.options[q.answer] for q in asked.truth[0]],
        }))
        """
    )
    told = json.loads(said.splitlines()[-1])

    assert told["truth"] == [1, 0, 0]
    assert told["starts"] == ["89504e47"] * 2
    assert told["reason"] == "no_file"
    assert told["same"]
    assert told["dropped"] == {"no_options": 2}
    assert sorted(told["options"][0]) == ["Giemsa", "H&E"]
    assert told["answers"] == ["Giemsa"]


@pytest.mark.slow
def test_what_the_hub_does_not_have_is_said_in_one_line(run, tmp_path):
    upload(tmp_path / "stains", run)
    said = run(
        """
        from biomedica_dataset import BiomedicaError
        from biomedica_dataset.clip.evaluate.cases import read_cases
        from biomedica_dataset.clip.evaluate.taskfile import parse_task
        for source, columns in (
            ({"hub": "me/nothing"}, {}),
            ({"hub": "me/stains", "split": "train"}, {}),
            ({"hub": "me/stains"}, {"label": "lable"}),
        ):
            values = {"name": "t", "domain": "d", "source": source, "classes": ["blue", "red"]}
            try:
                read_cases(parse_task({**values, "columns": columns}))
            except BiomedicaError as error:
                print("SAID", type(error).__name__, error)
        """
    )
    lines = [line for line in said.splitlines() if line.startswith("SAID")]

    assert len(lines) == 3, said
    assert "me/nothing cannot be loaded" in lines[0]
    assert "me/stains cannot be loaded: Unknown split" in lines[1]
    assert "me/stains has no column 'lable'; did you mean 'label'" in lines[2]
