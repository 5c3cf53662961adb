"""Articles that share an image stay in one split."""

from __future__ import annotations

import html
import random
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biomedica_dataset.engine.launch import Launch, Part
from biomedica_dataset.errors import UsageError
from biomedica_dataset.extraction.extract import extract
from biomedica_dataset.serialization.image_groups import group
from biomedica_dataset.serialization.serialize import serialize
from biomedica_dataset.streaming.dataset import open_dataset
from biomedica_dataset.verification.verify import verify
from biomedica_dataset.webdataset.export import serialize_webdataset

from ..images.test_lost import jpeg
from ..reliability.buckets import article, figure, put
from ..trees import tree

SHARES = "0.5,0.25,0.25"
FIRST = 8_200_000


def test_groups_are_connected_articles_whatever_the_order():
    @settings(deadline=None)
    @given(st.lists(st.tuples(st.integers(1, 12), st.integers(0, 9))), st.randoms())
    def check(images, rng):
        found = group(*np.array(images, np.int64).reshape(-1, 2).T)
        rng.shuffle(images)
        again = group(*np.array(images, np.int64).reshape(-1, 2).T)
        joined = {pmcid: {pmcid} for pmcid, _digest in images}
        for pmcid, digest in images:
            for other, same in images:
                if digest == same:
                    both = joined[pmcid] | joined[other]
                    for member in both:
                        joined[member] = both
        expected = {pmcid: min(members) for pmcid, members in joined.items()}

        assert {pmcid: found.leader(pmcid) for pmcid in joined} == expected
        assert {pmcid: again.leader(pmcid) for pmcid in joined} == expected
        assert found.digest(0, 99) == again.digest(0, 99)
        largest = max((len(m) for m in joined.values() if len(m) > 1), default=0)
        assert found.sizes()["largest"] == largest

    check()


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """40 articles in blocks of their own: a chain through shared images, a pair, the rest alone."""
    root = tmp_path_factory.mktemp("shared")
    shared, pair = [jpeg((20 + n, 20)) for n in range(12)], jpeg((77, 7))
    for number in range(40):
        media = {"own.jpg": jpeg((30, 30 + number))}
        if number < 12:
            media |= {"x.jpg": shared[number], "y.jpg": shared[(number + 1) % 12]}
        if number in (20, 30):
            media["z.jpg"] = pair
        figures = "".join(figure(name, number=n) for n, name in enumerate(media))
        put(root / "bucket", FIRST + 997 * number, article(figures), media)
    extract(str(root / "bucket"), root / "archive", limit=100, workers=1)
    return root / "archive"


def splits(folder):
    """Return the splits of each image, and of each article."""
    images, articles = defaultdict(set), defaultdict(set)
    for row in open_dataset(
        folder, split="all", columns=["article_accession_id", "image_hash", "split"]
    ):
        images[row["image_hash"]].add(row["split"])
        articles[row["article_accession_id"]].add(row["split"])
    return images, articles


def test_no_image_is_in_two_splits(archive, tmp_path):
    report = serialize(archive, tmp_path / "b", splits=SHARES, split_by="image", workers=1)
    images, articles = splits(tmp_path / "b")

    assert {len(found) for found in [*images.values(), *articles.values()]} == {1}
    assert len({split for found in articles.values() for split in found}) == 3
    assert report.manifest.image_groups == {"groups": 2, "articles": 14, "largest": 12}
    assert "14 articles share images, in 2 groups, each in one split; the largest has 12" in str(
        report
    )
    assert "the largest has 12 articles" in (tmp_path / "b/README.md").read_text()
    checked = verify(tmp_path / "b")
    assert (checked.problems, checked.notes) == ([], [])


def test_by_article_they_are_counted(archive, tmp_path):
    serialize(archive, tmp_path / "b", splits=SHARES, workers=1)
    images, _articles = splits(tmp_path / "b")
    several = sum(len(found) > 1 for found in images.values())
    checked = verify(tmp_path / "b")

    assert several > 3
    assert checked.problems == []
    assert f"Images in more than one split: {several} ({2 * several} rows)" in str(checked)
    card = html.unescape((tmp_path / "b/README.md").read_text())
    assert f"Images in more than one split: {several} (" in card


def test_articles_without_shared_images_are_where_they_would_be(archive, tmp_path):
    serialize(archive, tmp_path / "image", splits=SHARES, split_by="image", workers=1)
    serialize(archive, tmp_path / "article", splits=SHARES, workers=1)
    alone = [f"PMC{FIRST + 997 * n}" for n in range(12, 40) if n not in (20, 30)]

    by_image, by_article = splits(tmp_path / "image")[1], splits(tmp_path / "article")[1]
    assert [by_image[pmcid] for pmcid in alone] == [by_article[pmcid] for pmcid in alone]


def test_parts_and_processes_give_the_same_bytes(archive, tmp_path):

    serialize(archive, tmp_path / "one", splits=SHARES, split_by="image", workers=1)
    for number in (2, 1, 3):
        launch = Launch(part=Part(number, 3), run_id="grouped")
        options = {"splits": SHARES, "split_by": "image", "launch": launch}
        serialize(archive, tmp_path / "parts", **options, workers=2)
    serialize(archive, tmp_path / "parts", workers=1)  # the folder knows how it is split

    assert tree(tmp_path / "one") == tree(tmp_path / "parts")


@pytest.mark.slow
def test_an_update_moves_whole_groups(archive, tmp_path):
    """A shard is written again if the group of its articles changes elsewhere."""
    import shutil

    bucket = shutil.copytree(archive.parent / "bucket", tmp_path / "bucket")
    extract(str(bucket), tmp_path / "archive", workers=1)
    serialize(tmp_path / "archive", tmp_path / "b", splits=SHARES, split_by="image", workers=1)
    bridge = {
        n: (bucket / f"PMC{FIRST + 997 * i}.1/{n}").read_bytes()
        for n, i in (("x.jpg", 5), ("z.jpg", 20))
    }
    figures = "".join(figure(name, number=n) for n, name in enumerate(bridge))
    put(bucket, FIRST - 500_000, article(figures), bridge)
    extract(str(bucket), tmp_path / "archive", workers=1)
    report = serialize(tmp_path / "archive", tmp_path / "b", workers=1)

    assert report.manifest.image_groups == {"groups": 1, "articles": 15, "largest": 15}
    assert {len(found) for found in splits(tmp_path / "b")[0].values()} == {1}
    assert verify(tmp_path / "b").problems == []


def test_tars_are_split_alike(archive, tmp_path):
    made = serialize_webdataset(archive, tmp_path / "t", splits=SHARES, split_by="image", workers=1)
    serialize(archive, tmp_path / "b", splits=SHARES, split_by="image", workers=1)
    counts = defaultdict(int)
    for path, tar in made.tars.items():
        counts[path.split("/")[1]] += tar.samples
    rows = list(open_dataset(tmp_path / "b", split="all", columns=["split"]))

    assert counts == {s: sum(row["split"] == s for row in rows) for s in counts}


def test_what_does_not_fit_is_refused(archive, tmp_path):
    with pytest.raises(UsageError, match="nothing is split; give splits"):
        serialize(archive, tmp_path / "b", split_by="image")
    with pytest.raises(UsageError, match="split_by must be one of article, image, duplicates"):
        serialize(archive, tmp_path / "b", splits=SHARES, split_by="figure")
    serialize(archive, tmp_path / "b", splits=SHARES, workers=1)
    with pytest.raises(
        UsageError, match=r"by article; splitting 0.5,0.25,0.25 by image would move"
    ):
        serialize(archive, tmp_path / "b", split_by="image")


def test_millions_of_images_are_grouped_in_seconds():
    rng = np.random.default_rng(0)
    pmcids = rng.integers(1, 300_000, 1_000_000)
    found = group(pmcids, rng.integers(0, 30_000_000, 1_000_000))

    assert 0 < found.sizes()["largest"] < 1000
    assert random.Random(0).choice(found.leaders) <= pmcids.max()
