"""Conditions mean what they say: one language, three truth values, words that are words."""

from __future__ import annotations

import re
import time

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biomedica_dataset.errors import UsageError
from biomedica_dataset.streaming.choice import Choice
from biomedica_dataset.streaming.conditions.filters import columns_of, mask, parse_filters
from biomedica_dataset.streaming.conditions.grammar import (
    ORDERS,
    TEXT_OPERATORS,
    Comparison,
    Junction,
    Not,
    joined,
    parse,
)
from biomedica_dataset.streaming.dataset import choose_rows, open_dataset

from ..servers import BucketServer

TABLE = pa.table(
    {
        "caption": [
            "Masking of skinfolds",
            "SKIN-lesion, left",
            "a lesion of the skin's edge",
            None,
            "皮膚炎の病変",
            "Über die Haut; Crohn's disease",
            "Cafe\u0301 au lait (C++)",
        ],
        "year": pa.array([2001, 2010, None, 2015, 2020, 2021, 1999], pa.int32()),
        "kind": ["figure", "table", None, "figure", "scheme", "box", "figure"],
        "terms": [["Skin"], ["Skin Neoplasms", "Humans"], None, [], ["humans"], [None], ["x"]],
        "image_panel_count": pa.array([None, 1, 2, None, 5, 1, None], pa.int32()),
    }
)


def rows(filters):
    return mask(TABLE, parse_filters(filters)).nonzero()[0].tolist()


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("caption contains skin", [1, 2]),
        ("caption contains 'skin lesion'", [1]),
        ("caption contains lesion left", []),
        ("caption contains_text skin", [0, 1, 2]),
        ("caption contains ÜBER", [5]),
        ("caption contains café", [6]),
        ("caption contains caf", []),
        ("caption contains c++", [6]),
        ("caption contains Crohn's disease", [5]),
        ("caption contains 皮膚", [4]),
        (r"caption matches '\bskin\b'", [2]),
        (r"caption matches '(?i)^skin'", [1]),
        ("caption not contains skin", [0, 4, 5, 6]),
        ("not caption contains skin", [0, 4, 5, 6]),
        ("caption is null", [3]),
        ("caption is not None", [0, 1, 2, 4, 5, 6]),
        ("year >= 2015", [3, 4, 5]),
        ("not year >= 2015", [0, 1, 6]),
        ("year != 2010", [0, 3, 4, 5, 6]),
        ("year > 2010.5", [3, 4, 5]),
        ("2010 <= year < 2020", [1, 3]),
        ("'2015' < year", [4, 5]),
        ("year is null or year = 1999", [2, 6]),
        ("kind in [figure, 'box']", [0, 3, 5, 6]),
        ("kind in (figure, table,) and year < 2010", [0, 6]),
        ("kind not in [figure]", [1, 4, 5]),
        ("kind in []", []),
        ("year in [2001, 2020]", [0, 4]),
        ("year > 2000 and kind = table or kind = scheme", [1, 4]),
        ("year > 2000 AND (kind = table OR kind = box)", [1, 5]),
        ("NOT (year > 2000 or kind = figure)", []),
        ("terms contains skin", [0, 1]),
        ("terms contains 'Skin Neoplasms'", [1]),
        ("terms matches ^Skin$", [0]),
        ("terms is null", [2]),
        ("terms not contains humans", [0, 3, 5, 6]),
        ("image_panel_count <= 1", [0, 1, 3, 5, 6]),
        ("image_panel_count is null", [0, 3, 6]),
        ("image_panel_count is not null and image_panel_count < 3", [1, 2, 5]),
    ],
)
def test_a_condition_in_words_finds(condition, found):
    assert rows(condition) == found


@pytest.mark.parametrize(
    ("filters", "words"),
    [
        ([("year", ">=", 2015)], "year >= 2015"),
        ([("caption", "contains", "skin"), ("year", "<", 2015)],
         "caption contains skin and year<2015"),
        ([[("kind", "in", ["box"])], [("year", "==", 2001)]], "kind in [box] or year = 2001"),
        ([("year", "is null")], "year is null"),
        ([("year", "IS NOT NULL", None)], "year is not null"),
        ([("kind", "not in", ("figure", "table"))], "kind not in [figure, table]"),
    ],
)  # fmt: skip
def test_the_syntax_of_datasets_means_the_same(filters, words):
    assert rows(filters) == rows(words) != []


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("caption contians skin", "character 9: .*did you mean 'contains'"),
        ("caption contains black and white", "that has and, or must be quoted"),
        ("year == null", "year is null"),
        ("year == 2000 year == 2001", "expected and, or, or the end"),
        ("(year > 1", r"expected '\)'"),
        ("year > 1)", "expected and, or"),
        ("'x' in caption", "COLUMN contains TEXT"),
        ("caption contains 'a", "quote is not closed"),
        ("caption contains -", "expected a word"),
        ("caption matches (?i)^skin", "text that has signs must be quoted"),
        ("kind in figure", r"a list such as \[a, b\]"),
        ("kind in [figure box", "expected ',' or"),
        ("year is 5", "expected null"),
        ("year > late", "type int32 cannot be compared with 'late'"),
        ("year > 99999999999999999999", "type int32"),
        ("year contains 5", "which is not text"),
        ("terms == skin", "use 'contains'"),
        ("caption matches '(a'", "RE2: missing"),
        ("caption matches '(?=a)'", "RE2"),
        ("", "expected a column"),
        ("not " * 300 + "year > 1", "at most 50"),
        ("(" * 300 + "year > 1", "at most 50"),
    ],
)
def test_what_is_no_condition_is_told_where_and_why(condition, said):
    with pytest.raises(UsageError, match=said):
        rows(condition)


def test_a_regular_expression_cannot_hold_a_run():
    long = pa.table({"caption": ["a" * 200_000 + "b"]})
    started = time.monotonic()

    assert not mask(long, parse("caption matches '(a+)+c'")).any()
    assert time.monotonic() - started < 60


_NAMES = st.from_regex(r"[a-z_]{1,8}", fullmatch=True)
_TESTS = st.one_of(
    st.builds(Comparison, _NAMES, st.sampled_from([*ORDERS, *TEXT_OPERATORS]), st.text()),
    st.builds(Comparison, _NAMES, st.sampled_from(["in", "not in"]), st.lists(st.text())),
    st.builds(Comparison, _NAMES, st.sampled_from(["is null", "is not null"])),
)  # fmt: skip
_CONDITIONS = st.recursive(
    _TESTS,
    lambda part: st.one_of(
        st.builds(Not, part),
        st.builds(Junction, st.sampled_from(["and", "or"]), st.tuples(part, part)),
    ),
    max_leaves=6,
)  # fmt: skip


@given(_CONDITIONS)
def test_what_is_written_is_read_back(condition):
    assert parse(str(condition)) == condition


@given(st.text(alphabet="ab ()'\"[],=<>!\\\u00e9 andornt10", max_size=40))
def test_any_text_is_a_condition_or_a_callers_mistake(text):
    try:
        condition = parse(f"caption contains {text}")
        columns_of(condition, TABLE.column_names)
        mask(TABLE, condition)
    except UsageError as error:
        assert "\n" not in str(error).replace(repr(text), "")  # noqa: PT017 - most are mistakes


TRUTH = {"t": True, "f": False, "n": None}


@given(st.lists(st.sampled_from("tfn"), min_size=2, max_size=4), st.sampled_from(["and", "or"]))
def test_null_is_neither_true_nor_false(values, word):
    table = pa.table(
        {
            f"c{i}": pa.array([{"t": 1, "f": 0, "n": None}[v]], pa.int32())
            for i, v in enumerate(values)
        }
    )
    condition = joined(word, [Comparison(f"c{i}", "==", 1) for i in range(len(values))])
    known = [TRUTH[v] for v in values]
    first, other = (all, any) if word == "and" else (any, all)
    holds, fails = first(v is True for v in known), other(v is False for v in known)

    assert mask(table, condition).tolist() == [holds]
    assert mask(table, Not(condition)).tolist() == [fails]


def test_names_are_checked_before_anything_is_read():
    for condition, said in {
        "captoin contains x": "did you mean 'caption'",
        "image_kind in [figure, tabel]": "did you mean 'table'",
        "license_group != comercial": "did you mean 'commercial'",
    }.items():
        with pytest.raises(UsageError, match=said):
            columns_of(parse(condition), ["caption", "image_kind", "license_group"])


def test_what_no_row_has_is_named_with_the_nearest(sample_dataset):
    with pytest.raises(UsageError, match="did you mean 'Sample Virology'"):
        open_dataset(sample_dataset, filters="article_journal = 'Sample Virologie'")


def test_texts_are_read_from_the_captions_once_and_told_of(sample_dataset, cache):
    told = []
    choice = Choice(filters="caption contains micrograph", split="all")
    with BucketServer(sample_dataset) as server:
        first = choose_rows(server.url, choice, told.append)
        read = {request.key for request in server.log}
        assert read - {"manifest.json"} == {k for k in read if re.match("index/|captions/", k)}
        assert told == [f"to read: {first.texts}"]  # the estimate is what was read
        assert f"\nread: {first.texts}" in f"\n{first}"
        server.forget()
        again = choose_rows(server.url, choice, told.append)
        assert {request.key for request in server.log} == {"manifest.json"}
        wider = Choice(filters="caption contains micrograph or figure_label is null", split="all")
        assert choose_rows(server.url, wider, told.append).texts.requests > 0
    assert again.table.equals(first.table)
    assert (again.texts.requests, again.texts.bytes, again.texts.kept) == (0, 0, 62)
    for kept in (cache / "biomedica" / "texts").rglob("caption"):
        kept.write_bytes(b"spoiled")
    with BucketServer(sample_dataset) as server:
        assert choose_rows(server.url, choice).table.equals(first.table)
