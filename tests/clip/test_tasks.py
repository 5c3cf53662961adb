"""Tasks are data: what a file may say, what is wrong with it, and which are shipped."""

from __future__ import annotations

import re
import shutil

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from biomedica_dataset import UsageError
from biomedica_dataset.cli.group import main
from biomedica_dataset.clip.evaluate.cases import read_cases
from biomedica_dataset.clip.evaluate.evaluate import read_all
from biomedica_dataset.clip.evaluate.find import find_tasks, listed, shipped_tasks
from biomedica_dataset.clip.evaluate.taskfile import load_task

from .made import COLOURS, GOOD, write


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({**GOOD, "clases": ["red"]}, r"bad.yaml: there is no key clases; did you mean 'class"),
        ({**GOOD, "template": "{}"}, r"there is no key template; did you mean 'templates'"),
        ({**GOOD, "base": "here"}, r"bad.yaml: there is no key base"),
        ({**GOOD, "domain": ["a", "b"]}, r"domain must be a valid string, not \['a', 'b'\]"),
        ({**GOOD, "domain": " "}, r"bad.yaml is not valid YAML: .*a value is missing"),
        ({**GOOD, "where": {"label": []}}, r"where.label: .*at least 1 item"),
        ({**GOOD, "classes": {"blue": {"positive": "a"}}}, r"classes.blue.negative must be given"),
        ({"classes": list(COLOURS)}, r"bad.yaml: source must be given"),
        ({**GOOD, "source": {"folder": "a", "csv": "b"}}, r"must have one .* not folder and csv"),
        ({**GOOD, "source": {"folder": "images", "split": "test"}}, r"source.split goes with"),
        ({**GOOD, "protocol": "quiz"}, r"protocol must be one of class.*, retrieval, not 'quiz'$"),
        ({**GOOD, "metric": "acuracy"}, r"metric must .*'acuracy'; did you mean 'accuracy'"),
        ({**GOOD, "classes": ["red"]}, r"classes must be 2 or more .* not 1"),
        ({**GOOD, "classes": ["red", "blue"]}, r"green/0.png has the label 'green', which is not"),
        ({**GOOD, "templates": "an image"}, r"templates must have {} in .*, not 'an image'"),
        ({**GOOD, "protocol": "multilabel"}, r"classes.blue: multilabel needs positive"),
        ({**GOOD, "source": {"folder": "empty"}}, r"empty needs a folder of images"),
        ({**GOOD, "source": {"folder": "nowhere"}}, r"the folder .*nowhere does not exist"),
        ({**GOOD, "source": {"csv": "nowhere.csv"}}, r"there is no file .*nowhere.csv"),
        ({**GOOD, "source": {"csv": "rows.csv"}}, r"no column 'image'; did you mean 'imge'"),
        ({**GOOD, "source": {"csv": "rows.csv", "path": "{imag}"}, "columns": {"label": "label"}},
         r"source.path is '{imag}': no column 'imag'; did you mean 'imge'"),
        ({**GOOD, "where": {"label": "red"}, "source": {"csv": "rows.csv", "path": "{imge}"}},
         r"rows.csv has no rows that `where` asks for"),
        ({**GOOD, "source": {"csv": "torn.csv"}}, r"line 3 of .*torn.csv has other columns"),
        ({**GOOD, "source": {"parquet": "rows.csv"}}, r"rows.csv cannot be read"),
        ({**GOOD, "protocol": "retrieval"}, r"retrieval needs captions, and a folder has none"),
        ({**GOOD, "columns": {"options": "a"}}, r"columns.options, .* must be equally many"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_task_is_said_in_one_line(tmp_path, images, fields, said):
    (tmp_path / "empty").mkdir()
    (tmp_path / "rows.csv").write_text("imge,label\nimages/blue/0.png,blue\n")
    (tmp_path / "torn.csv").write_text("image,label\na.png,blue\nb.png\n")
    path = write(tmp_path / "bad.yaml", **fields)
    run = CliRunner().invoke(main, ["evaluate", "none", "-t", path, "-o", str(tmp_path / "out")])

    assert run.exit_code == 2
    assert re.search(said, run.output), run.output
    assert run.output.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_tasks_are_named_by_name_domain_pattern_file_and_folder(tmp_path, images):
    first = write(tmp_path / "one.yaml", **GOOD)
    write(tmp_path / "two.yaml", **GOOD)
    every = find_tasks(["all"])

    assert [task.name for task in find_tasks(["pcam", "breastmnist", "pcam"])] == [
        "pcam",
        "breastmnist",
    ]
    assert {task.domain for task in find_tasks(["Dermoscopy"])} == {"dermoscopy"}
    assert len(find_tasks(["ubench-*"])) == 21
    assert len(find_tasks([first, str(tmp_path / "t*.yaml")])) == 2
    assert len(find_tasks([str(tmp_path), "all"])) == len(every) + 2
    with pytest.raises(UsageError, match=r"no task, domain or file 'breastmist'; did you mean"):
        find_tasks(["breastmist"])
    (tmp_path / "other").mkdir()
    other = shutil.copy(first, tmp_path / "other" / "one.yaml")
    with pytest.raises(UsageError, match="two tasks are named 'one'"):
        find_tasks([first, other])


def test_every_shipped_task_says_where_its_prompts_and_images_come_from():
    for task in find_tasks(["all"]):
        assert task.citation, task.name
        assert task.prompts_from, task.name
        assert "http" in task.prompts_from


def test_a_hub_that_cannot_be_reached_is_said_and_may_be_tried_again(tmp_path):
    run = CliRunner().invoke(main, ["evaluate", "none", "-t", "pcam", "-o", str(tmp_path / "out")])

    assert run.exit_code == 1
    assert "task pcam: the Hub cannot be reached for 1aurent/PatchCamelyon" in run.output


SECRET = b"not yours"


@pytest.fixture
def foreign(tmp_path):
    """A task's folder beside a file that is not its own, and links to it."""
    folder = tmp_path / "task"
    (folder / "images" / "red").mkdir(parents=True)
    (tmp_path / "secret.png").write_bytes(SECRET)
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    (folder / "away").symlink_to(tmp_path)
    (folder / "images" / "red" / "own.png").write_bytes(b"own")
    return folder


OUTSIDE = ["../secret.png", "{secret}", "images/../../secret.png", "link.png", "away/secret.png"]


@pytest.mark.parametrize("outside", OUTSIDE)
@pytest.mark.parametrize("form", ["csv", "parquet", "path"])
def test_no_row_leads_out_of_the_folder_of_its_task(foreign, tmp_path, outside, form):
    outside = outside.format(secret=tmp_path / "secret.png")
    rows = [{"image": "images/red/own.png", "caption": "a"}, {"image": outside, "caption": "b"}]
    source = {"csv": "rows.csv"} if form == "csv" else {"parquet": "rows.parquet"}
    if form == "path":
        rows = [{"id": row["image"].removesuffix(".png"), "caption": "a"} for row in rows]
        source["path"] = "{id}.png"
    table = pa.Table.from_pylist(rows)
    pq.write_table(table, foreign / "rows.parquet")
    pacsv.write_csv(table, foreign / "rows.csv")
    path = write(foreign / "task.yaml", protocol="retrieval", source=source)
    with pytest.raises(UsageError, match=r"a row names .*(secret|link)\.png, which is outside"):
        read_cases(load_task(path, str(foreign)))
    cases = read_cases(load_task(path, str(tmp_path)))
    assert [cases.read(n) for n in range(2)] == [b"own", SECRET]


@pytest.mark.parametrize("outside", [*OUTSIDE[:1], "{secret}", "away", "file://{secret}"])
def test_no_source_leads_out_of_the_folder_of_its_task(foreign, tmp_path, outside):
    (tmp_path / "red").mkdir()
    (tmp_path / "red" / "0.png").write_bytes(SECRET)
    outside = outside.format(secret=tmp_path).replace("../secret.png", "..")
    for source in ({"folder": outside}, {"csv": f"{outside}/secret.png"}):
        path = write(foreign / "task.yaml", **{**GOOD, "source": source})
        with pytest.raises(UsageError, match=r"source names .* outside of the task's folder"):
            read_cases(load_task(path, str(foreign)))


def test_a_class_has_no_image_of_elsewhere_and_no_file_chooses_where_paths_may_lead(
    foreign, tmp_path
):
    path = write(foreign / "task.yaml", **GOOD)
    assert len(read_cases(load_task(path)).chosen) == 1
    (foreign / "images" / "red" / "1.png").symlink_to(tmp_path / "secret.png")
    with pytest.raises(UsageError, match=r"a row names .*1.png, which is outside"):
        read_cases(load_task(path, str(foreign)))
    for source in ({"folder": "images", "below": ["/"]}, {"folder": "images", "below": "/"}):
        with pytest.raises(UsageError, match=r"no key source\.below"):
            load_task(write(foreign / "task.yaml", **{**GOOD, "source": source}))
    chained = {"folder": f"simplecache::file://{tmp_path}"}
    with pytest.raises(UsageError, match="not the chain simplecache::"):
        read_cases(load_task(write(foreign / "task.yaml", **{**GOOD, "source": chained})))


def test_a_template_of_paths_reads_no_attributes_and_does_not_grow(foreign):
    (foreign / "rows.csv").write_text("id,caption\na,b\n")
    for template in ("{id.__class__}", "{id:>999999999999}", "{id!r}", "{}"):
        source = {"csv": "rows.csv", "path": template}
        path = write(foreign / "task.yaml", protocol="retrieval", source=source)
        with pytest.raises(UsageError, match=r"source\.path is .*: no column"):
            read_cases(load_task(path))


def test_files_that_a_machine_put_among_the_images_are_left_out_and_counted(images, tmp_path):
    mine = len([path for path in images.rglob("*") if path.is_file()])
    for name in ("Thumbs.db", ".DS_Store", "red/thumbs.db", "red/desktop.ini", "red/._0.png",
                 "blue/.DS_Store", "__MACOSX/red/._0.png", "__MACOSX/other/1.png"):  # fmt: skip
        (images / name).parent.mkdir(parents=True, exist_ok=True)
        (images / name).write_bytes(b"of the system")
    cases = read_cases(load_task(write(tmp_path / "task.yaml", **GOOD)))

    assert len(cases.chosen) == mine
    assert cases.dropped == {"system_file": 8}


def test_tasks_are_listed_with_where_their_images_are(images, tmp_path):
    there = write(tmp_path / "task.yaml", **GOOD)
    lines = listed([str(there)]).splitlines() + listed([]).splitlines()

    assert lines[0].endswith("  there")
    assert len(lines) == 1 + len(shipped_tasks())
    assert any(line.endswith("  fetched when needed") for line in lines)
    done = CliRunner().invoke(main, ["evaluate", "--list", "--data", str(tmp_path / "nowhere")])
    assert done.exit_code == 0
    assert "  missing\n" in done.output
    assert CliRunner().invoke(main, ["evaluate", "x"]).exit_code == 2


def test_all_leaves_out_what_is_not_here_and_says_so(images, tmp_path, monkeypatch):
    good, absent = write(tmp_path / "good.yaml", **GOOD), tmp_path / "absent.yaml"
    write(absent, **{**GOOD, "name": "absent", "source": {"folder": "nowhere"}})
    own = [load_task(good), load_task(absent)]
    monkeypatch.setattr("biomedica_dataset.clip.evaluate.find.shipped_tasks", lambda _data: own)
    cases, missing = read_all(["all"], ".", 0, strict=False)

    assert [one.task.name for one in cases] == [own[0].name]
    assert list(missing) == ["absent"]
    for words, strict in ((["all"], True), (["all", "absent"], False)):
        with pytest.raises(UsageError, match="nowhere"):
            read_all(words, ".", 0, strict=strict)
