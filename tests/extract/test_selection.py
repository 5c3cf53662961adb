"""Ids, licences and images as a caller names them."""

from __future__ import annotations

import pytest

from biomedica_dataset.archive.selection import (
    Selection,
    StoredSelection,
    Wants,
    block_width,
    parse_images,
    wants_by_block,
)
from biomedica_dataset.errors import UsageError
from biomedica_dataset.licenses import parse_licenses


def test_ids_come_with_or_without_prefix_and_version():
    lines = ["\ufeffPMC13901.2\n", " 13900 \n", "", "# newer ones", "pmc13901"]

    assert Selection.of_ids(lines) == Selection((13900, 13901), versions=((13901, 2),))


@pytest.mark.parametrize("line", ["PMCX", "13900,13901", "0", "PMC", "-5", "1" * 30, "１３"])
def test_rubbish_among_ids_is_named_with_its_line(line, tmp_path):
    (tmp_path / "ids.txt").write_text(f"PMC1\n{line}\n")
    with pytest.raises(
        UsageError, match=r"line 2 of .*ids\.txt is .* not a PMCID such as PMC13900"
    ):
        Selection.of_ids(str(tmp_path / "ids.txt"))


def test_ids_are_given_as_text_or_in_a_file(tmp_path):
    (tmp_path / "ids").write_text("PMC5\n3\n")

    for ids in ("PMC5 3", "3,pmc5", str(tmp_path / "ids"), [5, "PMC3"]):
        assert Selection.of_ids(ids) == Selection((3, 5))
    with pytest.raises(UsageError, match=r"neither PMCIDs .* nor a readable file"):
        Selection.of_ids("PMC5,PMCX")


def test_a_list_without_ids_is_refused():
    with pytest.raises(UsageError, match="is empty"):
        Selection.of_ids(["", "# none"])


def test_two_versions_of_an_article_are_refused():
    with pytest.raises(UsageError, match=r"line 2 .* PMC5\.2 beside PMC5\.1"):
        Selection.of_ids(["PMC5.1", "5.2"])


def test_licences_are_groups_and_codes():
    assert parse_licenses([]) is None
    assert parse_licenses(["CC-BY", "cc by-nc-nd"]) == {"CC BY", "CC BY-NC-ND"}
    assert parse_licenses(["commercial"]) == {"CC0", "CC BY", "CC BY-SA", "CC BY-ND"}
    with pytest.raises(UsageError, match="unknown licence 'free'; choose from commercial, "):
        parse_licenses(["free"])


def test_other_stands_for_no_known_licence():
    wants = Wants(parse_licenses(["other"]))

    assert [wants.license(code) for code in (None, "CC BY", "TDM", "custom")] == [
        True, False, True, True,
    ]  # fmt: skip


def test_images_are_all_none_or_a_file_of_keys(tmp_path):
    (tmp_path / "keys").write_text("PMC1_a\n\nPMC2_b-0f0f0f0f\n")
    (tmp_path / "rubbish").write_text("PMC1_a\nfig 1\n")
    (tmp_path / "none").write_text("\n")

    assert parse_images("all") == "all"
    assert parse_images(str(tmp_path / "keys")) == {"PMC1_a", "PMC2_b-0f0f0f0f"}
    for name, what in (
        ("rubbish", "line 2 of .*rubbish is 'fig 1'"),
        ("none", "is empty"),
        ("absent", "is not 'all', 'none' or a readable file"),
    ):
        with pytest.raises(UsageError, match=what):
            parse_images(str(tmp_path / name))


def test_each_block_wants_its_own_keys():
    wants = wants_by_block(Wants(images=frozenset({"PMC5_a", "PMC1500_b", "PMC1999_c"})), 1000)

    assert [sorted(wants(block).images) for block in (0, 1, 2)] == [
        ["PMC5_a"], ["PMC1500_b", "PMC1999_c"], [],
    ]  # fmt: skip
    assert wants(2).digest != wants(1).digest


def test_digests_tell_wishes_apart_and_not_their_order():
    assert Wants(frozenset({"CC0", "CC BY"})).digest == Wants(frozenset({"CC BY", "CC0"})).digest
    digests = {Wants().digest, Wants(images="none").digest, Wants(frozenset({"CC0"})).digest}
    assert len(digests) == 3


def test_a_selection_comes_back_as_it_was_stored():
    for selection in (
        Selection(),
        Selection((3, 5)),
        Selection((7, 9), 2),
        Selection((3, 5), versions=((5, 2),)),
    ):
        assert Selection.of(StoredSelection(**selection.as_json())) == selection


@pytest.mark.parametrize(
    ("pmcids", "width"),
    [
        (None, 1000),
        ([1], 1000),
        (range(5_000_000, 5_003_000), 1000),
        (range(1, 12_000_000, 60_000), 10_000_000),
        ([10**17, 2 * 10**17], 10**9),
    ],
)
def test_blocks_are_wide_enough_to_hold_some_articles(pmcids, width):
    assert block_width(pmcids) == width
