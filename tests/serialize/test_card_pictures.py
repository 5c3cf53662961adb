"""What the card shows: plots, examples, an audit's figures, and what changed since a release."""

from __future__ import annotations

import io
import shutil
from dataclasses import replace

import pytest
from datasets.utils.metadata import MetadataConfigs
from huggingface_hub import DatasetCard
from lxml import html
from markdown_it import MarkdownIt
from PIL import Image

from biomedica_dataset.annotation.labels.audit import Purity
from biomedica_dataset.card.write import publish
from biomedica_dataset.extras import install_command
from biomedica_dataset.folder.changes import remember_release
from biomedica_dataset.folder.manifest import Manifest, Whole, read_manifest
from biomedica_dataset.folder.parquet import TableWriter
from biomedica_dataset.folder.record import ShardFile
from biomedica_dataset.folder.splits import Splits
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.schema import IndexRow, Pair
from biomedica_dataset.serialization.serialize import serialize
from biomedica_dataset.verification.verify import verify

from ..streaming.folders import index_row, make_pair

HOSTILE = (
    "<script>alert(1)</script> ![x](http://evil.example/x.png) [a](javascript:1) | cell `code`"
    "\n\n# heading\n---\nlicense: mit\n---\n<img src=x onerror=alert(1)> \u202eevil\x1b[2J $x^2$"
)
PLOTS = ("caption_lengths", "journals", "years")


def rendered(folder):
    """Return the card as HTML, as a page of the Hub shows it, markup of its own included."""
    text = DatasetCard((folder / "README.md").read_text()).text
    return html.fromstring(MarkdownIt("commonmark", {"html": True}).enable("table").render(text))


def size_of(path):
    with Image.open(path) as image:
        image.load()
        return image.size


def made(folder, rows):
    """Write a dataset folder of rows of the commercial group; return its manifest."""
    at, index, files = Folder(folder), [], []
    for config, table, name in (
        ("commercial", Pair, "commercial/train/000000.parquet"),
        ("index", IndexRow, "index/0000.parquet"),
    ):
        with at.create() as file:
            writer = TableWriter(file, table, {})
            for row in rows if config == "commercial" else index:
                writer.write(row)
            places = writer.close()
            file.publish(name)
        files.append(ShardFile(name, config, writer.rows, file.size, writer.memory, file.sha256))
        index = [
            replace(index_row(row, config, name, number), **place)
            for number, (row, place) in enumerate(zip(rows, places, strict=False))
        ]
    return Manifest(
        schema_version="1", source=HOSTILE, selection=HOSTILE, inventory=None, block_width=1000,
        shard_blocks=1, split="1,0,0", libraries={}, articles={}, figures={"kept": len(rows)},
        files=files, joined={"labels": HOSTILE},
        audit=[Purity(question=HOSTILE, of=HOSTILE, images=2, right=1, low=0.1, high=0.9)],
    )  # fmt: skip


def picture(size=(900, 300)):
    written = io.BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(written, "PNG")
    return written.getvalue()


def pair(number, **changes):
    import random

    row = make_pair(random.Random(number), "commercial", 0, 3 * number)
    return replace(row, image_kind="figure", **changes)


def test_plots_lie_beside_the_card_are_shown_and_named_in_the_manifest(sample_dataset):
    manifest = read_manifest(Folder(sample_dataset))
    shown = {image.get("src") for image in rendered(sample_dataset).iter("img")}

    assert {f"plots/{name}.png" for name in PLOTS} <= shown
    assert shown == {p.path for p in manifest.pictures}
    for path in shown:
        assert min(size_of(sample_dataset / path)) > 50
    assert "matplotlib" in manifest.libraries


def test_without_matplotlib_there_are_tables_alone(sample_archive, tmp_path, monkeypatch):
    for user in ("card.write", "folder.manifest", "serialization.report"):
        monkeypatch.setattr(f"biomedica_dataset.{user}.can_plot", lambda: False)
    report = serialize(sample_archive, tmp_path / "out", workers=1)

    assert not (tmp_path / "out" / "plots").exists()
    assert install_command("plots") in str(report)
    assert "| journal | images |" in (tmp_path / "out" / "README.md").read_text()
    assert not verify(tmp_path / "out").problems


def test_a_users_own_style_of_plots_changes_no_byte(sample_archive, sample_dataset, tmp_path):
    import matplotlib

    with matplotlib.rc_context({"axes.facecolor": "black", "font.size": 30}):
        serialize(sample_archive, tmp_path / "out", workers=1)

    for path in sorted((sample_dataset / "plots").iterdir()):
        assert (tmp_path / "out" / "plots" / path.name).read_bytes() == path.read_bytes()


def test_examples_are_small_and_name_their_source_and_a_licence_that_allows_it(sample_dataset):
    page = rendered(sample_dataset)
    links = {link.get("href") for link in page.iter("a")}
    names = [path.stem for path in sorted((sample_dataset / "examples").iterdir())]

    assert len(names) == 6
    assert len({name.partition("_")[0] for name in names}) == 6
    for name in names:
        assert max(size_of(sample_dataset / "examples" / f"{name}.jpg")) <= 280
        assert f"https://pmc.ncbi.nlm.nih.gov/articles/{name.partition('_')[0]}/" in links
    assert page.text_content().count("scaled down") == 6


@pytest.mark.parametrize(
    ("license_", "is_shown"),
    [
        ("CC BY 4.0", True), ("CC0 1.0", True), ("CC BY-ND 4.0", False), ("CC BY-SA 4.0", False),
        ("CC BY", False), (None, False),
    ],
)  # fmt: skip
def test_only_pictures_that_may_be_scaled_down_are_examples(tmp_path, license_, is_shown):
    data = {"bytes": picture(), "path": "a.png"}
    manifest = made(tmp_path, [pair(0, image=data, image_license=license_)])
    publish(Folder(tmp_path), manifest)

    assert (tmp_path / "examples").exists() == is_shown


def test_hostile_text_takes_no_effect_anywhere_on_the_card(tmp_path):
    hostile = dict.fromkeys(
        ("caption", "figure_label", "article_title", "article_journal", "image_panel_type",
         "article_license"), HOSTILE,
    )  # fmt: skip
    data = {"bytes": picture(), "path": "a.png"}
    rows = [
        pair(n, **hostile, image=data, image_license="CC BY 4.0", image_primary_label=[HOSTILE])
        for n in range(4)
    ]
    publish(Folder(tmp_path), replace(made(tmp_path, rows), subset_of=Whole(9, HOSTILE)))
    card = DatasetCard((tmp_path / "README.md").read_text())
    page = rendered(tmp_path)

    assert card.data.license == "other"
    assert list(MetadataConfigs.from_dataset_card_data(card.data)) == ["commercial", "all", "index"]
    assert {e.tag for e in page.iter()} <= {
        "div", "h1", "h2", "p", "strong", "code", "pre", "table", "thead", "tbody", "tr", "th",
        "td", "img", "a", "br", "sub", "span", "details", "summary", "ul", "li", "blockquote",
    }  # fmt: skip
    assert all(i.get("src").startswith(("plots/", "examples/")) for i in page.iter("img"))
    assert {link.get("href").split("/")[2] for link in page.iter("a")} == {
        "pmc.ncbi.nlm.nih.gov", "creativecommons.org",
    }  # fmt: skip
    assert not {"\x1b", "\u202e"} & set(card.content)
    assert {h.text for h in page.iter("h1")} == {"BIOMEDICA"}
    assert "A subset: 4 of 9 rows" in page.text_content()


def test_a_picture_that_credits_a_third_party_is_no_example(tmp_path):
    data = {"bytes": picture(), "path": "a.png"}
    credits = ("Photo: Jane Roe, CC BY 4.0.", None)
    rows = [
        pair(n, image=data, image_license="CC BY 4.0", image_credit=credit)
        for n, credit in enumerate(credits)
    ]
    publish(Folder(tmp_path), made(tmp_path, rows))

    assert [path.stem for path in (tmp_path / "examples").iterdir()] == [rows[1].key]


def test_pictures_that_cannot_be_decoded_are_no_examples(tmp_path):
    broken = {"bytes": picture()[:60], "path": "a.png"}
    rows = [pair(n, image=broken, image_license="CC BY 4.0") for n in range(3)]
    rows.append(pair(3, image={"bytes": picture(), "path": "b"}, image_license="CC BY 4.0"))
    publish(Folder(tmp_path), made(tmp_path, rows))

    assert [path.stem for path in (tmp_path / "examples").iterdir()] == [rows[3].key]


@pytest.mark.slow
def test_an_audit_stands_among_the_known_errors(sample_dataset, tmp_path):
    folder = Folder(shutil.copytree(sample_dataset, tmp_path / "copy"))
    manifest = read_manifest(folder)

    def limits(**changes):
        publish(folder, replace(manifest, **changes))
        card = (tmp_path / "copy" / "README.md").read_text()
        return card.partition("## Limits and known errors")[2].partition("\n## ")[0]

    audit = [
        Purity(question=question, of=of, images=40, right=right, low=0.5, high=0.9)
        for question, of, right in (
            ("fits_primary", "all", 30), ("fits_primary", "Maps", 10),
            ("fits_primary", "Tables", 38), ("fits_primary", "cluster 7", 1),
        )
    ]  # fmt: skip
    text = limits(joined={"labels": "x"}, audit=audit)

    lines = [line for line in text.splitlines() if "fits" in line or "global" in line]
    assert [line.split("|")[2].strip() for line in lines] == ["all", "Maps", "Tables"]
    assert "| global concepts | Maps | 40 | 25% | 50% to 90% |" in text
    assert "without an audit" in limits(joined={"labels": "x"}, audit=[])
    assert "audit" not in limits()


def test_the_card_tells_the_shares_of_the_splits_and_what_each_holds(sample_archive, tmp_path):
    splits = Splits((0.5, 0.25, 0.25))
    manifest = serialize(sample_archive, tmp_path / "out", splits=splits, workers=1).manifest
    (row,) = (
        [cell.text_content() for cell in line]
        for table in rendered(tmp_path / "out").iter("table")
        if table.findtext(".//th") == "rows of"
        for line in table.iter("tr")
        if line[0].text_content() == "articles"
    )

    assert sum(map(int, row[1:])) == manifest.rows("articles")
    assert (
        "| train 0.5, validation 0.25, test 0.25 of the articles |"
        in (tmp_path / "out" / "README.md").read_text()
    )


@pytest.mark.slow
def test_the_card_says_what_came_and_went_since_the_last_release(sample_archive, tmp_path):
    archive, out = shutil.copytree(sample_archive, tmp_path / "archive"), tmp_path / "out"
    whole = serialize(archive, out, workers=1).manifest
    assert "Since the last release" not in (out / "README.md").read_text()
    remember_release(Folder(out), whole, "2026-11")
    taken = sorted((archive / "articles").iterdir())[0]
    kept = [(path, path.read_bytes()) for path in archive.glob(f"*/{taken.stem}*")]
    for path, _data in kept:
        path.unlink()
    less = serialize(archive, out, workers=1).manifest
    card = (out / "README.md").read_text()
    gone = sum(less.changes.removed.values())

    assert gone == whole.rows("captions") - less.rows("captions") > 0
    assert not less.changes.added
    assert less.changes.articles_removed > 0
    assert "## Since the last release" in card
    assert f"| articles | 0 | {less.changes.articles_removed} |" in card

    remember_release(Folder(out), less, "2026-12")
    for path, data in kept:
        path.write_bytes(data)
    more = serialize(archive, out, workers=1).manifest
    assert more.changes.added == less.changes.removed
    assert more.changes.since == "2026-12"
    assert len(list((out / ".shards" / "released").glob("*.parquet"))) == 1


@pytest.mark.slow
def test_a_killed_run_compares_with_the_same_release(sample_archive, tmp_path):
    archive, out = shutil.copytree(sample_archive, tmp_path / "archive"), tmp_path / "out"
    remember_release(Folder(out), serialize(archive, out, workers=1).manifest, "1")
    for path in archive.glob(f"*/{sorted((archive / 'articles').iterdir())[0].stem}*"):
        path.unlink()
    expected = serialize(archive, out, workers=1).manifest
    (out / "manifest.json").unlink()  # as a run does before it changes anything
    (out / "README.md").unlink()

    assert serialize(archive, out, workers=1).manifest == expected
