"""`annotate look`: what is measured of images, and hashes that copies share."""

from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from biomedica_dataset import UsageError, embed, look, open_dataset, serialize
from biomedica_dataset.annotation.blocks import BlockRecord, write_block
from biomedica_dataset.annotation.look.measured import Look
from biomedica_dataset.annotation.panels.panels import SCHEMA, Panels, PanelsHeader
from biomedica_dataset.archive.ledger import Archive
from biomedica_dataset.images.measures import count_frames, measure
from biomedica_dataset.io.folders import Folder

from ..serialize.encoders import Quarters
from ..serialize.made_panels import make_panels
from ..trees import tree


def drawn(seed=0, size=(300, 200)):
    """An image of smooth blobs."""
    noise = np.random.default_rng(seed).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC)


def of(image):
    return measure(np.asarray(image.convert("RGB")))


def distance(first, second):
    return ((first ^ second) & (2**64 - 1)).bit_count()


def rows(folder):
    found = Look.open(folder)
    return [row for block in found.blocks() for row in found.read(block).to_pylist()]


@pytest.fixture(scope="module")
def measured(sample_archive, tmp_path_factory):
    folder = tmp_path_factory.mktemp("look") / "look"
    return folder, look(sample_archive, folder, workers=1)


def test_every_image_of_an_archive_is_measured_once(sample_archive, measured):
    folder, report = measured

    found = rows(folder)
    assert len(found) == report.images.seen == report.images.kept == 62
    assert all(row["is_decodable"] and row["hash"] is not None for row in found)
    again = look(sample_archive, folder, workers=1)
    assert again.written == 0
    assert str(again).endswith("nothing to do: the measures are up to date")


@pytest.mark.slow
def test_measures_are_an_attribute_that_conditions_name(sample_archive, measured, tmp_path):
    folder, _ = measured
    serialize(sample_archive, tmp_path / "d", attributes=[folder], workers=1)

    sizes = {row["key"]: row["width"] for row in rows(folder)}
    chosen = open_dataset(tmp_path / "d", filters="look.width >= 300", columns=["key"], split="all")
    assert {row["key"] for row in chosen} == {key for key, width in sizes.items() if width >= 300}


def test_a_panel_is_measured_by_itself_and_a_whole_figure_by_its_own_key(
    sample_archive, measured, tmp_path
):
    archive, whole = Archive.open(sample_archive), rows(measured[0])
    split = next(row for row in whole if row["width"] > 100 and row["height"] > 50)
    panels = Panels.begin(Folder(tmp_path / "panels"), PanelsHeader(archive.width, "none"))
    boxes = {"A": (0, 0, 50, split["height"]), "B": (50, 0, split["width"], split["height"])}
    made = [
        {"key": f"{split['key']}-{letter}", "figure": split["key"], "letter": letter, "score": 1.0,
         "image_hash": split["image_hash"], **dict(zip(("x0", "y0", "x1", "y1"), box, strict=True))}
        for letter, box in boxes.items()
    ]  # fmt: skip
    block = int(split["key"][3:].partition("_")[0]) // archive.width
    table = pa.Table.from_pylist(made, SCHEMA)
    write_block(panels.folder, block, table, BlockRecord(fingerprint="x"))

    report = look(sample_archive, tmp_path / "look", panels=tmp_path / "panels", workers=1)

    found = {row["key"]: row for row in rows(tmp_path / "look")}
    assert report.images.kept == len(whole) + 1
    assert split["key"] not in found
    assert (found[made[0]["key"]]["width"], found[made[0]["key"]]["height"]) == boxes["A"][2:]
    with pytest.raises(UsageError, match=r"has measures of panels .* would be of figures"):
        look(sample_archive, tmp_path / "look", workers=1)


def test_embed_writes_the_same_measures_on_its_way(sample_archive, tmp_path):
    made_panels = make_panels(sample_archive, tmp_path / "panels")
    encoder = Quarters()
    for panels in (None, made_panels):
        own, other, plain, vectors = (tmp_path / f"{name} {panels is None}" for name in "abcd")
        look(sample_archive, own, panels=panels, workers=1)
        embed(sample_archive, plain, panels=panels, encoder=encoder, workers=0)
        options = {"panels": panels, "encoder": encoder, "workers": 0, "look": other}

        report = embed(sample_archive, vectors, **options)

        assert tree(other) == tree(own)
        assert tree(vectors) == tree(plain)
        assert report.measured.images.kept == len(rows(own))
        assert f"measured images: {len(rows(own))} seen" in str(report)
        assert embed(sample_archive, vectors, **options).written == 0

    block = next((other / "blocks").iterdir())
    block.unlink()
    again = embed(sample_archive, vectors, **options)
    assert (again.written, again.encoded) == (1, 0)
    assert tree(other) == tree(own)
    with pytest.raises(UsageError, match="is the folder of the vectors too; name another"):
        embed(sample_archive, vectors, **options | {"look": vectors})


def test_grey_blank_and_blurred_images_are_told_apart():
    image, blank = drawn(), Image.new("RGB", (300, 200), "white")

    assert not of(image).is_grey
    assert of(image.convert("L")).is_grey
    assert (of(blank).white, of(blank).entropy, of(blank).sharpness) == (1, 0, 0)
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 256, (200, 200), dtype=np.uint8))
    assert of(noise).entropy > 7
    assert of(noise).sharpness > 10 * of(image).sharpness


@settings(deadline=None)
@given(st.integers(0, 10**6))
def test_the_hash_of_a_mirror_image_is_the_mirror_hash(seed):
    image = drawn(seed, (256, 192))

    assert distance(of(ImageOps.mirror(image)).hash, of(image).mirror_hash) <= 2


@settings(deadline=None)
@given(st.integers(0, 10**6))
def test_copies_share_their_hash_and_others_do_not(seed):
    image = drawn(seed)
    packed = io.BytesIO()
    image.save(packed, "JPEG", quality=40)

    assert distance(of(image).hash, of(Image.open(packed)).hash) <= 6
    assert distance(of(image).hash, of(image.resize((150, 100))).hash) <= 6
    assert distance(of(image).hash, of(drawn(seed + 1)).hash) > 8


@settings(deadline=None)
@given(st.integers(1, 600), st.integers(1, 600))
def test_an_image_of_any_size_is_measured(width, height):
    found = of(Image.new("RGB", (width, height), (9, 200, 90)))

    assert found.white == found.sharpness == found.entropy == 0
    assert not found.is_grey


def test_the_frames_of_an_animation_are_counted():
    data = io.BytesIO()
    drawn(1).save(data, "GIF", save_all=True, append_images=[drawn(2), drawn(3)])

    assert count_frames(data.getvalue()) == 3


def test_an_archive_that_is_none_is_refused(tmp_path):
    with pytest.raises(UsageError, match="is not an archive"):
        look(tmp_path / "none", tmp_path / "look")
