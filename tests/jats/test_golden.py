"""Whole made-up articles against records that a person has read.

After a change of the rules: ``python -m tests.jats.test_golden`` writes the records anew, and the
difference is to be read before it is committed.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from biomedica_dataset.jats.reader import read_article

GOLDEN = Path(__file__).parent / "golden"
ARTICLES = sorted(GOLDEN.glob("*.xml"))


def records(path: Path) -> dict[str, Any]:
    article = read_article(path.read_bytes(), full_text=True)
    record = dataclasses.asdict(article)
    for figure, values in zip(article.figures, record["figures"], strict=True):
        text = figure.panel_text
        values["panel_text"] = text and dataclasses.asdict(text)
        values["panel_contexts"] = [dataclasses.asdict(one) for one in figure.panel_contexts]
    return json.loads(json.dumps(record))


@pytest.mark.parametrize("path", ARTICLES, ids=lambda path: path.stem)
def test_a_whole_article_gives_the_expected_records(path: Path):
    assert records(path) == json.loads(path.with_suffix(".json").read_text())


@pytest.mark.parametrize("path", ARTICLES, ids=lambda path: path.stem)
def test_without_the_full_text_all_else_is_the_same(path: Path):
    article = read_article(path.read_bytes(), full_text=True)

    assert read_article(path.read_bytes()) == dataclasses.replace(
        article, text=None, references=None
    )


if __name__ == "__main__":
    for path in ARTICLES:
        text = json.dumps(records(path), ensure_ascii=False, indent=2)
        path.with_suffix(".json").write_text(f"{text}\n")
