"""Documents as a `datasets.IterableDataset`: texts and images of an article in reading order."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from datasets import DatasetInfo, Features, IterableDataset, List, NamedSplit, Value

from biomedica_dataset.errors import UsageError
from biomedica_dataset.folder.document_rows import CONFIG, DOCUMENT_RULES
from biomedica_dataset.io.tables import columns_of
from biomedica_dataset.licenses import LICENSE_GROUPS, license_group, parse_licenses
from biomedica_dataset.schema import DocumentRow, column_names, features
from biomedica_dataset.suggest import nearest, one_of

from .choice import Choice, choose, limited
from .conditions.named import ALL, licenses_of
from .order import make_plan
from .reading.decoding import DecodedImage, DecodedImageOrNone
from .reading.document_reader import ENTRIES, DocumentReader, ShownImages
from .reading.index import Index, read_index
from .reading.places import find
from .reading.texts import Texts
from .runs import Runs

if TYPE_CHECKING:
    from biomedica_dataset.engine.timings import Timings
    from biomedica_dataset.images.lost import OnError


logger = logging.getLogger(__name__)

IMAGES = ("all", "cited", "none")
_THREADS = 24
_COLUMNS = ["article_accession_id", *ENTRIES, *column_names(DocumentRow)[1:-1]]
_ADD = "add them with `biomedica serialize ARCHIVE -o DATASET --documents`"


def shown_images(
    unit: str, images: str, max_images: int | None, panels: tuple[float, float] | None
) -> ShownImages:
    """Return which images are read; refuse others than `IMAGES`, and any without documents.

    Parameters
    ----------
    panels
        Least score and margin of the panels that are read in place of figures.

    Raises
    ------
    UsageError
        See above.
    """
    one_of("images", images, IMAGES)
    if max_images is not None and max_images < 1:
        msg = f"max_images is {max_images}; it must be 1 or more"
        raise UsageError(msg)
    if unit != "document" and (images, max_images, panels) != (IMAGES[0], None, None):
        msg = "images, max_images and panels are of documents; set unit to document, or omit them"
        raise UsageError(msg)
    return ShownImages(images, max_images, *(panels or ()))


@dataclass(frozen=True, slots=True)
class Allowed:
    """The licences that were asked for, as groups and codes; ``None`` for any."""

    groups: frozenset[str] | None
    codes: frozenset[str] = frozenset()

    @classmethod
    def of(cls, names: Sequence[str] | str | None) -> Allowed:
        """Return what names mean, as `open_dataset` takes them."""
        asked = licenses_of(names)
        if asked is None:
            return cls(None)
        groups = frozenset(name for name in asked if name in LICENSE_GROUPS)
        return cls(groups, parse_licenses([n for n in asked if n not in groups]) or frozenset())

    def has_file(self, group: str) -> bool:
        """Whether some documents of a licence group are allowed."""
        either = self.groups is None or group in self.groups
        return either or group in map(license_group, self.codes)

    def __call__(self, group: str, name: str | None) -> bool:
        """Whether what is licensed as ``CC BY 4.0``, say, in a document of a group is allowed."""
        if self.groups is None or group in self.groups:
            return True
        return re.sub(r" [0-9.]+$", "", name or "") in self.codes


def stream_documents(
    path_or_repo: str | os.PathLike[str],
    choice: Choice,
    columns: Sequence[str] | None,
    images: ShownImages,
    *,
    verify: bool,
    on_error: OnError,
    timings: Timings | None,
) -> IterableDataset:
    """Stream chosen documents; see `open_dataset`."""
    wanted = _check_columns(columns)
    if choice.recipe is not None:
        msg = "recipe is of figures; omit it, or the unit document"
        raise UsageError(msg)
    index, allowed = read_index(find(path_or_repo)), Allowed.of(choice.licenses)
    table = _choose(index, choice, allowed)
    logger.info("%s documents", f"{len(table):,}")
    weight = pc.sum(index.table["image_length"]).as_py() if images.which != "none" else 0
    weight += sum(file.memory for file in index.manifest.config_files(CONFIG))
    plan = make_plan(len(table), weight / index.manifest.rows(CONFIG), choice.seed)
    reader = DocumentReader(index, table, wanted, images, allowed, verify=verify, timings=timings)
    image = DecodedImageOrNone() if on_error == "none" else DecodedImage()
    known = {**features(DocumentRow), **dict.fromkeys(ENTRIES, List(Value("string")))}
    known["images"] = List(image)
    info = DatasetInfo(features=Features({name: known[name] for name in wanted}))
    runs = Runs(reader, plan, skips=on_error == "skip")
    return IterableDataset(runs, info=info, split=NamedSplit(choice.split or "train"))


def _check_columns(columns: Sequence[str] | None) -> list[str]:
    if columns is None:
        return _COLUMNS
    if isinstance(columns, str) or not columns or len(set(columns)) < len(columns):
        msg = f"columns is {columns!r}; expected a list of distinct names"
        raise UsageError(msg)
    for name in columns:
        if name not in [*_COLUMNS, "blocks"]:
            msg = f"unknown column {name!r} of documents; {nearest(name, [*_COLUMNS, 'blocks'])}"
            raise UsageError(msg)
    return list(columns)


def _choose(index: Index, choice: Choice, allowed: Allowed) -> pa.Table:
    """Return the file and row of each chosen document."""
    files = index.manifest.config_files(CONFIG)
    if not files:
        msg = f"{index.place.url} has no documents; {_ADD}"
        raise UsageError(msg)
    splits = {file.split for file in files}
    split = choice.split or ("train" if "train" in splits else ALL)
    if split not in (*splits, ALL):
        msg = f"unknown split {split!r}; choose from {', '.join([*sorted(splits), ALL])}"
        raise UsageError(msg)
    files = [
        file for file in files
        if split in (file.split, ALL) and allowed.has_file(file.path.split("/")[1])
    ]  # fmt: skip
    parts = [pa.table({"file": [f.path] * f.rows, "row": np.arange(f.rows)}) for f in files]
    table = pa.concat_tables(parts) if parts else None
    if table is not None and (allowed.codes or choice.filters is not None or choice.concepts):
        table = table.filter(pa.array(_matching(index, [f.path for f in files], choice, allowed)))
    if table is None or not len(table):
        msg = f"no document of {index.place.url} matches {choice}; relax the conditions"
        raise UsageError(msg)
    return limited(table, choice)


def _matching(index: Index, files: list[str], choice: Choice, allowed: Allowed) -> np.ndarray:
    """Return which documents are under the licences and show a figure that meets the conditions."""
    articles = None
    if choice.filters is not None or choice.concepts:
        figures = choose(index, replace(choice, limit=None, seed=None), logger.info).table
        articles = pc.unique(figures["article_accession_id"])
    known = columns_of(DocumentRow, DOCUMENT_RULES)
    names = ["article_accession_id", "text_license_group", "article_license"]
    with closing(index.place.open()) as opened, ThreadPoolExecutor(_THREADS) as pool:
        texts = Texts(opened, index.files, names, known)
        read = partial(_whole, texts, index)
        table = pa.concat_tables(pool.map(read, files))
    licenses = (table[name].to_pylist() for name in names[1:])
    kept = pa.array(list(map(allowed, *licenses)))
    if articles is not None:
        kept = pc.and_(kept, pc.is_in(table["article_accession_id"], value_set=articles))
    matching: np.ndarray = np.asarray(kept)
    return matching


def _whole(texts: Texts, index: Index, file: str) -> Any:
    return texts.groups(file, np.arange(index.files[file].rows))[1]
