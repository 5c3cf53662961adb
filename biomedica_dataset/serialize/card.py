"""The card of a dataset folder: what it holds, under which licences, and how to load it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pads
from huggingface_hub import DatasetCardData

from biomedica_dataset.jats.licenses import COMMERCIAL, NONCOMMERCIAL
from biomedica_dataset.schema import LICENSE_GROUPS, TABLES, features

if TYPE_CHECKING:
    from collections.abc import Sequence

    from biomedica_dataset.storage import Folder

    from .manifest import Manifest

CARD = "README.md"

_PERMITS = {
    "commercial": f"{', '.join(COMMERCIAL)}: any use with attribution; ND: no altered copies",
    "noncommercial": f"{', '.join(NONCOMMERCIAL)}: no commercial use",
    "other": "no licence of those, an unreadable one, or third-party rights: look first",
}
_TABLE_OF = {
    **dict.fromkeys((*LICENSE_GROUPS, "all"), "pictures with captions"),
    "articles": "once per article: text, references, keys of its pairs",
    "captions": "the rows of the pictures without the pictures",
    "index": "what to choose pictures by, and the byte range of each",
}
_MOST = 12  # lines of a statistic


def write_card(folder: Folder, manifest: Manifest) -> None:
    """Write the card of a dataset folder whose Parquet files are there."""
    data = DatasetCardData(
        pretty_name="BIOMEDICA",
        license="other",
        license_name="per-row",
        license_link="#licences",
        language=["en"],
        task_categories=["image-to-text", "zero-shot-image-classification"],
        tags=["biology", "medical", "pubmed-central", "figures", "captions"],
        size_categories=[_size_category(manifest.rows("captions"))],
        configs=_configs(manifest),
        dataset_info=[_info(config, manifest) for config in manifest.configs()],
    )
    folder.write_bytes(CARD, f"---\n{data.to_yaml()}\n---\n\n{_body(folder, manifest)}".encode())


def _configs(manifest: Manifest) -> list[dict[str, Any]]:
    """Return the configs that have rows; the first of them is the default."""
    return [
        {
            "config_name": config,
            **({"default": True} if config == manifest.configs()[0] else {}),
            "data_files": [{"split": "train", "path": _patterns(config, manifest)}],
        }
        for config in manifest.configs()
    ]


def _patterns(config: str, manifest: Manifest) -> list[str]:
    folders = {file.path.rpartition("/")[0] for file in manifest.config_files(config)}
    return sorted(f"{folder}/*.parquet" for folder in folders)


def _info(config: str, manifest: Manifest) -> dict[str, Any]:
    files = manifest.config_files(config)
    memory = sum(file.memory for file in files)
    rows = sum(file.rows for file in files)
    return {
        "config_name": config,
        # The cache of datasets goes by the card, not by the files: the digest tells one build from
        # another.
        "description": f"manifest {manifest.digest}",
        "features": features(TABLES[config])._to_yaml_list(),
        "splits": [{"name": "train", "num_bytes": memory, "num_examples": rows}],
        "download_size": sum(file.bytes for file in files),
        "dataset_size": memory,
    }


def _body(folder: Folder, manifest: Manifest) -> str:
    default = manifest.configs()[0] if manifest.configs() else "commercial"
    index = _index(folder, manifest)
    sections = [
        _intro(manifest),
        _loading(default),
        _section("Configs", _config_table(manifest)),
        _section("Licences", _license_text(index)),
        _section("How it was made", _provenance(manifest)),
        _section("What was left out", _dropped(manifest)),
        _section("Statistics", _statistics(index)),
        _section("Columns", _columns()),
        _LIMITS,
        _CITATION,
    ]
    return "\n".join(sections)


def _index(folder: Folder, manifest: Manifest) -> pa.Table:
    columns = [
        "license_group",
        "article_license",
        "article_year",
        "article_journal",
        "image_kind",
        "caption_length",
    ]
    paths = [folder.path(file.path) for file in manifest.config_files("index")]
    if not paths:
        return pa.table({name: pa.array([], pa.string()) for name in columns})
    return pads.dataset(paths, filesystem=folder.filesystem).to_table(columns=columns)


def _section(title: str, text: str) -> str:
    return f"## {title}\n\n{text}\n"


def _intro(manifest: Manifest) -> str:
    pairs = manifest.rows("captions")
    # A subset holds no texts, but says of how many articles it is.
    articles = manifest.rows("articles") or manifest.articles.get("kept", 0)
    return (
        f"# BIOMEDICA\n\n{pairs:,} figures of {articles:,} open-access articles of PubMed Central, "
        "each with its caption, the paragraphs that cite it, and the metadata and licence of its "
        "article. Rebuilt from PMC's cloud bucket by the `biomedica-dataset` package after the "
        "design of BIOMEDICA (arXiv 2501.07171).\n"
    )


def _loading(default: str) -> str:
    return f"""```python
from datasets import load_dataset

pairs = load_dataset("biomedica", "{default}", split="train", streaming=True)
for pair in pairs.take(3):
    print(pair["key"], pair["image"].size, pair["caption"][:80])
```

Text without pictures streams from the `captions` config. With `streaming=True`, some columns only:
`columns=["key", "caption"]`; some rows only:
`filters=[("article_accession_id", "==", "PMC13900")]`.
"""


def _config_table(manifest: Manifest) -> str:
    rows = [
        (f"`{c}`", _TABLE_OF[c], f"{manifest.rows(c):,}", _size(manifest.config_bytes(c)))
        for c in manifest.configs()
    ]
    return _table(("config", "holds", "rows", "size"), rows)


def _license_text(index: pa.Table) -> str:
    counts = dict(_counts(index, "license_group"))
    codes = _shown(index, "article_license", "none named")
    groups = [(g, f"{counts.get(g, 0):,}", _PERMITS[g]) for g in LICENSE_GROUPS]
    return (
        "The group of a row is the stricter of its article's and its figure's own licence. Each "
        "row names both "
        "(`article_license`, `image_license`), and `image_credit` holds the phrase by which a "
        "figure gives third-party "
        f"rights.\n\n{_table(('group', 'pictures', 'permits'), groups)}\n\n"
        f"{_table(('licence of the article', 'pictures'), codes)}\n\n"
        "Source: PubMed Central Open Access Subset, National Library of Medicine. NLM asks that it "
        "be acknowledged as "
        "the source, that articles be redistributed only as their licences allow, and that copies "
        "be kept current or "
        "say that they are not. This dataset is not endorsed by NLM."
    )


def _provenance(manifest: Manifest) -> str:
    rows = [
        ("source", manifest.source),
        ("selection", manifest.selection),
        ("inventory of the source", manifest.inventory or "articles listed one by one"),
        ("schema version", manifest.schema_version),
        ("manifest", f"`{manifest.digest}`"),
        ("made with", ", ".join(f"{name} {v}" for name, v in manifest.libraries.items())),
    ]
    return (
        f"{_table(('what', 'value'), rows)}\n\nNo image was decoded or encoded again: `image` "
        "holds the bytes that PMC "
        "serves, `image_hash` their SHA-256. `manifest.json` lists every file with rows, bytes and "
        "SHA-256."
    )


def _dropped(manifest: Manifest) -> str:
    seen, kept = sum(manifest.figures.values()), manifest.figures.get("kept", 0)
    rows = [(f"`{word}`", f"{n:,}") for word, n in manifest.figures.items() if word != "kept"]
    text = f"Of {seen:,} figures of the articles kept, {kept:,} are rows here"
    return f"{text}; the others:\n\n{_table(('reason', 'figures'), rows)}" if rows else f"{text}."


def _statistics(index: pa.Table) -> str:
    tables = [
        _table(("kind", "pictures"), _shown(index, "image_kind")),
        _table(("year", "pictures"), _shown(index, "article_year", by_value=True)),
        _table(("journal", "pictures"), _shown(index, "article_journal")),
    ]
    if index.num_rows:
        points = pc.quantile(index["caption_length"], q=[0.05, 0.25, 0.5, 0.75, 0.95]).to_pylist()
        names = ("5 %", "25 %", "median", "75 %", "95 %")
        tables.append(
            _table(("", *names), [("caption, characters", *(f"{p:,.0f}" for p in points))])
        )
    return "\n\n".join(tables)


def _columns() -> str:
    parts = []
    for table, name in (("commercial", "Pictures"), ("articles", "Articles"), ("index", "Index")):
        fields = dataclasses.fields(TABLES[table])
        rows = [(f"`{f.name}`", f"`{f.metadata['type']}`", f.metadata["meaning"]) for f in fields]
        parts.append(f"**{name}**\n\n{_table(('column', 'type', 'meaning'), rows)}")
    return "Missing is null, never an empty text or zero.\n\n" + "\n\n".join(parts)


def _counts(index: pa.Table, column: str) -> list[tuple[Any, int]]:
    found = pc.value_counts(index[column]).to_pylist()
    return [(item["values"], item["counts"]) for item in found]


def _shown(
    index: pa.Table, column: str, missing: str = "unknown", *, by_value: bool = False
) -> list[tuple[str, str]]:
    """Return the most frequent values with their counts, the rest as one line."""
    counts = sorted(_counts(index, column), key=lambda item: (-item[1], str(item[0])))
    top, rest = counts[:_MOST], counts[_MOST:]
    if by_value:
        top.sort(key=lambda item: str(item[0]))
    rows = [(missing if value is None else escape(str(value)), f"{n:,}") for value, n in top]
    return rows + ([(f"{len(rest):,} others", f"{sum(n for _, n in rest):,}")] if rest else [])


def escape(text: str) -> str:
    """Return text from an article as it may stand in a table: no markup of any kind takes effect.

    Examples
    --------
    >>> escape("a | <b> [x](y)")
    'a &#124; &#60;b&#62; &#91;x&#93;(y)'
    """
    return "".join(f"&#{ord(c)};" if c in "&<>|`*_[]\\#!~\r\n" else c for c in text)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    return "\n".join(lines + [f"| {' | '.join(row)} |" for row in rows])


def _size(count: int) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000  # type: ignore[assignment]
    return f"{count:.1f} TB"


def _size_category(rows: int) -> str:
    steps = (
        ("1K", 10**3),
        ("10K", 10**4),
        ("100K", 10**5),
        ("1M", 10**6),
        ("10M", 10**7),
        ("100M", 10**8),
    )
    below = "n"
    for name, limit in steps:
        if rows < limit:
            return f"{below}<n<{name}" if below != "n" else "n<1K"
        below = name
    return "100M<n<1B"


_LIMITS = """## Limits

Captions and citing paragraphs are what authors wrote: they may name panels, colours and
abbreviations that only the whole figure or article explains. Panel letters are read from the
caption; a figure may have panels that its caption does not name. A figure that is cited only in
words, in an article that links other figures, has no citing paragraph here. Third-party rights are
found by phrases in the caption and the figure's own permissions; a figure may be borrowed without
saying so. Pictures of people occur. Not for diagnosis.
"""

_CITATION = """## Citation

```bibtex
@article{lozano2025biomedica,
  title   = {BIOMEDICA: An Open Biomedical Image-Caption Archive, Dataset, and Vision-Language
  Models Derived from Scientific Literature}, author  = {Lozano, Alejandro and others},
  journal = {arXiv preprint arXiv:2501.07171},
  year    = {2025}
}
```
"""
