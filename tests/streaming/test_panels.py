"""Panels are read as figures are: every one once, at the cost of its figure, cut where it is."""

from __future__ import annotations

import copy
import hashlib
import json
from collections import Counter
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets.distributed import split_dataset_by_node
from hypothesis import given, settings
from hypothesis import strategies as st

from biomedica_dataset.errors import ArchiveError, UsageError
from biomedica_dataset.folder.manifest import MANIFEST
from biomedica_dataset.images.decode import open_upright
from biomedica_dataset.streaming.dataset import open_dataset
from biomedica_dataset.streaming.order import make_plan

from ..servers import BucketServer
from .panels import SIDE, colour, views, write_panels

KEYS = ["key", "figure_key"]


@pytest.fixture(scope="module")
def panelled(tmp_path_factory):
    """Folder and rows of a dataset with panels; not to be changed by a test."""
    folder = tmp_path_factory.mktemp("panelled") / "biomedica"
    return folder, write_panels(folder)


def panels(folder, **options):
    return open_dataset(folder, unit="panel", **options)


@pytest.mark.parametrize("min_score", [0.0, 0.8, 0.9, 1.0])
@pytest.mark.parametrize("seed", [None, 3])
def test_each_panel_of_the_score_comes_once_with_its_own_texts_and_pixels(
    panelled, min_score, seed
):
    folder, pairs = panelled
    expected = views(pairs, min_score)
    rows = list(panels(folder, min_score=min_score, seed=seed))

    assert Counter(row["key"] for row in rows) == Counter(expected.keys())
    for row in rows:
        pair, panel = expected[row["key"]]
        assert row["figure_key"] == pair.key
        assert row["caption"] == pair.caption
        assert np.asarray(row["image"])[1, 1].tolist() == list(
            colour(row["key"] if panel or not pair.panels else f"{pair.key}-A")
        )
        if panel is None:
            assert (row["letter"], row["score"]) == (None, None)
            assert row["box"] == [0, 0, *pair.image_size]
            assert row["subcaption"] == pair.caption
            assert row["contexts"] == pair.image_context
            assert row["image"].size == tuple(pair.image_size)
        else:
            assert row["image"].size == (SIDE, SIDE)
            assert len(row["image"].getcolors()) == 1
            assert row["contexts"] == [f"Panel {row['key']}."]
            assert {name: row[name] for name in ("letter", "box", "subcaption")} == {
                name: panel[name] for name in ("letter", "box", "subcaption")
            }
            assert row["score"] == pytest.approx(panel["score"])


def test_without_a_seed_panels_come_in_the_order_of_figures_and_letters(panelled):
    folder, pairs = panelled

    assert [row["key"] for row in panels(folder, columns=["key"])] == list(views(pairs, 0.8))


def test_a_margin_shows_what_is_around_a_panel(panelled):
    folder, _pairs = panelled
    rows = panels(folder, margin=0.5, columns=["letter", "box", "image"])
    sizes = {row["image"].size for row in rows if row["letter"] == "E"}  # below, in the middle

    assert sizes == {(2 * SIDE, SIDE + SIDE // 2)}


def test_the_bytes_of_a_figure_are_fetched_once_for_all_of_its_panels(panelled):
    folder, pairs = panelled
    with BucketServer(folder) as server:
        for row in panels(server.url, columns=["image"], min_score=0.0).decode(enable=False):
            assert row["image"]["bytes"]
        asked = sum(one.sent for one in server.log if one.key.startswith("commercial"))

    assert asked < 1.2 * sum(len(pair.image["bytes"]) for pair in pairs)


def test_a_figure_is_decoded_once_for_the_panels_that_follow_soon(panelled, monkeypatch):
    folder, pairs = panelled
    decoded = []
    monkeypatch.setattr(
        "biomedica_dataset.streaming.reading.decoding.open_upright",
        lambda data: decoded.append(data) or open_upright(data),
    )
    rows = list(panels(folder, seed=0, min_score=0.0, columns=["key", "image"]))

    assert len(rows) > 2 * len(pairs)
    assert len(decoded) < 1.3 * len(pairs)


def test_a_shuffle_mixes_figures_and_panels_of_one_stay_a_few_figures_apart(panelled):
    folder, _pairs = panelled
    order = [row["figure_key"] for row in panels(folder, seed=0, min_score=0.0, columns=KEYS)]
    beside = sum(a == b for a, b in pairwise(order))

    assert beside < len(order) / 20
    assert order != sorted(order)


@settings(max_examples=60)
@given(data=st.data())
def test_every_plan_of_panels_has_each_row_once(data):
    counts = data.draw(st.lists(st.integers(1, 9), min_size=1, max_size=400))
    figures = np.repeat(np.arange(len(counts)), counts)
    mean = data.draw(st.sampled_from([10.0, 1e6]))
    plan = make_plan(len(figures), mean, data.draw(st.sampled_from([None, 0, 7])), figures)
    runs = [plan.positions(run) for run in range(plan.runs)]

    assert sorted(np.concatenate(runs).tolist()) == list(range(len(figures)))
    assert [len(run) for run in runs] == [plan.length(run) for run in range(plan.runs)]


@pytest.mark.parametrize("world", [2, 3])
def test_ranks_share_the_panels_and_each_comes_once(panelled, world):
    folder, pairs = panelled
    rows = panels(folder, seed=5, columns=["key"])
    ranks = [
        [row["key"] for row in split_dataset_by_node(rows, rank, world, strategy="shards")]
        for rank in range(world)
    ]

    assert Counter(key for keys in ranks for key in keys) == Counter(views(pairs, 0.8).keys())


def test_epochs_differ_and_a_stopped_epoch_goes_on_at_the_next_panel(panelled):
    folder, _pairs = panelled
    rows = panels(folder, seed=5, columns=["key", "image"])
    rows.set_epoch(1)
    whole = [row["key"] for row in rows]
    rows.set_epoch(0)
    assert [row["key"] for row in rows] != whole
    for stop in (1, 37, len(whole) - 1):
        rows.set_epoch(1)
        begun = iter(rows)
        keys = [next(begun)["key"] for _ in range(stop)]
        state = copy.deepcopy(rows.state_dict())
        again = panels(folder, seed=5, columns=["key", "image"])
        again.set_epoch(1)
        again.load_state_dict(json.loads(json.dumps(state)))

        assert keys + [row["key"] for row in again] == whole


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("letter = B", lambda pair, panel: panel and panel["letter"] == "B"),
        ("letter is null", lambda pair, panel: panel is None),
        ("score >= 0.9", lambda pair, panel: panel and panel["score"] > 0.9),
        ("score >= 0.7", lambda pair, panel: panel),
        ("score in [0.7, 0.95]", lambda pair, panel: panel and panel["score"] in (0.7, 0.95)),
        (
            "letter in [A, C] and caption contains melanoma",
            lambda pair, panel: panel and panel["letter"] in "AC" and "melanoma" in pair.caption,
        ),
        (
            "subcaption contains western",
            lambda pair, panel: "western" in (panel["subcaption"] if panel else pair.caption),
        ),
        ("key matches '-C$'", lambda pair, panel: panel and panel["letter"] == "C"),
        ("contexts contains_text '-D.'", lambda pair, panel: panel and panel["letter"] == "D"),
        ("article_year >= 2015", lambda pair, panel: int(pair.article_date[:4]) >= 2015),
    ],
)
def test_conditions_name_columns_of_panels_and_of_figures(panelled, condition, holds):
    folder, pairs = panelled
    expected = [key for key, of in views(pairs, 0.7).items() if holds(*of)]
    rows = panels(folder, filters=condition, min_score=0.7, columns=["key"])

    assert expected
    assert [row["key"] for row in rows] == expected


def test_conditions_on_panels_read_no_image_and_the_second_query_reads_nothing(panelled):
    folder, _pairs = panelled
    with BucketServer(folder) as server:
        panels(server.url, filters="letter = B")
        first = len(server.log)
        panels(server.url, filters="letter = B")
        keys = [one.key for one in server.log]

    assert any(key.startswith("panels/") for key in keys[:first])
    assert not [key for key in keys[first:] if key.startswith("panels/")]
    assert not [key for key in keys if key.startswith("commercial/")]


def test_a_limit_counts_panels(panelled):
    folder, _pairs = panelled

    assert len(list(panels(folder, limit=7, seed=1, columns=["key"]))) == 7


def test_a_folder_that_is_split_has_its_panels_below_its_splits(tmp_path):
    pairs = write_panels(tmp_path / "split", 30, split="0.8,0.1,0.1")
    rows = panels(
        tmp_path / "split", columns=["key"], filters="letter is not null or score is null"
    )

    assert [row["key"] for row in rows] == list(views(pairs, 0.8))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"unit": "panels"}, "unit must be one of figure, panel"),
        ({"unit": "panel", "min_score": 1.5}, "min_score is 1.5; it must be a number from 0 to 1"),
        ({"unit": "panel", "min_score": float("nan")}, "min_score is nan"),
        ({"unit": "panel", "margin": -0.1}, "margin is -0.1"),
        ({"unit": "panel", "margin": "wide"}, "margin is 'wide'"),
        ({"margin": 0.1}, "set unit to panel"),
        ({"unit": "panel", "columns": ["leter"]}, "did you mean 'letter'"),
        ({"unit": "panel", "filters": "leter = B"}, "did you mean 'letter'"),
        ({"columns": ["letter"]}, "unknown column 'letter'"),
    ],
)
def test_what_panels_cannot_have_is_refused(panelled, options, says):
    with pytest.raises(UsageError, match=says):
        open_dataset(panelled[0], **options)


def test_a_dataset_without_panels_says_how_to_add_them(labelled):
    with pytest.raises(UsageError, match="biomedica annotate panels ARCHIVE -o PANELS"):
        panels(labelled[0])


def test_a_box_beyond_its_image_is_never_cut(tmp_path, monkeypatch):
    monkeypatch.setattr("tests.streaming.panels.SIDE", 40)
    write_panels(tmp_path / "biomedica", 30)
    rows = panels(tmp_path / "biomedica", columns=["key", "image"])
    chosen = rows._ex_iterable._reader
    width = chosen._known.schema.get_field_index("image_width")
    smaller = chosen._known["image_width"].combine_chunks()
    chosen._known = chosen._known.set_column(width, "image_width", [[SIDE // 2] * len(smaller)])
    with pytest.raises(ArchiveError, match="is not within its image"):
        list(rows)


def tampered(folder, config, column, value):
    """Change a column of the first panel in a dataset folder, and let its manifest agree."""
    manifest = json.loads((folder / MANIFEST).read_text())
    for file in manifest["files"]:
        if file["config"] == config:
            path = folder / file["path"]
            table = pq.read_table(path)
            rows = table.to_pylist()
            first = next(row for row in rows if row.get("panels", True))
            (first["panels"][0] if "panels" in first else first)[column] = value
            data = pa.BufferOutputStream()
            pq.write_table(pa.Table.from_pylist(rows, table.schema), data)
            path.write_bytes(data.getvalue())
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            file |= {"bytes": path.stat().st_size, "sha256": digest}
            break
    (folder / MANIFEST).write_text(json.dumps(manifest))


BAD = [
    ("box", [0, 0, 10**6, 9], "box [0, 0, 1000000, 9] is not within its image of (120, 80)"),
    ("box", [9, 9, 9, 20], "box [9, 9, 9, 20] is not within its image of (120, 80)"),
    ("box", [0, 0, 9], "box [0, 0, 9] is not within its image of (120, 80)"),
    ("box", [-5, 0, 9, 9], "box must be a number from 0 to"),
    ("letter", "<b>", "letter must be the letter of a panel"),
    ("letter", "A\u202e", "letter must be the letter of a panel"),
]


@pytest.mark.parametrize(("column", "value", "says"), BAD)
@pytest.mark.parametrize(
    ("config", "options"),
    [
        ("commercial", {"columns": ["panels"]}),
        ("panels", {"columns": ["letter", "box"], "unit": "panel", "min_score": 0.0}),
    ],
)
def test_panels_of_strangers_are_refused_in_one_line(
    tmp_path, config, options, column, value, says
):
    write_panels(tmp_path / "biomedica", 30)
    tampered(tmp_path / "biomedica", config, column, value)
    with pytest.raises(ArchiveError) as refused:
        list(open_dataset(tmp_path / "biomedica", **options))

    assert says in str(refused.value)
    assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("key", "PMC1_g1", "it is said to be of"),
        ("figure_key", "PMC1_g1", "it is said to be of"),
        ("figure_key", "../x", "figure_key must be a key"),
    ],
)
def test_views_of_other_figures_are_refused(tmp_path, column, value, says):
    write_panels(tmp_path / "biomedica", 30)
    tampered(tmp_path / "biomedica", "panels", column, value)
    with pytest.raises(ArchiveError, match=says):
        list(panels(tmp_path / "biomedica", columns=["key", "figure_key"], min_score=0.0))


@pytest.mark.parametrize("score", [float("nan"), float("inf"), -0.5, 1.5])
def test_scores_are_from_0_to_1(tmp_path, score):
    write_panels(tmp_path / "pairs", 30)
    tampered(tmp_path / "pairs", "commercial", "score", score)
    with pytest.raises(ArchiveError, match="score must be a number from 0 to 1"):
        list(open_dataset(tmp_path / "pairs", columns=["panels"]))

    write_panels(tmp_path / "index", 30)
    tampered(tmp_path / "index", "index", "panel_scores", [score])
    with pytest.raises(ArchiveError, match="panel_scores must be a number from 0 to 1"):
        panels(tmp_path / "index")


def test_panels_of_which_the_index_knows_another_number_are_refused(tmp_path):
    folder = tmp_path / "biomedica"
    write_panels(folder, 30)
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["files"] = [one for one in manifest["files"] if one["config"] != "panels"]
    (folder / MANIFEST).write_text(json.dumps(manifest))

    with pytest.raises(ArchiveError, match="has 0 panels, and the index"):
        panels(folder)
