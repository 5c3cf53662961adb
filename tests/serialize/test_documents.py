"""Articles as documents: blocks in reading order, with the figures of their licence group."""

from __future__ import annotations

import shutil
from collections import Counter

import pyarrow.parquet as pq
import pytest
from datasets import load_dataset

from biomedica_dataset.archive.ledger import Archive
from biomedica_dataset.builder import BiomedicaBuilder
from biomedica_dataset.documents import make_document
from biomedica_dataset.extraction.extract import extract
from biomedica_dataset.folder.manifest import read_manifest
from biomedica_dataset.folder.parquet import TableWriter
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.jats.reader import read_article
from biomedica_dataset.licenses import License
from biomedica_dataset.rows import rows_of
from biomedica_dataset.schema import DocumentRow, to_dict
from biomedica_dataset.serialization.serialize import serialize
from biomedica_dataset.streaming.dataset import open_dataset
from biomedica_dataset.verification.verify import verify

from ..reliability.buckets import article as bucket_article
from ..reliability.buckets import put

COLUMNS = {
    "article_accession_id": "PMC1", "article_version": 1,
    **dict.fromkeys(
        ("article_pmid", "article_doi", "article_title", "article_abstract", "article_journal",
         "article_date", "article_citation", "article_type", "article_language",
         "article_license", "article_license_url"),
    ),
}  # fmt: skip
NAMESPACE = 'xmlns:xlink="http://www.w3.org/1999/xlink"'
PERMISSIONS = (
    '<permissions><license xlink:href="http://creativecommons.org/licenses/by-nc/4.0/"/>'
    "</permissions>"
)


@pytest.fixture(scope="module")
def dataset(sample_archive, tmp_path_factory):
    """A dataset folder with documents; not to be changed by a test."""
    folder = tmp_path_factory.mktemp("documents") / "biomedica"
    serialize(sample_archive, folder, documents=True, workers=1)
    return folder


def rows(folder, config):
    return list(load_dataset(str(folder), config, split="train", streaming=True))


def words(text):
    return (text or "").split()


def test_the_blocks_of_a_document_have_the_text_of_its_article(dataset):
    texts = {row["article_accession_id"]: row["article_text"] for row in rows(dataset, "articles")}
    documents = {row["article_accession_id"]: row["blocks"] for row in rows(dataset, "documents")}

    assert documents.keys() == texts.keys()
    for name, blocks in documents.items():
        running = [b["text"] for b in blocks if b["key"] is None and b["html"] is None]
        assert words(" ".join(running)) == words(texts[name])


def test_each_figure_is_in_one_block_or_counted_as_licensed_otherwise(dataset):
    groups = {row["key"]: row["license_group"] for row in rows(dataset, "index")}
    shown: Counter[str] = Counter()
    for row in rows(dataset, "documents"):
        keys = [block["key"] for block in row["blocks"] if block["key"]]
        assert {groups[key] for key in keys} <= {row["text_license_group"]}
        shown.update(keys)
    counted = read_manifest(Folder(dataset)).document_figures

    assert set(shown.values()) == {1}
    assert counted == {"kept": len(shown), "license_stricter": len(groups) - len(shown)}
    assert counted["license_stricter"]
    assert not verify(dataset).problems


@pytest.mark.slow
def test_a_folder_without_the_option_has_no_documents_and_gets_them_with_it(
    sample_archive, dataset, tmp_path
):
    folder = tmp_path / "biomedica"
    serialize(sample_archive, folder, workers=1)
    assert "documents" not in read_manifest(Folder(folder)).configs()

    report = serialize(sample_archive, folder, documents=True, workers=1)
    assert "figures of documents" in str(report)
    assert read_manifest(Folder(folder)).files == read_manifest(Folder(dataset)).files

    serialize(sample_archive, folder, workers=1)
    assert not (folder / "documents").exists() or not any((folder / "documents").rglob("*.parquet"))


def test_the_rows_of_a_table_are_an_attribute_of_the_image_that_shows_it(sample_bucket, tmp_path):
    image = (sample_bucket / "PMC99000101.1/sjd-15-101-g001.jpg").read_bytes()
    body = fig(graphics='<graphic xlink:href="a.jpg"/>') + table('<graphic xlink:href="t.jpg"/>')
    media = {"t.jpg": image, "a.jpg": image}
    put(tmp_path / "bucket", 8_100_001, bucket_article(body), media)
    extract(str(tmp_path / "bucket"), tmp_path / "archive", workers=1)
    folder = tmp_path / "biomedica"
    serialize(tmp_path / "archive", folder, documents=True, workers=1)

    assert rows(folder, "table") == [
        {"key": "PMC8100001_t", "html": "<table><tr><td>1</td></tr></table>"}
    ]
    chosen = open_dataset(folder, filters="table.html contains_text '<td>1'", columns=["key"])
    keys = [row["key"] for row in chosen]
    assert keys == ["PMC8100001_t"]
    assert not verify(folder).problems

    serialize(tmp_path / "archive", folder, workers=1)
    assert "table" not in read_manifest(Folder(folder)).configs()


def test_the_builder_yields_the_same_documents(sample_archive, dataset):
    builder = BiomedicaBuilder(config_name="documents", source=str(sample_archive))
    streamed = list(builder.as_streaming_dataset(split="train"))
    expected = rows(dataset, "documents")

    assert sorted(streamed, key=lambda row: row["article_accession_id"]) == sorted(
        expected, key=lambda row: row["article_accession_id"]
    )


def test_the_card_explains_documents(dataset):
    card = (dataset / "README.md").read_text()

    assert "articles as blocks in reading order" in card
    assert "in the licence group of its article: 60 of 62 figures, and 0 of 2 tables" in card
    assert "`text_license_group`" in card


@pytest.mark.parametrize("damage", ["twice", "lost", "stranger"])
def test_verify_finds_a_figure_that_is_twice_or_nowhere_or_of_another(dataset, tmp_path, damage):
    folder = tmp_path / "biomedica"
    shutil.copytree(dataset, folder)
    path = next(
        path for path in sorted((folder / "documents").rglob("*.parquet"))
        if any(b["key"] for row in pq.read_table(path).to_pylist() for b in row["blocks"])
    )  # fmt: skip
    found = pq.read_table(path).to_pylist()
    blocks = next(row["blocks"] for row in found if any(b["key"] for b in row["blocks"]))
    place = next(i for i, block in enumerate(blocks) if block["key"])
    key = blocks[place]["key"]
    if damage == "twice":
        blocks.append(blocks[place])
    elif damage == "lost":
        del blocks[place]
    else:
        blocks[place]["key"] = "PMC1_f1"
    _replace(folder, path, [DocumentRow(**row) for row in found])

    told = "\n".join(map(str, verify(folder).problems))
    assert {"twice": f"{key} is in 2 blocks", "lost": f"{key} is in no block",
            "stranger": "shows PMC1_f1"}[damage] in told  # fmt: skip


def _replace(folder, path, table):
    """Write other rows into a file, as somebody would who also mends the manifest."""
    output, name = Folder(folder), str(path.relative_to(folder))
    manifest = (folder / "manifest.json").read_text()
    old = next(file for file in read_manifest(output).files if file.path == name)
    with output.create() as file:
        writer = TableWriter(file, DocumentRow, {})
        for row in table:
            writer.write(row)
        writer.close()
        file.publish(name)
    manifest = manifest.replace(old.sha256, file.sha256).replace(str(old.bytes), str(file.size))
    (folder / "manifest.json").write_text(manifest)


def article(body):
    xml = f"<article {NAMESPACE}><front><article-meta/></front><body>{body}</body></article>"
    return read_article(xml.encode(), blocks=True)


def fig(inner="", graphics='<graphic xlink:href="a.jpg"/>'):
    return f"<fig><caption><p>A cell.</p></caption>{inner}{graphics}</fig>"


def table(inner="", cells="<td>1</td>"):
    rows = f"<table><tr>{cells}</tr></table>" if cells else ""
    return f"<table-wrap><caption><p>Ages.</p></caption>{rows}{inner}</table-wrap>"


@pytest.mark.parametrize(
    ("body", "keys", "kinds", "figures", "tables"),
    [
        pytest.param(fig(), ["k"], "figure", {"kept": 1}, {}, id="a figure"),
        pytest.param(fig(), [], "", {}, {}, id="a figure without its image"),
        pytest.param(fig(PERMISSIONS), ["k"], "", {"license_stricter": 1}, {}, id="another's"),
        pytest.param(table(), [], "table", {}, {"kept": 1}, id="a table"),
        pytest.param(table(PERMISSIONS), [], "", {}, {"license_stricter": 1}, id="another's table"),
        pytest.param(table(cells=""), [], "", {}, {"no_rows": 1}, id="a table without rows"),
        pytest.param(
            table('<graphic xlink:href="t.jpg"/>'), ["k"], "table", {"kept": 1}, {"kept": 1},
            id="a table with an image",
        ),
        pytest.param(
            fig(graphics='<graphic xlink:href="a"/><graphic xlink:href="b"/>'), ["k", "l"],
            "figure figure", {"kept": 2}, {}, id="two graphics",
        ),
    ],
)  # fmt: skip
def test_figures_and_tables_are_kept_or_counted(body, keys, kinds, figures, tables):
    made = make_document(COLUMNS, article(body), dict(enumerate(keys)), License("CC BY", "4.0"))

    assert " ".join(block["kind"] for block in made.row.blocks) == kinds
    assert (made.figures, made.tables) == (figures, tables)
    assert [block["text"] for block in made.row.blocks[1:]] == [None] * (len(made.row.blocks) - 1)


def test_a_document_whose_figures_are_all_licensed_otherwise_is_its_text():
    body = f"<p>a</p>{fig(PERMISSIONS)}"
    made = make_document(COLUMNS, article(body), {0: "k"}, License("CC BY", "4.0"))

    assert [block["text"] for block in made.row.blocks] == ["a"]
    assert made.group == "commercial"


def test_documents_change_no_other_row(sample_archive):
    archive = Archive.open(sample_archive)
    for block in archive.blocks():
        for row, images in archive.articles(block):
            plain, whole = (
                rows_of(row, images, full_text=True, documents=documents)
                for documents in (False, True)
            )
            assert [to_dict(pair) for _, pair in plain.pairs] == [
                to_dict(pair) for _, pair in whole.pairs
            ]
            assert plain.article == whole.article
            assert plain.figures == whole.figures
