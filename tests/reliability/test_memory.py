"""Workers at every limit, with fewer figures than `memory` has; images that are read late."""

from __future__ import annotations

import pickle

import pytest

from biomedica_dataset.archive import ledger
from biomedica_dataset.archive.ledger import Archive
from biomedica_dataset.archive.stored_images import ArticleImages, images_size
from biomedica_dataset.serialization.serialize import serialize

from ..extract.helpers import rows
from ..trees import tree
from .memory import MEGABYTES, measure, write_block


@pytest.mark.slow
def test_workers_stay_under_their_memory_at_every_limit(tmp_path):
    write_block(tmp_path / "bucket", figures=200, large=2)
    stages = measure(tmp_path)

    assert {stage.name: stage.megabytes for stage in stages if stage.megabytes > MEGABYTES} == {}
    found = rows(tmp_path / "archive").values()
    assert [row.status for row in found if row.status != "kept"] == ["too_large"]
    lost = [entry for row in found for entry in row.images if entry.status != "kept"]
    assert [entry.status for entry in lost] == ["too_large"]


@pytest.mark.slow
def test_images_that_are_read_late_are_the_same(
    sample_archive, sample_dataset, tmp_path, monkeypatch
):
    opened = Archive.open(sample_archive)
    early = [dict(images) for block in opened.blocks() for _row, images in opened.articles(block)]
    monkeypatch.setattr(ledger, "_AT_ONCE", 0)
    late = [images for block in opened.blocks() for _row, images in opened.articles(block)]
    elsewhere = [pickle.loads(pickle.dumps(images)) for images in late]
    serialize(sample_archive, tmp_path / "biomedica", workers=1)

    assert {type(images) for images in late} == {ArticleImages}
    assert [dict(images) for images in late] == early
    assert [dict(images) for images in elsewhere] == early
    assert [images_size(images) for images in late] == [images_size(images) for images in early]
    assert tree(tmp_path / "biomedica") == tree(sample_dataset)
