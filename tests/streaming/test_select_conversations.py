"""Figures are selected as conversations, for trainers of vision-language models."""

from __future__ import annotations

import json
import shutil
from importlib.resources import files

import datasets
import pytest
from click.testing import CliRunner

from biomedica_dataset import select
from biomedica_dataset.cli import main
from biomedica_dataset.errors import UsageError
from biomedica_dataset.jats.panels.mentions import citing_sentences
from biomedica_dataset.streaming.dataset import open_dataset
from biomedica_dataset.subset.conversations import llava, messages, read_templates, turns

from ..trees import stamps, tree

SHIPPED = json.loads((files("biomedica_dataset") / "subset/conversations.json").read_text())
ROW = {
    "key": "PMC1_f1", "caption": "A cell.", "figure_label": "Figure 1",
    "image_context": ["Not this.", "Cells grow. Figure 1A shows one. It is large."],
    "panels": [{"letter": "A", "subcaption": "Early."}, {"letter": "B", "subcaption": None}],
}  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def _small_slices():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("biomedica_dataset.subset.write_conversations.SLICE", 10)
        yield


@pytest.fixture(scope="module")
def written(_small_slices, sample_dataset, tmp_path_factory):
    """Conversations about all figures; not to be changed by a test."""
    folder = tmp_path_factory.mktemp("conversations") / "out"
    select(sample_dataset, folder, format="conversations", split="all")
    return folder


def lines(folder):
    paths = sorted(folder.rglob("metadata.jsonl"))
    return [
        (path.parent, json.loads(line)) for path in paths for line in path.read_bytes().splitlines()
    ]


def test_each_figure_is_asked_about_and_answered_by_its_texts(sample_dataset, written):
    figures = {r["key"]: r for r in open_dataset(sample_dataset, split="all").decode(enable=False)}
    found = lines(written)

    assert sorted(row["key"] for _, row in found) == sorted(figures)
    for folder, row in found:
        figure = figures[row["key"]]
        answers = [m["content"][0]["text"] for m in row["messages"] if m["role"] == "assistant"]
        context = "\n".join(figure["image_context"] or [])
        assert answers[0] == figure["caption"]
        assert all(answer in context or "." in answer for answer in answers[1:])
        assert row["messages"][0]["content"][0] == {"type": "image", "text": None}
        assert (folder / row["file_name"]).read_bytes() == figure["image"]["bytes"]
        assert row["image_license"]
        assert figure["article_accession_id"] in row["source"]


def test_llava_reads_the_same_conversations_with_paths_that_are_there(written):
    paths = sorted(written.glob("llava-*-train.json"))
    told = [row for path in paths for row in json.loads(path.read_text())]

    assert {row["id"] for row in told} == {row["key"] for _, row in lines(written)}
    for row in told:
        assert (written / row["image"]).is_file()
        assert row["image_license"]
        assert row["source"]
        turns_of = row["conversations"]
        assert turns_of[0]["value"].startswith("<image>\n")
        assert sum(turn["value"].count("<image>") for turn in turns_of) == 1
        assert [turn["from"] for turn in turns_of] == ["human", "gpt"] * (len(turns_of) // 2)


def test_datasets_reads_images_and_messages(written):
    rows = datasets.load_dataset(str(written), "commercial", split="train")

    assert len(rows) == 45
    assert rows[0]["image"].size == (rows[0]["width"], rows[0]["height"])
    assert rows[0]["messages"][1]["content"][0]["text"] == rows[0]["caption"]


def test_the_same_selection_again_changes_nothing_and_a_lost_file_is_written_again(
    sample_dataset, written, tmp_path
):
    folder = tmp_path / "out"
    shutil.copytree(written, folder)
    before = stamps(folder)
    select(sample_dataset, folder, format="conversations", split="all")
    assert stamps(folder) == before

    whole = tree(folder)
    (folder / "llava-commercial-train.json").unlink()
    shutil.rmtree(folder / "commercial/train/000001")
    select(sample_dataset, folder, format="conversations", split="all")
    assert tree(folder) == whole


def test_a_figure_has_turns_for_caption_panels_citing_sentence_and_table():
    asked = list(turns(read_templates(None), ROW, "<table><tr><td>1</td></tr></table>"))

    assert [answer for _, answer in asked] == [
        "A cell.",
        "Early.",
        "Figure 1A shows one.",
        "<table><tr><td>1</td></tr></table>",
    ]
    for (question, _), kind in zip(asked, ("caption", "panel", "context", "table"), strict=True):
        assert question in [one.format(letter="A") for one in SHIPPED[kind]["questions"]]


def test_a_text_cannot_add_an_image():
    row = {**ROW, "caption": "An <image> of a cell."}
    line = {
        "key": "k",
        "file_name": "k.jpg",
        "messages": messages([*turns(read_templates(None), row)]),
    }

    assert str(llava(line, "a")).count("<image>") == 1


@pytest.mark.parametrize(
    ("label", "text", "expected"),
    [
        pytest.param("Figure 2", "It is so. Figs 1–3 show. Yes.", ["Figs 1–3 show."], id="range"),
        pytest.param("Fig. 2", "As Fig. 2A. Or Fig. 2B.", ["As Fig. 2A.", "Or Fig. 2B."], id="two"),
        pytest.param("Figure 2", "See Figure 3.", [], id="another"),
        pytest.param("Figure 2", "See Table 2.", [], id="another series"),
        pytest.param(None, "See Figure 2.", [], id="no label"),
        pytest.param("Graphical abstract", "See Figure 2.", [], id="no number"),
    ],
)  # fmt: skip
def test_the_sentences_that_cite_a_figure_name_its_label(label, text, expected):
    assert citing_sentences(label, text) == expected


def test_own_templates_are_asked_and_another_file_is_another_selection(sample_dataset, tmp_path):
    own = SHIPPED | {"caption": {"questions": ["Why?"], "answer": "Since {text}"}}
    (tmp_path / "own.json").write_text(json.dumps(own))
    options = {"format": "conversations", "limit": 3}
    select(sample_dataset, tmp_path / "out", templates=tmp_path / "own.json", **options)

    for _, row in lines(tmp_path / "out"):
        assert row["messages"][0]["content"][1]["text"] == "Why?"
        assert row["messages"][1]["content"][0]["text"] == f"Since {row['caption']}"
    with pytest.raises(UsageError, match="choose an empty or new folder"):
        select(sample_dataset, tmp_path / "out", **options)


@pytest.mark.parametrize(
    ("kind", "questions", "answer", "says"),
    [
        pytest.param("panel", ["What?"], "{text}", "questions must have {letter}", id="no letter"),
        pytest.param("table", ["What?"], "x", "answer must have {text}", id="no text"),
        pytest.param("caption", ["{key}?"], "{text}", "no placeholder", id="unknown"),
        pytest.param("caption", [], "{text}", "one or more", id="no question"),
        pytest.param("caption", ["{"], "{text}", "caption", id="a lone brace"),
        pytest.param("other", ["a"], "{text}", "other", id="unknown kind"),
    ],
)  # fmt: skip
def test_templates_without_their_placeholder_are_refused_before_anything_is_written(
    sample_dataset, tmp_path, kind, questions, answer, says
):
    path = tmp_path / "own.json"
    own = SHIPPED | {kind: {"questions": questions, "answer": answer}}
    path.write_text(json.dumps(own))
    options = ["--format", "conversations", "--templates", str(path), "-o", str(tmp_path / "out")]
    done = CliRunner().invoke(main, ["select", str(sample_dataset), *options])

    assert done.exit_code == 2
    assert says in done.output
    assert len(done.output.splitlines()) <= 4
    assert not (tmp_path / "out").exists()


def test_templates_of_another_format_are_refused(sample_dataset, tmp_path):
    with pytest.raises(UsageError, match="set format to conversations"):
        select(sample_dataset, tmp_path / "out", format="images", templates="t.json")
