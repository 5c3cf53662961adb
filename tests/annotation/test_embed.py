"""Vectors depend on the image and the model alone, and are made once."""

from __future__ import annotations

import io
import json
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from biomedica_dataset.annotation.embeddings.article_images import Frame, ImagesOf
from biomedica_dataset.annotation.embeddings.embed import embed
from biomedica_dataset.annotation.embeddings.encoder import load_encoder
from biomedica_dataset.annotation.embeddings.image_loader import ImageLoader, read_ahead
from biomedica_dataset.annotation.embeddings.model_id import ModelId
from biomedica_dataset.annotation.embeddings.vectors import Embeddings
from biomedica_dataset.annotation.look.look import look
from biomedica_dataset.archive.ledger import Archive
from biomedica_dataset.errors import ArchiveError, ArticleError, UsageError
from biomedica_dataset.extraction.extract import extract
from biomedica_dataset.images.decode import DECODER_VERSION, decode_rgb, open_rgb
from biomedica_dataset.images.fit import fitted, squashed
from biomedica_dataset.rows import rows_of

from ..trees import tree
from .bucket import pmcids_of, write_articles


class Counting:
    """An encoder that counts what it is given, and gives means of colours."""

    colour = (0, 0, 0)

    def __init__(self, *, value=None):
        self.id = ModelId(
            name="counting", revision=None, weights="0", dim=3, size=8, preprocess="fit",
            mean=None, std=None, dtype="float32", pictures=1,
        )  # fmt: skip
        self.seen, self._value = 0, value

    def encode(self, images):
        self.seen += len(images)
        if self._value is not None:
            return np.full((len(images), 3), self._value, np.float32)
        return images.reshape(len(images), -1, 3).mean(axis=1, dtype=np.float32)


def pairs_of(archive):
    opened = Archive.open(archive)
    for block in opened.blocks():
        for row, images in opened.articles(block):
            for _group, pair in rows_of(row, images).pairs:
                yield pair


def picture(mode="RGB", size=(40, 20), colour=0, fmt="PNG", **options):
    data = io.BytesIO()
    Image.new(mode, size, colour).save(data, fmt, **options)
    return data.getvalue()


def test_every_pair_has_a_vector_under_its_key(sample_archive, embedded, encoder_folder):
    there = Embeddings.open(embedded)
    expected = {pair.key: pair for pair in pairs_of(sample_archive)}
    found = {}
    for block in there.blocks():
        table = there.read(block)
        assert table["image_hash"].to_pylist() == [
            expected[key].image_hash for key in table["key"].to_pylist()
        ]
        found |= dict(zip(*there.vectors(block), strict=True))

    assert found.keys() == expected.keys()
    assert {v.dtype for v in found.values()} == {np.dtype(np.float16)}
    encoder = load_encoder(str(encoder_folder))
    key, pair = next(iter(expected.items()))
    frame = Frame(size=encoder.id.size, colour=encoder.colour)
    alone = np.stack(frame.decode(pair.image["bytes"], [None]))
    np.testing.assert_array_equal(found[key], encoder.encode(alone)[0].astype(np.float16))


def test_a_vector_does_not_depend_on_what_stands_beside_it(encoder_folder):
    encoder = load_encoder(str(encoder_folder))
    images = np.random.default_rng(0).integers(0, 255, (70, 56, 56, 3), np.uint8)

    together = encoder.encode(images)
    apart = np.concatenate([encoder.encode(images[i : i + 1]) for i in range(70)])

    np.testing.assert_array_equal(together, apart)
    assert len(np.unique(together, axis=0)) == 70


def test_the_vector_is_the_class_token_that_transformers_gives(encoder_folder):
    import torch
    from transformers import Dinov2WithRegistersModel

    encoder = load_encoder(str(encoder_folder))
    image = np.random.default_rng(1).integers(0, 255, (1, 56, 56, 3), np.uint8)
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    pixels = torch.from_numpy(((image / 255 - mean) / std).transpose(0, 3, 1, 2)).float()
    with torch.inference_mode():
        expected = Dinov2WithRegistersModel.from_pretrained(encoder_folder)(pixels).pooler_output

    np.testing.assert_allclose(encoder.encode(image), expected, rtol=1e-4, atol=1e-5)


def test_the_same_run_again_does_nothing(sample_archive, embedded, encoder_folder, tmp_path):
    shutil.copytree(embedded, tmp_path / "copy")
    before = tree(tmp_path / "copy")
    report = embed(sample_archive, tmp_path / "copy", model=str(encoder_folder), workers=0)

    assert (report.written, report.encoded) == (0, 0)
    assert "nothing to do" in str(report)
    assert tree(tmp_path / "copy") == before


@pytest.mark.slow
@pytest.mark.parametrize("options", [{"workers": 2}, {"workers": 2, "devices": ["cpu", "cpu"]}])
def test_processes_and_devices_give_the_same_bytes(
    sample_archive, embedded, encoder_folder, tmp_path, options
):
    measures, model = tmp_path / "look", str(encoder_folder)
    report = embed(sample_archive, tmp_path / "new", model=model, look=measures, **options)

    look(sample_archive, tmp_path / "alone", workers=1)
    assert tree(measures) == tree(tmp_path / "alone")
    assert tree(tmp_path / "new") == tree(embedded)
    assert report.encoded == report.counts["kept"]
    assert 0 <= report.waited <= 1


def test_a_new_image_alone_is_encoded(sample_bucket, tmp_path):
    some = sorted(int(row.pmcid) for row in _kept(sample_bucket, tmp_path))
    source, archive = str(sample_bucket), str(tmp_path / "archive")
    extract(source, archive, pmcids=tuple(some[:-1]))
    first, again = Counting(), Counting()
    embed(archive, tmp_path / "vectors", encoder=first, workers=0)
    images = {pair.image_hash for pair in pairs_of(archive)}
    other = str(tmp_path / "more")
    extract(source, other, pmcids=tuple(some))
    more = {pair.image_hash for pair in pairs_of(other)}
    shutil.copytree(tmp_path / "vectors", tmp_path / "vectors2")
    report = embed(other, tmp_path / "vectors2", encoder=again, workers=0)

    assert first.seen == len(images)
    assert again.seen == report.encoded == len(more - images) > 0


def _kept(bucket, tmp_path):
    extract(str(bucket), str(tmp_path / "all"))
    archive = Archive.open(tmp_path / "all")
    rows = (row for block in archive.blocks() for row in archive.rows(block))
    return [row for row in rows if row.status == "kept"]


def test_an_image_that_cannot_be_decoded_is_counted_and_has_no_vector(tmp_path):
    pictures = [picture(colour=(n + 1, 0, 0)) for n in range(4)]
    pixels = pictures[1].index(b"IDAT")
    pictures[1] = pictures[1][:pixels] + b"IDAT" + bytes(20) + pictures[1][pixels + 24 :]
    keys = write_articles(tmp_path / "bucket", pictures)
    extract(str(tmp_path / "bucket"), str(tmp_path / "archive"), pmcids=pmcids_of(keys))
    report = embed(tmp_path / "archive", tmp_path / "vectors", encoder=Counting(), workers=0)

    assert report.counts == {"kept": 3, "not_decodable": 1}
    assert report.problems == [f"{keys[1]}: not_decodable"]
    assert "4 seen = 3 kept + 1 dropped" in str(report)
    there = Embeddings.open(tmp_path / "vectors")
    assert [k for block in there.blocks() for k in there.keys(block)] == keys[:1] + keys[2:]
    assert all(there.vectors(block)[1].any(axis=1).all() for block in there.blocks())


def test_a_caption_that_is_mended_costs_no_encoding(tmp_path):
    bucket, archive, vectors = (tmp_path / name for name in ("bucket", "archive", "vectors"))
    pictures = [picture(colour=(n, 0, 0)) for n in range(12)]
    keys = write_articles(bucket, pictures)
    extract(str(bucket), str(archive), pmcids=pmcids_of(keys))
    embed(archive, vectors, encoder=Counting(), workers=0)
    before = {b: Embeddings.open(vectors).read(b) for b in Embeddings.open(vectors).blocks()}
    write_articles(bucket, pictures, caption="Mended")
    extract(str(bucket), str(archive), pmcids=pmcids_of(keys))
    again = Counting()
    report = embed(archive, vectors, encoder=again, workers=0)
    there = Embeddings.open(vectors)

    assert {pair.caption for pair in pairs_of(archive)} == {f"Mended {n}." for n in range(10)}
    assert (report.written, report.encoded, again.seen) == (len(there.blocks()), 0, 0)
    assert {b: there.read(b) for b in there.blocks()} == before


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e6])
def test_nan_and_infinite_values_are_refused(sample_archive, tmp_path, value):
    with pytest.raises(UsageError, match="NaN or infinite values"):
        embed(sample_archive, tmp_path / "vectors", encoder=Counting(value=value), workers=0)


def test_vectors_of_another_model_are_not_mixed_in(sample_archive, embedded, tmp_path):
    shutil.copytree(embedded, tmp_path / "copy")
    with pytest.raises(UsageError, match=r"vectors of tiny-dinov2.*these would be of counting"):
        embed(sample_archive, tmp_path / "copy", encoder=Counting(), workers=0)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(UsageError, match="is not empty and not"):
        embed(sample_archive, tmp_path / "mine", encoder=Counting(), workers=0)


def test_what_is_no_vision_model_is_refused(tmp_path, sample_archive):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(UsageError, match="cannot be loaded as a vision model"):
        embed(sample_archive, tmp_path / "vectors", model=str(tmp_path))


def test_weights_that_are_missing_are_not_made_up(encoder_folder, tmp_path):
    from safetensors.numpy import load_file, save_file

    shutil.copytree(encoder_folder, tmp_path / "less")
    path = tmp_path / "less" / "model.safetensors"
    weights = {k: v for k, v in load_file(path).items() if "layer.1." not in k}
    save_file(weights, path, metadata={"format": "pt"})
    with pytest.raises(UsageError, match=r"lacks \d+ of its weights"):
        load_encoder(str(tmp_path / "less"))
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(UsageError, match="cannot be loaded as a vision model"):
        load_encoder(str(tmp_path / "less"))


def test_other_normalization_is_another_model(encoder_folder, tmp_path):
    shutil.copytree(encoder_folder, tmp_path / "other")
    numbers = tmp_path / "other" / "preprocessor_config.json"
    stored = json.loads(numbers.read_text())
    numbers.write_text(json.dumps({**stored, "image_mean": [0.5, 0.5, 0.5]}))
    one, other = load_encoder(str(encoder_folder)).id, load_encoder(str(tmp_path / "other")).id

    assert one.weights == other.weights
    assert one != replace(other, name=one.name)


@pytest.mark.slow
def test_what_decodes_ends_with_the_process_that_started_it(sample_archive, tmp_path):
    script = (
        "import os, signal\n"
        "from biomedica_dataset.annotation.embeddings.article_images import Frame, ImagesOf\n"
        "from biomedica_dataset.annotation.embeddings.image_loader import ImageLoader\n"
        "from biomedica_dataset.archive.ledger import Archive\n"
        "if __name__ == '__main__':\n"
        f"    archive = Archive.open({str(sample_archive)!r})\n"
        "    loader = ImageLoader(archive, ImagesOf(Frame(size=8, colour=None), None), 1)\n"
        "    loader._pool.submit(int).result()\n"
        "    list(loader.images(archive.blocks()[:1], lambda block: {}))\n"
        "    print(*loader._pool._processes, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    (tmp_path / "killed.py").write_text(script)
    command = [sys.executable, str(tmp_path / "killed.py")]
    ended = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    (child,) = ended.stdout.split()
    for _ in range(100):
        if not Path(f"/proc/{int(child)}").exists():
            break
        time.sleep(0.05)

    assert not Path(f"/proc/{int(child)}").exists()


def test_what_is_read_ahead_comes_in_order_and_so_do_errors():
    def items():
        yield from range(5)
        raise OSError("gone")

    coming = read_ahead(items(), 2)
    assert [next(coming) for _ in range(5)] == [0, 1, 2, 3, 4]
    with pytest.raises(OSError, match="gone"):
        next(coming)
    assert list(read_ahead(iter([]), 2)) == []
    unfinished = read_ahead(iter(range(10)), 2)
    assert next(unfinished) == 0
    unfinished.close()


@pytest.mark.slow
@pytest.mark.parametrize("processes", [0, 2])
def test_images_come_by_block_and_only_those_that_are_needed(sample_archive, processes):
    archive = Archive.open(sample_archive)
    pairs = {pair.key: pair for pair in pairs_of(sample_archive)}
    known = {int(key[3:].split("_")[0]): {pair.image_hash} for key, pair in pairs.items()}
    frame = Frame(size=8, colour=(0, 0, 0))
    with ImageLoader(archive, ImagesOf(frame, None), processes) as loader:
        parts = list(loader.images(archive.blocks(), lambda block: known))
    found = [picture for _block, own in parts for picture in own]

    assert [picture.key for picture in found] == list(pairs)
    assert list(dict.fromkeys(block for block, _own in parts)) == archive.blocks()
    for one in found:
        assert (one.digest, one.size) == (
            pairs[one.key].image_hash, len(pairs[one.key].image["bytes"])
        )  # fmt: skip
        if one.pixels is None:
            assert one.digest in known[int(one.key[3:].split("_")[0])]
        else:
            expected = frame.decode(pairs[one.key].image["bytes"], [None])[0]
            np.testing.assert_array_equal(one.pixels, expected)


def test_a_broken_block_is_reported(sample_archive, embedded, encoder_folder, tmp_path):
    shutil.copytree(embedded, tmp_path / "copy")
    block = next((tmp_path / "copy" / "blocks").iterdir())
    block.write_bytes(block.read_bytes()[:100])
    with pytest.raises(ArchiveError, match=f"{block.name} cannot be read"):
        embed(sample_archive, tmp_path / "copy", model=str(encoder_folder), workers=0)


@pytest.mark.slow
def test_a_killed_run_goes_on_and_ends_with_the_same_bytes(
    sample_archive, embedded, encoder_folder, tmp_path
):
    output = tmp_path / "vectors"
    command = [sys.executable, "-m", "biomedica_dataset", "annotate", "embed", str(sample_archive)]
    command += ["-o", str(output), "--model", str(encoder_folder), "--workers", "0"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    while process.poll() is None and not list(output.glob("blocks/*.parquet")):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    embed(sample_archive, output, model=str(encoder_folder), workers=0)

    assert tree(output) == tree(embedded)


class TestPictures:
    def test_aspect_is_kept_and_the_rest_is_filled(self):
        image = decode_rgb(picture(size=(40, 20), colour=(10, 200, 30)), 8)
        square = fitted(image, 8, (1, 2, 3))

        assert square.shape == (8, 8, 3)
        assert (square[2:6] == (10, 200, 30)).all()
        assert (square[:2] == (1, 2, 3)).all()
        assert (square[6:] == (1, 2, 3)).all()
        assert squashed(image, 8).shape == (8, 8, 3)

    @pytest.mark.parametrize("size", [(90, 40), (40, 90), (30, 30), (57, 600)])
    def test_images_are_resized_as_pillow_does(self, size):
        x, y = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
        pixels = np.stack([x * 2, y * 5, (x * y) % 256], axis=2).astype(np.uint8)
        expected = Image.fromarray(pixels).resize((56, 56), Image.Resampling.BICUBIC)

        difference = np.abs(squashed(pixels, 56).astype(int) - np.asarray(expected))

        # Other pixels make vectors that cannot be compared with those stored: raise the version.
        assert DECODER_VERSION == 3
        assert (difference > 1).mean() < 0.01  # Pillow and torch round at other places

    @pytest.mark.parametrize(
        ("data", "expected"),
        [
            (picture("RGBA", colour=(0, 0, 0, 0)), (255, 255, 255)),
            (picture("LA", colour=(0, 255)), (0, 0, 0)),
            (picture("I;16", colour=65535), (255, 255, 255)),
            (picture("I;16", colour=257 * 100), (100, 100, 100)),
            (picture("L", colour=77), (77, 77, 77)),
            (picture("1", colour=1), (255, 255, 255)),
            (picture("CMYK", colour=(0, 0, 0, 0), fmt="TIFF"), (255, 255, 255)),
            (picture("P", colour=0, transparency=0), (255, 255, 255)),
            (picture("RGB", colour=(9, 9, 9), fmt="BMP"), (9, 9, 9)),
        ],
        ids=["RGBA", "LA", "I;16 white", "I;16", "L", "1", "CMYK", "P", "BMP"],
    )
    def test_every_mode_becomes_rgb_as_a_person_sees_it(self, data, expected):
        image = open_rgb(data, 16)

        assert image.mode == "RGB"
        assert image.getpixel((3, 3)) == expected

    def test_a_turned_picture_is_upright(self):
        image = Image.new("RGB", (40, 20))
        exif = image.getexif()
        exif[0x0112] = 6
        data = io.BytesIO()
        image.save(data, "JPEG", exif=exif)

        assert open_rgb(data.getvalue(), 16).size == (20, 40)

    def test_a_large_jpeg_is_decoded_at_a_smaller_scale(self):
        assert max(open_rgb(picture(size=(2000, 1000), fmt="JPEG"), 56).size) <= 4 * 112

    @pytest.mark.parametrize(
        "data",
        [b"", b"no picture", picture()[:40], b"GIF89a" + bytes(20)],
        ids=["empty", "text", "cut", "zeros"],
    )
    def test_what_is_no_picture_is_an_article_error(self, data):
        with pytest.raises(ArticleError, match="not_decodable"):
            open_rgb(data, 16)

    def test_a_bomb_is_not_decoded(self):
        header = picture(size=(10, 10))
        bomb = header[:16] + (60_000).to_bytes(4, "big") * 2 + header[24:]
        with pytest.raises(ArticleError):
            open_rgb(bomb, 16)


def test_what_a_vector_depends_on_makes_its_digest(embedded):
    there = Embeddings.open(embedded)
    other = Embeddings(
        there.folder, replace(there.header, model=replace(there.model, preprocess="paper"))
    )

    assert there.digest != other.digest


@pytest.fixture
def decoding_on_cpu(monkeypatch):
    """A GPU decodes, which is the CPU here."""
    name = "biomedica_dataset.annotation.embeddings.encoder.decoding_device"
    monkeypatch.setattr(name, lambda decoder, device: device if decoder == "gpu" else None)


@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_a_device_that_decodes_gives_nearly_the_same_vectors_of_another_model(
    sample_archive, embedded, encoder_folder, tmp_path, decoding_on_cpu, workers
):
    measures, model = tmp_path / "look", str(encoder_folder)
    chosen = {"model": model, "decoder": "gpu", "devices": ["cpu"], "workers": workers}
    report = embed(sample_archive, tmp_path / "new", look=measures, **chosen)
    again = embed(sample_archive, tmp_path / "again", **chosen)
    there, usual = Embeddings.open(tmp_path / "new"), Embeddings.open(embedded)

    assert report.counts == again.counts == embed(sample_archive, embedded, model=model).counts
    assert "decoded on a GPU" in str(there.model)
    assert there.model.pictures != usual.model.pictures
    assert tree(tmp_path / "again") == tree(tmp_path / "new")
    look(sample_archive, tmp_path / "alone", workers=1)
    assert tree(measures) == tree(tmp_path / "alone")
    for block in usual.blocks():
        (keys, found), (expected_keys, expected) = there.vectors(block), usual.vectors(block)
        assert keys == expected_keys
        one, other = found.astype(np.float32), expected.astype(np.float32)
        cosine = (
            (one * other).sum(axis=1) / np.linalg.norm(one, axis=1) / np.linalg.norm(other, axis=1)
        )
        assert np.median(cosine) > 0.999
        assert cosine.min() > 0.97
    with pytest.raises(UsageError, match="cannot be compared: name another folder"):
        embed(sample_archive, tmp_path / "new", model=model, workers=0)


def test_a_device_counts_what_cannot_be_decoded(tmp_path, encoder_folder, decoding_on_cpu):
    pictures = [picture(colour=(n + 1, 0, 0), fmt="JPEG") for n in range(3)]
    pictures[1] = pictures[1][:-10]
    keys = write_articles(tmp_path / "bucket", pictures)
    extract(str(tmp_path / "bucket"), str(tmp_path / "archive"), pmcids=pmcids_of(keys))
    report = embed(
        tmp_path / "archive", tmp_path / "vectors", model=str(encoder_folder), decoder="gpu",
        devices=["cpu"], workers=0,
    )  # fmt: skip

    assert report.counts == {"kept": 2, "not_decodable": 1}
    assert report.problems == [f"{keys[1]}: not_decodable"]


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({}, "use decoder cpu"),
        ({"encoder": Counting()}, "omit encoder"),
        ({"model": "classical"}, "classical is not a model"),
    ],
)
def test_the_decoder_gpu_needs_a_gpu_and_a_model(
    sample_archive, encoder_folder, tmp_path, options, match
):
    given = {"model": str(encoder_folder), "devices": ["cpu"], **options}
    with pytest.raises(UsageError, match=match):
        embed(sample_archive, tmp_path / "vectors", decoder="gpu", **given)
