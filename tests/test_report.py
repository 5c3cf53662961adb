"""Reports add up, and say in words what is in them."""

from __future__ import annotations

import json

from biomedica_dataset.engine.report import Tally
from biomedica_dataset.extraction.report import ExtractReport

REPORT = ExtractReport(
    source="s3://bucket",
    selection="all articles",
    inventory="2026-11-20T01-00Z",
    blocks=9,
    blocks_done=3,
    blocks_failed={"7": "no answer", "8": "no answer", "12": "no answer", "3": "reset"},
    articles={"kept": 1200, "rejected: retracted": 34},
    figures={"kept": 5, "no_caption": 2},
    changes={"new article": 1180, "retracted": 3},
    newer=2,
    not_listed=[f"PMC{n}" for n in range(1, 24)],
)


def test_a_tally_adds_up():
    tally = Tally.of({"kept": 3, "no_caption": 1, "corrupt: MD5": 2})

    assert (tally.seen, tally.kept, sum(tally.dropped.values())) == (6, 3, 3)
    assert tally.lines("figures")[0] == "figures: 6 seen = 3 kept + 3 dropped"


def test_a_report_says_all_in_words():
    assert str(REPORT).splitlines() == [
        "article versions: 1,234 seen = 1,200 kept + 34 dropped",
        "  34  rejected: retracted",
        "figures: 7 seen = 5 kept + 2 dropped",
        "  2  no_caption",
        "changed by this run: 1,183 article versions",
        "  1,180  new article",
        "      3  retracted",
        "metadata newer than the inventory: 2",
        "not in the source: " + ", ".join(REPORT.not_listed[:20]) + " and 3 more",
        "4 blocks not written; run the same command again:",
        "  7-8, 12: no answer",
        "  3: reset",
    ]


def test_a_stored_report_does_not_tell_of_the_run():
    stored = json.loads(REPORT.as_json())

    assert not {"blocks_done", "changes"} & stored.keys()
    assert stored["articles"] == {
        "seen": 1234,
        "kept": 1200,
        "dropped": {"rejected: retracted": 34},
    }
