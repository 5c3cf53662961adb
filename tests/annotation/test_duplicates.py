"""`annotate duplicates`: which images are copies, and which one of each group is kept."""

from __future__ import annotations

import hashlib
import io
from dataclasses import asdict
from itertools import combinations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageOps

from biomedica_dataset import UsageError, duplicates, look, serialize
from biomedica_dataset.annotation.blocks import BlockRecord, write_block
from biomedica_dataset.annotation.clusters.assignments import (
    Assignments,
    AssignmentsHeader,
    as_table,
)
from biomedica_dataset.annotation.duplicates.compared import Pairs
from biomedica_dataset.annotation.duplicates.copies import Duplicates
from biomedica_dataset.annotation.duplicates.neighbours import nearest
from biomedica_dataset.annotation.duplicates.pairs import near_pairs
from biomedica_dataset.annotation.embeddings.classical import Classical
from biomedica_dataset.annotation.embeddings.vectors import (
    Embeddings,
    EmbeddingsHeader,
    vector_table,
)
from biomedica_dataset.annotation.look.measured import SCHEMA, Look, LookHeader
from biomedica_dataset.images.measures import measure
from biomedica_dataset.images.windows import NONE, WINDOWS
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.streaming.choice import Choice
from biomedica_dataset.streaming.dataset import choose_rows

HASHES = st.integers(2**63, 2**64 - 1)  # of no mirror image
SURE = 3  # bits of difference up to which each pair is found


def drawn(number, size=(240, 180)):
    """A picture of blobs with some detail."""
    noise = np.random.default_rng(number).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC)


def lettered(picture):
    picture = picture.copy()
    draw = ImageDraw.Draw(picture)
    draw.rectangle((4, 4, 24, 24), fill="white")
    draw.text((8, 4), "A", fill="black", font_size=18)
    return picture


def row(key, picture, *, digest=None, side=100, **other):
    """The measures of a picture, of other bytes than that of another key."""
    measured = asdict(measure(np.asarray(picture)))
    digest = hashlib.sha256((digest or key).encode()).hexdigest()
    return {"key": key, "image_hash": digest, "is_decodable": True, "width": side, "height": side,
            **measured, **other}  # fmt: skip


def image(key, number, **other):
    return row(key, drawn(number), **other)


def found(tmp_path, *images):
    measured = Look.begin(Folder(tmp_path / "look"), LookHeader(1000, "figure"))
    blocks: dict[int, list] = {}
    for one in images:
        blocks.setdefault(int(one["key"][3:].partition("_")[0]) // 1000, []).append(one)
    for block, rows in blocks.items():
        table = pa.Table.from_pylist(rows, SCHEMA)
        record = BlockRecord(fingerprint=repr(rows))
        write_block(measured.folder, block, table, record)
    report = duplicates(tmp_path / "look", tmp_path / "duplicates")
    there = Duplicates.open(tmp_path / "duplicates")
    rows = [row for block in there.blocks() for row in there.read(block).to_pylist()]
    return report, {row["key"]: row["keeper"] for row in rows}


def test_copies_connect_across_blocks_and_the_largest_is_kept(tmp_path):
    report, keepers = found(
        tmp_path,
        image("PMC1_a", 1, digest="same"),
        image("PMC5_a", 1, digest="same", side=300),
        row("PMC9000_a", drawn(1).reduce(2)),
        row("PMC9000_b", ImageOps.mirror(drawn(1))),
        image("PMC9001_a", 5),
    )

    assert keepers == dict.fromkeys(["PMC1_a", "PMC5_a", "PMC9000_a", "PMC9000_b"], "PMC5_a") | {
        "PMC9001_a": "PMC9001_a"
    }
    assert (report.images, report.groups, report.copies, report.largest) == (5, 1, 3, 4)
    assert "5 seen = 2 kept + 3 copies; 1 groups, 4 images in the largest" in str(report)
    assert report.pairs.kept == report.pairs.seen == 4
    pairs = Duplicates.open(tmp_path / "duplicates").pairs().to_pylist()
    near = {(one["first"], one["second"]): one for one in pairs}
    assert near["PMC1_a", "PMC5_a"]["distance"] is None
    assert near["PMC1_a", "PMC9000_b"]["similarity"] >= 0.9


@pytest.mark.parametrize(
    "change",
    [
        lettered,
        lambda picture: lettered(ImageOps.mirror(picture)),
        lambda picture: picture.crop((6, 5, 234, 176)),
        lambda picture: picture.crop((18, 14, 222, 167)),
        lambda picture: picture.crop((0, 0, 196, 147)),
    ],
    ids=["letter", "mirrored, then a letter", "crop of 5 %", "crop of 15 %", "a corner"],
)
def test_lettered_and_cropped_copies_are_found(change, tmp_path):
    others = [image(f"PMC{number}_a", number) for number in range(2, 6)]
    _, keepers = found(tmp_path, image("PMC1_a", 1), *others, row("PMC7_a", change(drawn(1))))

    assert keepers["PMC7_a"] == keepers["PMC1_a"] == "PMC1_a"
    assert sum(key == keeper for key, keeper in keepers.items()) == 5


def plot(number):
    """A plot of thin curves in a frame."""
    picture = Image.new("RGB", (240, 180), "white")
    draw = ImageDraw.Draw(picture)
    draw.rectangle((30, 10, 230, 150), outline="black", width=3)
    rng = np.random.default_rng(number)
    for x in range(40, 220, 12):
        y = int(rng.integers(20, 140))
        draw.line((x, y, x + 12, int(rng.integers(20, 140))), fill="black", width=2)
    return picture


def test_plots_in_the_same_frame_are_compared_and_are_no_copies(tmp_path):
    one = row("PMC1_a", plot(1))
    two = row("PMC2_a", plot(2), windows=one["windows"])  # as near as hashes can be

    report, keepers = found(tmp_path, one, two)

    assert (report.pairs.seen, report.pairs.kept, report.copies) == (1, 0, 0)
    assert report.pairs.dropped == {"different": 1}
    assert keepers == {"PMC1_a": "PMC1_a", "PMC2_a": "PMC2_a"}


def test_of_images_of_one_size_that_of_the_least_pmcid_is_kept(tmp_path):
    _, keepers = found(tmp_path, image("PMC900_a", 1), image("PMC1000_a", 1))

    assert set(keepers.values()) == {"PMC900_a"}


def test_blank_images_are_copies_only_if_their_bytes_are_equal(tmp_path):
    blank = Image.new("RGB", (200, 100), "white")
    one, two = row("PMC1_a", blank), row("PMC2_a", blank, digest="two")
    missing = dict.fromkeys(asdict(measure(np.asarray(blank))))
    broken = row("PMC3_a", blank, is_decodable=False) | missing
    same = row("PMC4_a", blank, digest="two")

    report, keepers = found(tmp_path, one, two, broken, same)

    assert keepers == {"PMC1_a": "PMC1_a", "PMC2_a": "PMC2_a", "PMC3_a": "PMC3_a",
                       "PMC4_a": "PMC2_a"}  # fmt: skip
    assert report.copies == 1


def test_what_is_up_to_date_is_left_and_a_new_image_changes_all_groups(tmp_path):
    found(tmp_path, image("PMC1_a", 1))

    again = duplicates(tmp_path / "look", tmp_path / "duplicates")
    report, _ = found(tmp_path, image("PMC1_a", 1), image("PMC2000_a", 1))

    assert again.written == 0
    assert (report.written, report.copies) == (2, 1)


def test_sheets_show_copies_and_are_written_again(tmp_path):
    rows = [image("PMC1_a", 1, digest="same"), image("PMC2_a", 1, digest="same")]
    found(tmp_path, *rows, *(row(f"PMC{n}_a", lettered(drawn(1))) for n in range(3, 13)))
    measures, output = tmp_path / "look", tmp_path / "duplicates"

    duplicates(measures, output, sheets=True)
    first = {path.name: path.read_bytes() for path in (output / "sheets").iterdir()}
    (output / "sheets" / "0009.png").write_bytes(b"of before")
    again = duplicates(measures, output, sheets=True)

    assert again.written == 0
    assert {path.name: path.read_bytes() for path in (output / "sheets").iterdir()} == first
    assert sorted(first)[0] == "0000.png"
    with Image.open(io.BytesIO(first["0000.png"])) as sheet:
        assert np.asarray(sheet.convert("L")).std() > 10


@pytest.mark.slow
def test_conditions_choose_one_of_each_group(sample_archive, tmp_path):
    look(sample_archive, tmp_path / "look", workers=1)
    report = duplicates(tmp_path / "look", tmp_path / "duplicates")
    serialize(sample_archive, tmp_path / "d", attributes=[tmp_path / "duplicates"], workers=1)

    chosen = choose_rows(
        tmp_path / "d", Choice(filters="duplicates.is_keeper = true", split="all")
    ).table

    assert len(chosen) == report.images - report.copies < report.images


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(HASHES, min_size=1, max_size=8), st.data())
def test_all_pairs_of_few_bits_are_found_and_none_of_many(hashes, data):
    flips = data.draw(
        st.lists(st.tuples(st.integers(0, 7), st.sets(st.integers(0, 62), max_size=9)), max_size=9)
    )
    for place, bits in flips:
        hashes.append(hashes[place % len(hashes)] ^ sum(1 << bit for bit in bits))
    windows = np.full((len(hashes), len(WINDOWS)), NONE)
    windows[:, 0] = np.array(hashes, np.uint64)

    near = near_pairs(windows)

    ends = zip(near.first.tolist(), near.second.tolist(), strict=True)
    pairs = dict(zip(ends, near.distance, strict=True))
    for one, two in combinations(range(len(hashes)), 2):
        apart = (hashes[one] ^ hashes[two]).bit_count()
        assert ((one, two) in pairs) >= (apart <= SURE)
        if (one, two) in pairs:
            assert pairs[one, two] == apart <= 8


def test_other_folders_than_measures_are_refused(tmp_path):
    with pytest.raises(UsageError, match=r"is not a folder of measures: it has no look\.json"):
        duplicates(tmp_path, tmp_path / "duplicates")


def with_vectors(tmp_path, images, clusters):
    """Vectors of the classical model and clusters of some images, beside their measures."""
    encoder = Classical()
    vectors = Embeddings.begin(Folder(tmp_path / "vectors"), EmbeddingsHeader(1000, encoder.id))
    assigned = Assignments.begin(
        Folder(tmp_path / "assigned"), AssignmentsHeader(1000, max(clusters) + 1, "x")
    )
    rows = []
    blocks: dict[int, list] = {}
    for number, (key, picture) in enumerate(images.items()):
        rows.append(row(key, picture))
        pixels = np.asarray(picture.resize((encoder.id.size, encoder.id.size)))
        vector = encoder.encode(pixels[None]).astype(np.float16)[0]
        own = blocks.setdefault(int(key[3:].partition("_")[0]) // 1000, [])
        own.append((key, rows[-1]["image_hash"], vector, clusters[number]))
    for block, own in blocks.items():
        keys, hashes, held, of = zip(*own, strict=True)
        table, record = (list(keys), list(hashes), np.stack(held)), BlockRecord(fingerprint="x")
        write_block(vectors.folder, block, vector_table(*table), record)
        write_block(assigned.folder, block, as_table(list(keys), of, [0.0] * len(of)), record)
    found(tmp_path, *rows)
    return {"embeddings": vectors.folder.url, "assignments": assigned.folder.url}


def test_vectors_find_crops_off_the_centre_within_clusters_and_thumbnails_decide(tmp_path):
    images = {f"PMC{1000 * n + 1}_a": drawn(n) for n in range(1, 7)}
    images["PMC9000_a"] = drawn(1).crop((36, 13, 240, 166))  # 15 %, all at the left
    images["PMC9001_a"] = ImageOps.mirror(drawn(2).crop((36, 13, 240, 166)))
    images["PMC9002_a"] = drawn(3).crop((36, 13, 240, 166))
    folders = with_vectors(tmp_path, images, [0] * 8 + [1])
    measures, output = tmp_path / "look", tmp_path / "duplicates"
    assert duplicates(measures, output).copies == 0

    report = duplicates(measures, output, **folders)

    there = Duplicates.open(output)
    keepers = there.read_all(["key", "keeper"]).to_pylist()
    found_copies = {one["key"]: one["keeper"] for one in keepers if one["key"] != one["keeper"]}
    assert found_copies == {"PMC9000_a": "PMC1001_a", "PMC9001_a": "PMC2001_a"}
    assert report.found_by == {"bytes": 0, "hash": 0, "vector": 2}
    assert "found by bytes: 0, hash: 0, vector: 2" in str(report)
    pairs = [one for one in there.pairs().to_pylist() if one["measure"] == "vector"]
    assert len(pairs) > 2  # neighbours that are no copies were compared too
    assert all(one["cosine"] >= 0.95 and one["distance"] is None for one in pairs)
    assert all("PMC9002_a" not in (one["first"], one["second"]) for one in pairs)
    assert duplicates(measures, output, **folders).written == 0
    assert duplicates(measures, output, **folders, cosine=1.0).copies == 0


def test_an_image_meets_its_nearest_neighbours_alone_and_each_pair_counts_once(tmp_path):
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(60, 8)).astype(np.float16)
    first, second, cosine = nearest(vectors, -1)
    unit = vectors.astype(float) / np.linalg.norm(vectors.astype(float), axis=1, keepdims=True)
    exact = unit @ unit.T

    np.testing.assert_allclose(cosine, exact[first, second], atol=1e-3)
    assert (np.bincount(first) == 16).all()
    assert all(one != two for one, two in zip(first, second, strict=True))
    for number in range(60):
        others = np.sort(np.delete(exact[number], number))[::-1]
        assert cosine[first == number].min() >= others[16] - 1e-3

    both = Pairs.of("hash", *np.array([[1, 1], [2, 3]]), np.array([0.2, 0.9]))
    more = Pairs.of("vector", *np.array([[1, 1], [2, 3]]), np.array([0.95, 0.9]))
    best = Pairs.best([both, more])
    assert (best.measure.tolist(), best.similarity.tolist()) == ([2, 1], [0.95, 0.9])


def test_vectors_without_clusters_and_those_of_other_images_are_refused(tmp_path):
    folders = with_vectors(tmp_path, {"PMC1_a": drawn(1), "PMC2_a": drawn(2)}, [0, 0])
    measures, output = tmp_path / "look", tmp_path / "duplicates"
    with pytest.raises(UsageError, match="name both embeddings and assignments"):
        duplicates(measures, output, embeddings=folders["embeddings"])
    with pytest.raises(UsageError, match=r"must be from 0 to 1, and is 1\.5"):
        duplicates(measures, output, **folders, cosine=1.5)
    found(tmp_path / "other", image("PMC5_a", 5))
    with pytest.raises(UsageError, match=r"have no image of .* in common"):
        duplicates(tmp_path / "other" / "look", tmp_path / "other" / "new", **folders)
