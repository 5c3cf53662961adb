"""Makes the pages of the site that docs/ does not have: Python interface, tutorial, changelog."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mkdocs.structure.files import File

import biomedica_dataset
from biomedica_dataset import errors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

_DOCS = Path(__file__).parent
_ROOT = _DOCS.parent
_ROOT_PAGES = {"CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md"}
_MEMBER = "---\ntitle: {0}\n---\n\n::: biomedica_dataset.{0}\n"
_BELOW = "    options: {heading_level: 2}\n"
_CITATION = """\
# Citation

Cite this package, and the work whose design it follows.
This is `CITATION.cff`, which citation managers read:

```yaml
{}```
"""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made, and list the pages of folders in the navigation."""
    for path, content in _made():
        files.append(File.generated(config, path, content=content))
    paths = sorted(
        (file.src_uri for file in files.documentation_pages()), key=lambda p: p.removesuffix(".md")
    )
    config.nav = [_expanded(entry, paths) for entry in config.nav or []]
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Lead links to files of the checkout to the pages made of them."""
    up = "../" * page.file.src_uri.count("/")
    markdown = markdown.replace("](tutorial.ipynb)", "](tutorial.md)")
    for name, made in _ROOT_PAGES.items():
        markdown = markdown.replace(f"](../{up}{name}", f"]({up}{made}")
    return markdown


def _made() -> Iterator[tuple[str, str]]:
    for name, path in _ROOT_PAGES.items():
        text = (_ROOT / name).read_text(encoding="utf-8").replace("](docs/", "](")
        yield path, re.sub(r"\]\(README\.md(#[\w-]+)?\)", "](index.md)", text)
    yield "citation.md", _CITATION.format((_ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    yield "tutorial.md", _notebook(json.loads((_DOCS / "tutorial.ipynb").read_text("utf-8")))
    for name in biomedica_dataset.__all__:
        if name != "__version__" and not hasattr(errors, name):
            yield (
                f"reference/python/{name}.md",
                f"---\ntitle: {name}\n---\n::: biomedica_dataset.{name}\n",
            )
    names = [name for name in biomedica_dataset.__all__ if hasattr(errors, name)]
    blocks = [f"::: biomedica_dataset.{name}\n{_BELOW}" for name in names]
    yield "reference/python/errors.md", "\n".join(["# Errors\n", *blocks])


def _notebook(notebook: dict[str, Any]) -> str:
    """Return the cells and outputs of a notebook as Markdown."""
    blocks = []
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        blocks.append(source if cell["cell_type"] == "markdown" else f"```python\n{source}\n```")
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if "image/jpeg" in data:
                address = f"data:image/jpeg;base64,{data['image/jpeg'].replace(chr(10), '')}"
                blocks.append(f'<img alt="the image that the cell shows" src="{address}">')
            else:
                text = "".join(output.get("text") or data.get("text/html") or data["text/plain"])
                # A report is one <pre> for a notebook; as a block it is like other output.
                text = unescape(text.removeprefix("<pre>").removesuffix("</pre>")).rstrip()
                blocks.append(f"```text\n{text}\n```")
    return "\n\n".join(blocks)


def _expanded(entry: Any, paths: list[str]) -> Any:
    if not isinstance(entry, dict):
        return entry
    [(title, below)] = entry.items()
    if isinstance(below, list):
        return {title: [_expanded(each, paths) for each in below]}
    if below.endswith("/"):
        return {title: [path for path in paths if path.startswith(below)]}
    return entry
