"""One image of each group of copies is chosen, whatever else is asked for."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from biomedica_dataset.cli import main
from biomedica_dataset.errors import UsageError
from biomedica_dataset.serialization.serialize import serialize
from biomedica_dataset.streaming.choice import Choice
from biomedica_dataset.streaming.dataset import choose_rows, open_dataset
from biomedica_dataset.subset.select import select

from ..serialize.test_split_by_duplicates import write_duplicates


@pytest.fixture(scope="module")
def rows(sample_dataset):
    columns = ["key", "image_width", "image_height", "license_group"]
    return list(open_dataset(sample_dataset, columns=columns))


@pytest.fixture(scope="module")
def group(rows):
    """Five keys of two licence groups, of which the first is the keeper."""
    chosen = [row for row in rows if row["license_group"] == "commercial"][:3]
    chosen += [row for row in rows if row["license_group"] == "noncommercial"][:2]
    return [row["key"] for row in chosen]


@pytest.fixture(scope="module")
def dataset(sample_archive, rows, group, tmp_path_factory):
    root = tmp_path_factory.mktemp("deduplicate")
    keys = [row["key"] for row in rows]
    made = write_duplicates(root / "duplicates", sample_archive, keys, group)
    serialize(sample_archive, root / "biomedica", attributes=[made], workers=1)
    return root / "biomedica"


def keys(dataset, **choice):
    chosen = choose_rows(dataset, Choice(**choice))
    return chosen.table["key"].to_pylist(), chosen


def test_the_keeper_of_each_group_is_kept_and_all_that_have_no_copy(dataset, rows, group):
    found, chosen = keys(dataset, deduplicate=True)

    assert set(found) == {row["key"] for row in rows} - set(group[1:])
    assert chosen.left_out == {"copies": 4}
    assert str(chosen).startswith("4 rows left out: copies\n58 of 62 rows")


def test_without_the_keeper_the_largest_of_the_chosen_rows_is_kept(dataset, rows, group):
    found, chosen = keys(dataset, deduplicate=True, licenses="noncommercial")

    area = {row["key"]: row["image_width"] * row["image_height"] for row in rows}
    kept = set(found) & set(group)
    assert len(kept) == chosen.left_out["copies"] == 1
    assert area[kept.pop()] == max(area[key] for key in group[3:])


@pytest.mark.slow
def test_a_limit_and_a_subset_see_no_copy(dataset, group, tmp_path):
    whole, _ = keys(dataset, deduplicate=True)
    found, _ = keys(dataset, deduplicate=True, limit=58, seed=0)
    assert found == whole
    streamed = open_dataset(dataset, deduplicate=True, columns=["key"])
    assert [row["key"] for row in streamed] == whole

    report = select(dataset, tmp_path / "s", deduplicate=True)
    assert "4 rows left out: copies" in str(report)
    assert len(list(open_dataset(tmp_path / "s", columns=["key"]))) == 58


def test_the_command_writes_the_keys_of_one_of_each_group(dataset, group, tmp_path):
    command = ["select", str(dataset), "--deduplicate", "--keys-only", "-o", str(tmp_path / "keys")]
    done = CliRunner().invoke(main, command)

    assert done.exit_code == 0
    assert "4 rows left out: copies" in done.output
    assert not set(group[1:]) & set((tmp_path / "keys").read_text().split())


def test_a_dataset_that_does_not_know_of_copies_is_refused_with_the_way(sample_dataset):
    with pytest.raises(UsageError, match="no attribute of copies; run `biomedica annotate look`"):
        open_dataset(sample_dataset, deduplicate=True)
