"""The text of the card, section by section."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from biomedica_dataset.folder.splits import SPLITS, Splits
from biomedica_dataset.licenses import COMMERCIAL, LICENSE_GROUPS, NONCOMMERCIAL
from biomedica_dataset.schema import TABLES

from .markdown import escape, folded, size, table

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Mapping, Sequence

    from biomedica_dataset.folder.manifest import Manifest

    from .examples import Example
    from .statistics import Statistics

_PERMITS = {
    "commercial": f"{', '.join(COMMERCIAL)}: any use with attribution (CC0 asks for none); SA: "
    "what is made of it under the same licence; ND: no altered copies",
    "noncommercial": f"{', '.join(NONCOMMERCIAL)}: no commercial use; the rest as above",
    "other": "no licence of those, an unreadable one, or third-party rights: look at the article "
    "first",
}
_HOLDS = {
    **dict.fromkeys((*LICENSE_GROUPS, "all"), "pictures with captions"),
    "articles": "once per article: text, references, keys of its pairs",
    "captions": "the rows of the pictures without the pictures",
    "index": "what to choose pictures by, and the byte range of each",
    "embeddings": "a vector for each row of the pictures, in the same order",
}
_MOST = 12  # lines of a statistic


def intro(manifest: Manifest) -> str:
    """Return title and first paragraph."""
    pairs = manifest.rows("captions")
    # A subset holds no texts, but says of how many articles it is.
    articles = manifest.rows("articles") or manifest.articles.get("kept", 0)
    return (
        f"# BIOMEDICA\n\n**{pairs:,} figures of {articles:,} open-access articles** of PubMed "
        "Central, each with its caption, the paragraphs that cite it, and the metadata and licence "
        "of its article. Rebuilt from PMC's cloud bucket by the `biomedica-dataset` package, after "
        "the design of BIOMEDICA (arXiv:2501.07171).\n"
    )


def gallery(examples: Sequence[Example]) -> str:
    """Return examples as a table of three columns."""
    rows = [examples[start : start + 3] for start in range(0, len(examples), 3)]
    lines = []
    for row in rows:
        blank = [""] * (3 - len(row))
        images = [f"![]({example_path(example)})" for example in row]
        texts = [example.text for example in row]
        lines += [f"| {' | '.join([*cells, *blank])} |" for cells in (images, texts)]
    lines.insert(1, "|:-:|:-:|:-:|")
    return "\n".join(lines) + "\n"


def example_path(example: Example) -> str:
    """Return where the picture of an example lies."""
    return f"examples/{example.key}.jpg"


def loading(default: str) -> str:
    """Return how to load, stream and choose."""
    return f"""```python
from datasets import load_dataset

pairs = load_dataset("biomedica", "{default}", split="train", streaming=True)
for pair in pairs.take(3):
    print(pair["key"], pair["image"].size, pair["caption"][:80])
```

`biomedica` is this folder; of the copy on the Hub say its name, `organisation/biomedica`.
Text without pictures streams from the config `captions`. With
`columns=["key", "caption"]` it is some columns only, with
`filters=[("article_accession_id", "==", "PMC13900")]` some rows only.

In the files every picture is one range of bytes, which the index names, so that a choice costs what
it weighs. With `pip install biomedica-dataset`:

```python
from biomedica_dataset import open_dataset

rows = open_dataset(
    "biomedica",
    licenses="commercial",
    filters=[("caption", "contains", "melanoma")],
    seed=0,
)
```

and `biomedica select biomedica --license commercial --limit 50000 --output subset` writes a choice
as a smaller dataset of the same form."""


def configs(manifest: Manifest) -> str:
    """Return configs with rows and bytes, and what the splits are."""
    rows = [
        (f"`{c}`", _HOLDS[c], f"{manifest.rows(c):,}", size(manifest.config_bytes(c)))
        for c in manifest.configs()
    ]
    text = table(("config", "holds", "rows", "size"), rows)
    if Splits.parse(manifest.split).is_whole:
        return f"{text}\n\nAll rows are in the split `train`."
    counts = [
        (
            f"`{config}`",
            *(
                f"{sum(f.rows for f in manifest.config_files(config) if f.split == split):,}"
                for split in SPLITS
            ),
        )
        for config in manifest.configs()
        if config != "index"
    ]
    return (
        f"{text}\n\nSplits go by articles: a hash of the PMCID puts all that is of an article into "
        f"one of them, now and in later versions: {_split(manifest)}.\n\n"
        f"{table(('rows of', *SPLITS), counts)}\n\nThe index lists all rows in one split, `train`; "
        "its column `split` says where each row is."
    )


def _split(manifest: Manifest) -> str:
    splits = Splits.parse(manifest.split)
    shares = zip(SPLITS, splits.shares, strict=True)
    told = ", ".join(f"{split} {share:.3g}" for split, share in shares)
    return "all of it train" if splits.is_whole else f"{told} of the articles"


def licenses(counted: Statistics) -> str:
    """Return what each group permits, how many pictures it has, and NLM's terms."""
    groups = [(f"`{g}`", f"{counted.groups[g]:,}", _PERMITS[g]) for g in LICENSE_GROUPS]
    codes = shown(counted.licenses, "none named")
    return (
        "The group of a row is the stricter of its article's and its figure's own licence. Each "
        "row names both (`article_license`, `image_license`), and `image_credit` holds the phrase "
        "by which a figure gives third-party rights.\n\n"
        f"{table(('group', 'pictures', 'permits'), groups)}\n\n"
        "The most frequent licences:\n\n"
        f"{table(('licence of the article', 'pictures'), codes)}\n\n"
        "Source: PubMed Central Open Access Subset, National Library of Medicine. NLM asks that it "
        "be acknowledged as the source, that articles be redistributed only as their licences "
        "allow, and that copies be kept current or say that they are not. This dataset is not "
        "endorsed by NLM. The groups are a sorting aid and no legal advice."
    )


def content(counted: Statistics, plots: Mapping[str, str]) -> str:
    """Return statistics: plots, by name with their titles, where there are some, and tables."""
    images = [f"![{title}](plots/{name}.png)" for name, title in plots.items()]
    tables = [
        table(("kind", "pictures"), shown(counted.kinds)),
        table(("year", "pictures"), shown(counted.years, by_value=True)),
        table(("journal", "pictures"), shown(counted.journals)),
    ]
    if counted.concepts:
        tables.append(table(("concept, by experts", "pictures"), shown(counted.concepts)))
    if set(counted.panel_types) - {None}:
        types = shown(counted.panel_types, "not settled")
        tables.append(table(("panel type, by experts", "pictures"), types))
    points = (0.05, 0.25, 0.5, 0.75, 0.95)
    lengths = ("caption, characters", *(f"{counted.caption_length(p):,}" for p in points))
    tables.append(table(("", "5 %", "25 %", "median", "75 %", "95 %"), [lengths]))
    numbers = "\n\n".join(tables)
    return "\n\n".join([*images, folded("The numbers", numbers)]) if images else numbers


def provenance(manifest: Manifest) -> str:
    """Return of what and with what the dataset was made, and what was left out."""
    rows = [
        ("source", escape(manifest.source)),
        ("selection", escape(manifest.selection)),
        ("inventory of the source", manifest.inventory or "articles listed one by one"),
        ("splits", _split(manifest)),
        *((what, escape(told)) for what, told in manifest.joined.items()),
        ("schema version", manifest.schema_version),
        ("manifest", f"`{manifest.digest}`"),
        ("made with", ", ".join(f"{name} {v}" for name, v in manifest.libraries.items())),
    ]
    return (
        f"{table(('what', 'value'), rows)}\n\nNo image was decoded or encoded again: `image` holds "
        "the bytes that PMC serves, `image_hash` their SHA-256. `manifest.json` lists every file "
        f"with rows, bytes and SHA-256.\n\n{_dropped(manifest)}"
    )


def _dropped(manifest: Manifest) -> str:
    seen, kept = sum(manifest.figures.values()), manifest.figures.get("kept", 0)
    rows = [(f"`{word}`", f"{n:,}") for word, n in manifest.figures.items() if word != "kept"]
    text = f"Of {seen:,} figures of the articles kept, {kept:,} are rows here"
    return f"{text}; the others:\n\n{table(('reason', 'figures'), rows)}" if rows else f"{text}."


def columns(manifest: Manifest) -> str:
    """Return the columns of every table, from the schema."""
    parts = []
    for name in ("all", "articles", "index", "embeddings"):
        if name not in manifest.configs():
            continue
        fields = dataclasses.fields(TABLES[name])
        rows = [(f"`{f.name}`", f"`{f.metadata['type']}`", f.metadata["meaning"]) for f in fields]
        text = table(("column", "type", "meaning"), rows)
        title = "pictures" if name == "all" else name
        parts.append(f"**{title}**\n\n{text}" if name == "all" else folded(title, text))
    return "Missing is null, never an empty text or zero.\n\n" + "\n\n".join(parts)


def shown(
    counts: Counter[Any], missing: str = "unknown", *, by_value: bool = False
) -> list[tuple[str, str]]:
    """Return the most frequent values with their counts, the rest as one line."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))
    top, rest = ordered[:_MOST], ordered[_MOST:]
    if by_value:
        top.sort(key=lambda item: str(item[0]))
    rows = [(missing if value is None else escape(str(value)), f"{n:,}") for value, n in top]
    return rows + ([(f"{len(rest):,} others", f"{sum(n for _, n in rest):,}")] if rest else [])
