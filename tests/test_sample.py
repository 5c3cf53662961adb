"""The sample in the package: whole, and true to the layout of PMC's bucket."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import re
from urllib.parse import unquote

import pytest
from lxml import etree
from PIL import Image

from biomedica_dataset.errors import UsageError
from biomedica_dataset.sample.bucket import write_bucket

XLINK = "{http://www.w3.org/1999/xlink}href"
INVENTORY = "inventory-reports/pmc-oa-opendata/metadata"
RASTER = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".gif", ".webp", ".bmp")


@pytest.fixture(scope="module")
def bucket(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample") / "bucket"
    assert write_bucket(folder) == len(list((folder / "metadata").iterdir())) == 24
    return folder


@pytest.fixture(scope="module")
def records(bucket):
    return {path.stem: json.loads(path.read_bytes()) for path in (bucket / "metadata").iterdir()}


@pytest.fixture(scope="module")
def roots(bucket, records):
    return {key: etree.parse(bucket / key / f"{key}.xml").getroot() for key in records}


def urls(record):
    return [record["xml_url"], record["text_url"], *record.get("media_urls", [])]


def stem(name):
    low = name.lower()
    return next((low.removesuffix(ending) for ending in RASTER if low.endswith(ending)), low)


def resolves(href, names):
    """Apply the bucket's rules: exact name, else stem, with and without `_lrg`."""
    base = unquote(href).rsplit("/", 1)[-1].removeprefix("journal.")
    wanted = {stem(base), f"{stem(base)}_lrg"}
    return base in names or any(stem(name) in wanted for name in names)


def test_it_stays_small(bucket):
    size = sum(p.stat().st_size for p in bucket.rglob("*") if p.is_file())
    assert 2_000_000 < size < 6_000_000


def test_every_md5_is_true_and_every_object_is_named(bucket, records):
    for key, record in records.items():
        names = [f"{key}.json"]
        for url in urls(record):
            found = re.fullmatch(r"s3://pmc-oa-opendata/(PMC\d+\.\d+)/([^/?]+)\?md5=(\w{32})", url)
            data = (bucket / found[1] / found[2]).read_bytes()
            assert found[1] == key
            assert hashlib.md5(data).hexdigest() == found[3]
            names.append(found[2])
        assert sorted(p.name for p in (bucket / key).iterdir()) == sorted(names)
        assert (bucket / key / f"{key}.json").read_bytes() == (
            bucket / "metadata" / f"{key}.json"
        ).read_bytes()


def test_the_inventory_agrees_with_the_metadata(bucket, records):
    (path,) = (bucket / INVENTORY).glob("20*/manifest.json")
    manifest = json.loads(path.read_bytes())
    assert manifest["fileSchema"] == "Bucket, Key, LastModifiedDate, ETag"
    (part,) = manifest["files"]
    packed = (bucket / part["key"]).read_bytes()
    assert len(packed) == part["size"]
    assert hashlib.md5(packed).hexdigest() == part["MD5checksum"]
    rows = list(csv.reader(io.StringIO(gzip.decompress(packed).decode())))
    assert [row[1] for row in rows] == sorted(f"metadata/{key}.json" for key in records)
    for name, key, _, etag in rows:
        assert name == "pmc-oa-opendata"
        assert hashlib.md5((bucket / key).read_bytes()).hexdigest() == etag


def test_every_figure_has_its_file(records, roots):
    for key, record in records.items():
        names = [url.rsplit("/", 1)[-1].split("?")[0] for url in record.get("media_urls", [])]
        hrefs = [e.get(XLINK) for e in roots[key].iter("graphic", "media")]
        if record["license_code"] != "TDM":
            assert all(resolves(href, names) for href in hrefs), key
            assert bool(names) == bool(hrefs)


def test_every_image_opens_and_is_what_its_name_says(bucket):
    kinds = {".jpg": "JPEG", ".png": "PNG", ".gif": "GIF", ".webp": "WEBP", ".tif": "TIFF"}
    seen = set()
    for path in sorted(p for p in bucket.glob("PMC*/*") if p.suffix in RASTER):
        with Image.open(path) as image:
            image.load()
            assert image.format == kinds[path.suffix]
            assert all(150 <= side <= 1000 for side in image.size), path
        seen.add(path.suffix)
    assert seen == set(kinds)


def test_every_citation_in_the_text_points_to_something(roots):
    for key, root in roots.items():
        ids = root.xpath("//@id")
        assert len(ids) == len(set(ids)), key
        for rid in root.xpath("//xref/@rid"):
            assert set(rid.split()) <= set(ids), key
        assert "[[" not in re.sub(r"\[\[<|\[\[?\d", "", root.xpath("string()")), key


def test_ids_and_titles_agree_with_the_json(records, roots):
    for key, record in records.items():
        meta = roots[key].find("front/article-meta")
        assert meta.findtext("article-id[@pub-id-type='pmcid-ver']") == key
        assert meta.findtext("article-id[@pub-id-type='doi']") == record["doi"]
        title = meta.find("title-group/article-title").xpath("string()")
        assert title == record["title"]


def test_the_versions_and_licences_that_every_snapshot_holds_are_there(records):
    codes = {record["license_code"] for record in records.values()}
    assert codes == {"CC BY", "CC0", "CC BY-SA", "CC BY-NC", "CC BY-NC-ND", "TDM", None}
    assert {"PMC99000102.1", "PMC99000102.2"} <= set(records)
    assert records["PMC99000340.2"]["is_manuscript"]
    assert sum(record["is_retracted"] for record in records.values()) == 1
    assert sum("media_urls" not in record for record in records.values()) == 3
    assert len({int(key[3:].split(".")[0]) // 1000 for key in records}) == 4


@pytest.mark.parametrize(
    "path",
    [
        "//floats-group/fig",
        "//p/fig",
        "//fig-group/fig",
        "//fig/fig",
        "//fig/alternatives/graphic",
        "//table-wrap/graphic",
        "//chem-struct-wrap/graphic",
        "//abstract[@abstract-type='graphical']//fig[caption]",
        "//supplementary-material[caption]/media",
        "//sub-article[@article-type='reply']//fig",
        "//sub-article[@article-type='translation']//fig",
        "//fig/permissions",
        "//caption//inline-formula/alternatives/tex-math",
        "//xref[contains(@rid, ' ')]",
        "//abstract/sec/title",
        "/article[@xml:lang='es']",
        "//caption/p[contains(., 'Reproduced with permission from')]",
    ],
)
def test_the_ways_in_which_real_articles_differ_are_there(roots, path):
    assert any(root.xpath(path) for root in roots.values())


def test_a_folder_with_anything_in_it_is_refused(tmp_path):
    (tmp_path / "kept.txt").write_text("mine")
    with pytest.raises(UsageError, match=re.escape(str(tmp_path))):
        write_bucket(tmp_path)
    with pytest.raises(UsageError, match="empty"):
        write_bucket(tmp_path / "kept.txt")
    assert [p.name for p in tmp_path.iterdir()] == ["kept.txt"]
