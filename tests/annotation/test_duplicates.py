"""`annotate duplicates`: which images are copies, and which one of each group is kept."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biomedica_dataset import UsageError, duplicates, look, serialize
from biomedica_dataset.annotation.blocks import BlockRecord, write_block
from biomedica_dataset.annotation.duplicates.copies import Duplicates
from biomedica_dataset.annotation.duplicates.pairs import groups_of, near_pairs
from biomedica_dataset.annotation.look.measured import SCHEMA, Look, LookHeader
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.streaming.choice import Choice
from biomedica_dataset.streaming.dataset import choose_rows

HASHES = st.integers(0, 2**64 - 1)
SURE = 5  # bits of difference up to which each pair is found


def image(key, number, *, side=100, entropy=5.0, **other):
    """A row of measures whose hash and mirror hash are far from those of other numbers."""
    drawn = np.random.default_rng(number).integers(-(2**63), 2**63, 2)
    return {
        "key": key, "image_hash": f"{number:016x}" * 4, "is_decodable": True, "width": side,
        "height": side, "entropy": entropy, "hash": int(drawn[0]), "mirror_hash": int(drawn[1]),
        **other,
    }  # fmt: skip


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
    first = image("PMC1_a", 1)
    report, keepers = found(
        tmp_path,
        first,
        image("PMC5_a", 2, image_hash=first["image_hash"], side=300),
        image("PMC9000_a", 3, hash=first["hash"] ^ 0b111),
        image("PMC9000_b", 4, hash=first["mirror_hash"]),
        image("PMC9001_a", 5),
    )

    assert keepers == dict.fromkeys(["PMC1_a", "PMC5_a", "PMC9000_a", "PMC9000_b"], "PMC5_a") | {
        "PMC9001_a": "PMC9001_a"
    }
    assert (report.images, report.groups, report.copies, report.largest) == (5, 1, 3, 4)
    assert "5 seen = 2 kept + 3 copies; 1 groups, 4 images in the largest" in str(report)
    pairs = pq.read_table(tmp_path / "duplicates" / "pairs.parquet").to_pylist()
    assert {(one["first"], one["second"]): one["distance"] for one in pairs}[
        "PMC1_a", "PMC9000_a"
    ] == 3


def test_of_images_of_one_size_that_of_the_least_pmcid_is_kept(tmp_path):
    _, keepers = found(tmp_path, image("PMC900_a", 1), image("PMC1000_a", 1))

    assert set(keepers.values()) == {"PMC900_a"}


def test_blank_images_are_copies_only_if_their_bytes_are_equal(tmp_path):
    blank = {"hash": -1, "mirror_hash": -1, "entropy": 0.1}
    one, two = image("PMC1_a", 1, **blank), image("PMC2_a", 2, **blank)
    broken = image("PMC3_a", 3, is_decodable=False, entropy=None, hash=None, mirror_hash=None)
    same = image("PMC4_a", 2, **blank)

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


def test_conditions_choose_one_of_each_group(sample_archive, tmp_path):
    look(sample_archive, tmp_path / "look", workers=1)
    report = duplicates(tmp_path / "look", tmp_path / "duplicates")
    serialize(sample_archive, tmp_path / "d", attributes=[tmp_path / "duplicates"], workers=1)

    chosen = choose_rows(
        tmp_path / "d", Choice(filters="duplicates.is_keeper = true", split="all")
    ).table

    assert len(chosen) == report.images - report.copies < report.images


@given(st.lists(HASHES, min_size=1, max_size=8), st.data())
def test_all_pairs_of_few_bits_are_found_and_none_of_many(hashes, data):
    flips = data.draw(
        st.lists(st.tuples(st.integers(0, 7), st.sets(st.integers(0, 63), max_size=9)))
    )
    for place, bits in flips:
        hashes.append(hashes[place % len(hashes)] ^ sum(1 << bit for bit in bits))
    values = np.array(hashes, np.uint64)
    mirrored = np.random.default_rng(0).integers(0, 2**64, len(values), dtype=np.uint64)

    first, second, distance = near_pairs(values, mirrored)

    pairs = dict(zip(zip(first.tolist(), second.tolist(), strict=True), distance, strict=True))
    groups = groups_of(len(values), first, second)
    for one, two in combinations(range(len(values)), 2):
        apart = (hashes[one] ^ hashes[two]).bit_count()
        if apart <= SURE:
            assert groups[one] == groups[two]
        if (one, two) in pairs:
            assert pairs[one, two] == apart <= 8


def test_other_folders_than_measures_are_refused(tmp_path):
    with pytest.raises(UsageError, match=r"is not a folder of measures: it has no look\.json"):
        duplicates(tmp_path, tmp_path / "duplicates")
