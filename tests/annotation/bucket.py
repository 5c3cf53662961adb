"""Pictures as figures of made-up articles, laid out as PMC's bucket."""

from __future__ import annotations

import json
from hashlib import md5
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

TOGETHER = 10  # figures of an article


def write_articles(
    folder: Path, pictures: Sequence[bytes], *, caption: str = "Made-up caption"
) -> list[str]:
    """Write articles of ten images each; return the keys in order."""
    keys = []
    for start in range(0, len(pictures), TOGETHER):
        pmcid, figures, media = 90_000 + start, [], []
        home = folder / f"PMC{pmcid}.1"
        home.mkdir(parents=True, exist_ok=True)
        for number, picture in enumerate(pictures[start : start + TOGETHER]):
            name = f"g{number}.jpg"
            (home / name).write_bytes(picture)
            media.append(f"s3://bucket/PMC{pmcid}.1/{name}?md5={md5(picture).hexdigest()}")
            figures.append(
                f'<fig id="f{number}"><caption><p>{caption} {number}.</p></caption>'
                f'<graphic xmlns:xlink="http://www.w3.org/1999/xlink" xlink:href="{name}"/></fig>'
            )
            keys.append(f"PMC{pmcid}_g{number}")
        xml = f"<article><body><sec>{''.join(figures)}</sec></body></article>".encode()
        (home / f"PMC{pmcid}.1.xml").write_bytes(xml)
        record = {
            "pmcid": f"PMC{pmcid}", "version": 1, "pmid": None, "doi": None, "mid": None,
            "title": "Made up", "citation": "Made up", "is_pmc_openaccess": True,
            "is_manuscript": False, "is_historical_ocr": False, "is_retracted": False,
            "license_code": "CC BY", "media_urls": media,
            "xml_url": f"s3://bucket/PMC{pmcid}.1/PMC{pmcid}.1.xml?md5={md5(xml).hexdigest()}",
        }  # fmt: skip
        for path in (home, folder / "metadata"):
            path.mkdir(exist_ok=True)
            (path / f"PMC{pmcid}.1.json").write_text(json.dumps(record))
    return keys


def pmcids_of(keys: Sequence[str]) -> set[str]:
    """Return the articles of keys."""
    return {key.split("_")[0] for key in keys}
