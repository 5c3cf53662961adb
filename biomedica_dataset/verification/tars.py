"""Checks a folder of tars: digests, ``sizes.json``, the card."""

from __future__ import annotations

import json
import tarfile
from typing import TYPE_CHECKING

from biomedica_dataset.card.write import CARD
from biomedica_dataset.folder.record import AGAIN
from biomedica_dataset.images.decode import decoding_problem
from biomedica_dataset.io.failures import reading
from biomedica_dataset.webdataset.chunks import STARTED, read_records
from biomedica_dataset.webdataset.tars import SIZES, sizes_of

from .report import VerifyReport

if TYPE_CHECKING:
    from biomedica_dataset.engine.progress import Ticker
    from biomedica_dataset.io.folders import Folder


def are_tars(folder: Folder) -> bool:
    """Whether a folder is one of tars that were serialized or selected."""
    return folder.exists(STARTED) or bool(read_records(folder))


def verify_tars(folder: Folder, tick: Ticker, *, images: bool = False) -> VerifyReport:
    """Check that all tars are there with their bytes, told by sizes and card, and no others."""
    report = VerifyReport("folder of tars")
    records = read_records(folder).values()
    tars = {path: tar for record in records for path, tar in record.tars.items()}
    for path, tar in sorted(tars.items()):
        report.files += 1
        if not folder.exists(path):
            report.wrong(path, "missing")
        elif folder.sha256(path) != tar.sha256:
            report.wrong(path, "differs from the SHA-256 in its record")
        else:
            report.rows += tar.samples
            if images:
                _decode_images(folder, path, report)
        tick(1, tar.samples, tar.bytes)
    for below, sizes in sizes_of(tars).items():
        own = {path: tar.samples for path, tar in tars.items() if path.rpartition("/")[0] == below}
        _check_sizes(folder, below, sizes, own, report)
    if not folder.exists(CARD):
        report.wrong(CARD, "missing")
    return report


def _check_sizes(
    folder: Folder, below: str, sizes: dict[str, int], own: dict[str, int], report: VerifyReport
) -> None:
    """Check the tars of one folder against its ``sizes.json``, and that there are no others."""
    of_own = {path.rpartition("/")[2]: samples for path, samples in own.items()}
    path = f"{below}/{SIZES}"
    if not folder.exists(path):
        report.wrong(path, "missing: serialize has not finished")
    else:
        with reading(folder.path(path), AGAIN):
            stored = json.loads(folder.read_bytes(path))
        if stored not in (sizes, of_own):  # 0.1.0 had those of the folder alone
            report.wrong(path, "names other tars or samples than the records")
    for name in folder.names(below):
        if name != SIZES and f"{below}/{name}" not in own:
            report.wrong(f"{below}/{name}", "no record names it")


def _decode_images(folder: Folder, path: str, report: VerifyReport) -> None:
    with folder.open(path) as file, tarfile.open(fileobj=file, mode="r|") as tar:
        for member in tar:
            found = tar.extractfile(member) if member.name.endswith(".jpg") else None
            problem = found and decoding_problem(found.read())
            if problem:
                report.wrong(path, f"{member.name} cannot be decoded: {problem}")
