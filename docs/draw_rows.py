"""Draws some rows of the sample, as the README shows them: ``python docs/draw_rows.py``."""

from __future__ import annotations

import base64
import html
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

from biomedica_dataset import extract, open_dataset, serialize
from biomedica_dataset.sample.bucket import write_bucket

_TARGET = Path(__file__).parent / "images" / "rows.png"
_KEYS = (
    "PMC99000101_sjd-15-101-g003",
    "PMC99000102_so-14-102-g002",
    "PMC99000205_srad-205-f2",
    "PMC99003007_sim-3007-f2",
)
_FACTS = ["image_kind", "image_license", "article_journal", "article_date"]
_COLUMNS = ["key", "caption", "image_context", *_FACTS]
_STYLE = """
body { margin: 0; width: 980px; font: 14px/1.45 system-ui, sans-serif; color: #10312c }
table { border-collapse: collapse; width: 100% }
th { text-align: left; font: 600 13px ui-monospace, monospace; color: #00796b }
th, td { padding: 10px 12px; border-bottom: 1px solid #cfe3df; vertical-align: top }
td:first-child { width: 176px } td:nth-child(4) { white-space: nowrap }
img { max-width: 176px; max-height: 132px; display: block } small { color: #5a7772 }
"""


def _row(row: dict[str, Any]) -> str:
    image = base64.b64encode(row["image"]["bytes"]).decode()
    text = {name: html.escape(str(row[name])) for name in _COLUMNS}
    context = html.escape(" ".join(row["image_context"] or [])[:190])
    facts = [text[name] for name in _FACTS]
    return (
        f"<tr><td><img src='data:;base64,{image}'></td>"
        f"<td>{text['caption']}<br><small>{text['key']}</small></td>"
        f"<td>{context} …</td><td>{'<br>'.join(facts)}</td></tr>"
    )


def draw(folder: Path) -> None:
    """Write the picture, with the sample's dataset made in a folder."""
    write_bucket(folder / "bucket")
    extract(folder / "bucket", folder / "archive", workers=1)
    serialize(folder / "archive", folder / "biomedica", workers=1)
    chosen = open_dataset(
        folder / "biomedica", filters=f"key in [{', '.join(_KEYS)}]", columns=["image", *_COLUMNS]
    )
    head = "".join(f"<th>{name}</th>" for name in ("image", "caption", "image_context", "…"))
    rows = "".join(map(_row, chosen.decode(enable=False)))
    page = f"<meta charset=utf-8><style>{_STYLE}</style><table><tr>{head}</tr>{rows}</table>"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium")
        view = browser.new_page(viewport={"width": 980, "height": 400}, device_scale_factor=1.5)
        view.set_content(page)
        view.screenshot(path=_TARGET, full_page=True)
        browser.close()
    Image.open(_TARGET).convert("RGB").quantize(200).save(_TARGET, optimize=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        draw(Path(scratch))
