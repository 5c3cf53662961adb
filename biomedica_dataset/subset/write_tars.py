"""Writes selected rows of a dataset folder as tars."""

from __future__ import annotations

from itertools import chain, groupby
from typing import TYPE_CHECKING, Any

from biomedica_dataset.folder.splits import Splits
from biomedica_dataset.schema import Pair, column_names, image_length
from biomedica_dataset.streaming.in_order import rows_in_order
from biomedica_dataset.webdataset.tars import SAMPLES, Sample, finish, write_tars

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from biomedica_dataset.engine.progress import Progress
    from biomedica_dataset.io.folders import Folder
    from biomedica_dataset.streaming.choice import Chosen
    from biomedica_dataset.webdataset.tars import Tar


def write_chosen_tars(folder: Folder, chosen: Chosen, progress: Progress) -> None:
    """Write selected rows as tars in the published layout.

    A tar shuffles up to 10,000 neighbouring rows. The text and the references of an article are not
    part of a row, so they are ``null`` here; its figures are the selected ones.
    """
    splits = Splits.parse(chosen.index.manifest["split"])
    rows = rows_in_order(chosen.index, chosen.table, [*column_names(Pair), "license_group"])
    tars: dict[str, Tar] = {}
    for number, articles in groupby(_numbered(rows, progress), key=lambda entry: entry[0]):
        samples = chain.from_iterable(samples for _number, samples in articles)
        tars |= write_tars(folder, number, samples, splits)
    finish(folder, tars, splits)


def _numbered(
    rows: Iterable[dict[str, Any]], progress: Progress
) -> Iterator[tuple[int, list[Sample]]]:
    """Yield the samples of each article with the number of the tars that they go to."""
    number = count = 0
    for _article, own in groupby(rows, key=lambda row: row["article_accession_id"]):
        pairs = [(row.pop("license_group"), Pair(**row)) for row in own]
        if count and count + len(pairs) > SAMPLES:
            number, count = number + 1, 0
        count += len(pairs)
        progress.tick(len(pairs), len(pairs), sum(image_length(pair.image) for _, pair in pairs))
        yield number, [Sample(group, pair, None, pairs) for group, pair in pairs]
