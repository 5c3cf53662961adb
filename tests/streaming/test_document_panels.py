"""Documents with panels in place of their figures: the same texts and rights, each image once."""

from __future__ import annotations

from itertools import pairwise

import pytest

from biomedica_dataset.errors import UsageError
from biomedica_dataset.extraction.extract import extract
from biomedica_dataset.images.decode import open_upright
from biomedica_dataset.serialization.serialize import serialize
from biomedica_dataset.streaming.dataset import open_dataset

from ..serialize.made_panels import make_panels
from ..servers import BucketServer

ARTICLES = ["PMC99000101", "PMC99000118", "PMC99001003", "PMC99001310", "PMC99002366"]
LEAST = 0.5  # of the scores that are made: 0.565 for A, 0.566 for B


@pytest.fixture(scope="module")
def dataset(sample_bucket, tmp_path_factory):
    """A dataset folder with documents and panels; not to be changed by a test."""
    folder = tmp_path_factory.mktemp("documents")
    extract(sample_bucket, folder / "archive", pmcids=ARTICLES, workers=1)
    panels = make_panels(folder / "archive", folder / "panels")
    output = folder / "biomedica"
    serialize(folder / "archive", output, documents=True, panels=panels, workers=1)
    return output


@pytest.fixture(scope="module")
def of_panels(dataset):
    """The rows of panels and of figures without one, by key."""
    return {row["key"]: row for row in open_dataset(dataset, unit="panel", min_score=LEAST)}


def documents(folder, **options):
    return open_dataset(folder, unit="document", **options)


def in_panels(folder, **options):
    return documents(folder, panels=True, **{"min_score": LEAST, **options})


def images(rows):
    """Return the key, kind, licence and image of each image of documents."""
    names = ("keys", "kinds", "licenses", "images")
    entries = (entry for row in rows for entry in zip(*(row[n] for n in names), strict=True))
    return [entry for entry in entries if entry[3] is not None]


def figures(keys, of_panels):
    """Return the figures of panels, each once, in their order."""
    return list(dict.fromkeys(of_panels[key]["figure_key"] for key in keys))


def test_a_figure_is_its_panels_in_letter_order_and_then_its_caption_once(dataset, of_panels):
    shown = images(in_panels(dataset))
    keys = [key for key, *_ in shown]

    assert len(set(keys)) == len(keys)
    assert set(keys) == of_panels.keys() & set(keys)
    assert figures(keys, of_panels) == [key for key, *_ in images(documents(dataset))]
    panels = [of_panels[key] for key, kind, *_ in shown if kind == "panel"]
    pairs = [(a, b) for a, b in pairwise(panels) if a["figure_key"] == b["figure_key"]]
    assert len(pairs) > 8
    assert all(a["letter"] < b["letter"] for a, b in pairs)
    for key, kind, license_, image in shown:
        row = of_panels[key]
        assert (kind == "panel") == (row["letter"] is not None)
        assert license_ == row["image_license"]
        assert image.tobytes() == row["image"].tobytes()


def test_texts_are_those_of_the_documents_without_panels(dataset):
    texts = [
        [[text for text in row["texts"] if text] for row in rows]
        for rows in (documents(dataset), in_panels(dataset))
    ]

    assert texts[0] == texts[1]


def test_panels_stand_next_to_each_other_before_the_caption_of_their_figure(dataset, of_panels):
    for row in in_panels(dataset):
        for place, kind in enumerate(row["kinds"]):
            if kind == "panel":
                rest = row["kinds"][place:]
                after = place + next(n for n, name in enumerate(rest) if name != "panel")
                assert row["texts"][after]
                assert row["keys"][after] == of_panels[row["keys"][place]]["figure_key"]


def test_a_figure_without_a_panel_of_the_score_stays_whole(dataset, of_panels):
    without_a = [key for key, *_ in images(in_panels(dataset, min_score=0.5655))]
    letters = {of_panels[key]["letter"] for key in without_a if key in of_panels}

    assert "A" not in letters
    assert "B" in letters
    assert images(in_panels(dataset, min_score=1.0)) == images(documents(dataset))


def test_the_most_images_are_panels_too(dataset):
    rows = list(in_panels(dataset, max_images=3))

    assert max(sum(image is not None for image in row["images"]) for row in rows) == 3
    assert "panel" in {kind for _, kind, *_ in images(rows)}


def test_licences_leave_out_the_same_figures(dataset, of_panels):
    chosen = {"licenses": "CC BY", "images": "cited"}
    keys = [key for key, *_ in images(in_panels(dataset, **chosen))]

    assert figures(keys, of_panels) == [key for key, *_ in images(documents(dataset, **chosen))]


def test_a_figure_is_fetched_and_decoded_once_for_its_panels(dataset, monkeypatch):
    decoded, sent = [], []
    monkeypatch.setattr(
        "biomedica_dataset.streaming.reading.decoding.open_upright",
        lambda data: decoded.append(data) or open_upright(data),
    )
    counts = []
    for opened in (documents, in_panels):
        with BucketServer(dataset) as server:
            count = len(images(opened(server.url)))
            sent.append(sum(one.sent for one in server.log if "/train/" in one.key))
        counts.append((count, len(decoded)))
        decoded.clear()

    assert counts[1][0] > counts[0][0] + 8
    assert counts[1][1] <= counts[0][1]
    assert sent[0] <= sent[1] < 1.1 * sent[0]


def test_a_margin_is_seen_around_each(dataset, of_panels):
    wide = {key: image.size for key, kind, _, image in images(in_panels(dataset, margin=0.5))}
    panels = {key for key in wide if of_panels[key]["letter"] == "A"}

    assert panels
    assert all(wide[key][0] > of_panels[key]["image"].width for key in panels)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        pytest.param({"panels": True}, "set unit to document", id="without documents"),
        pytest.param({"unit": "document", "margin": 0.1}, "set panels to True", id="margin"),
        pytest.param(
            {"unit": "document", "panels": True, "min_score": 2}, "from 0 to 1", id="score"
        ),
    ],
)
def test_options_of_panels_in_documents_are_refused_without_either(dataset, options, says):
    with pytest.raises(UsageError, match=says):
        open_dataset(dataset, **options)
