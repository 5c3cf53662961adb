"""One policy for an image that cannot be decoded, from serialize to the reader."""

from __future__ import annotations

import io
import json
import pickle
import shutil

import pytest
from datasets import Image as ImageFeature
from datasets import load_dataset
from datasets.exceptions import DatasetGenerationError
from PIL import Image
from torch.utils.data import DataLoader

from biomedica_dataset.annotation.embeddings.embed import embed
from biomedica_dataset.cli import main
from biomedica_dataset.clip.evaluate.evaluate import evaluate
from biomedica_dataset.clip.models.model_config import ModelConfig
from biomedica_dataset.clip.models.open_clip import export, make_model
from biomedica_dataset.clip.train.config import DataConfig, OptimizerConfig, TrainConfig
from biomedica_dataset.clip.train.train import train
from biomedica_dataset.errors import ArticleError, UsageError
from biomedica_dataset.extraction.extract import extract
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.serialization.serialize import serialize
from biomedica_dataset.streaming.dataset import open_dataset
from biomedica_dataset.verification.verify import verify
from biomedica_dataset.webdataset.export import serialize_webdataset

from ..clip.made import TINY, write
from ..reliability.buckets import article, figure, put
from ..untrained_encoder import write_encoder

CUT = "PMC8100001_b"


def jpeg(size=(60, 40), **options):
    written = io.BytesIO()
    Image.effect_noise(size, 80).convert("RGB").save(written, "JPEG", **options)
    return written.getvalue()


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Three images: whole, cut in the middle, and turned by EXIF."""
    root = tmp_path_factory.mktemp("cut")
    turned = Image.Exif()
    turned[0x0112] = 6
    media = {"a.jpg": jpeg(), "b.jpg": jpeg()[:900], "c.jpg": jpeg(exif=turned)}
    figures = "".join(figure(name, number=n) for n, name in enumerate(media))
    put(root / "bucket", 8_100_001, article(figures), media)
    extract(str(root / "bucket"), root / "archive", workers=1)
    return root / "archive"


@pytest.fixture(scope="module", params=[False, True], ids=["unchecked", "checked"])
def folder(request, archive, tmp_path_factory):
    path = tmp_path_factory.mktemp("rows") / "biomedica"
    serialize(archive, path, workers=1, check_images=request.param)
    return path


def test_serialize_tells_what_it_decoded_and_keeps_it_in_the_index(archive, tmp_path):
    report = serialize(archive, tmp_path / "new", workers=1, check_images=True)
    rows = list(open_dataset(tmp_path / "new", columns=["key", "image_decodes", "image_width"]))

    assert report.images == {"kept": 2, "not_decodable": 1}
    assert f"cannot be decoded: {CUT}: not_decodable" in str(report)
    assert [row["image_decodes"] for row in rows] == [True, False, True]
    assert [row["image_width"] for row in rows] == [60, 60, 40]
    assert "1 images cannot be decoded" in (tmp_path / "new/README.md").read_text()
    again = serialize(archive, tmp_path / "new", workers=1, check_images=True)
    assert (again.rewritten, again.images) == (0, report.images)
    left = load_dataset(
        str(tmp_path / "new"), "commercial", split="train", streaming=True,
        filters=[("image_decodes", "==", True)],
    )  # fmt: skip
    assert len(list(left)) == 2


def test_without_the_option_nothing_is_known(archive, tmp_path):
    report = serialize(archive, tmp_path / "new", workers=1)
    rows = list(open_dataset(tmp_path / "new", columns=["image_decodes"]))

    assert (report.images, report.undecodable) == ({}, [])
    assert [row["image_decodes"] for row in rows] == [None] * 3
    assert serialize(archive, tmp_path / "new", workers=1, check_images=True).rewritten == 1


class TestStream:
    def test_an_error_names_the_key(self, folder):
        rows = iter(open_dataset(folder))

        assert next(rows)["image"].size == (60, 40)
        with pytest.raises(ArticleError, match=f"image of {CUT} cannot be decoded: not_decodable"):
            next(rows)

    def test_it_is_skipped_and_counted(self, folder, caplog):
        rows = open_dataset(folder, on_error="skip")

        for epoch in (0, 1):
            rows.set_epoch(epoch)
            assert [row["image"].size for row in rows] == [(60, 40), (40, 60)]
        told = f"1 images could not be decoded and were skipped: {CUT}"
        assert [record.getMessage() for record in caplog.records] == [told, told]

    def test_it_is_none_and_counted(self, folder, caplog):
        rows = list(open_dataset(folder, on_error="none"))

        assert [row["image"] is None for row in rows] == [False, True, False]
        assert [row["key"] for row in rows][1] == CUT
        assert f"were left empty: {CUT}" in caplog.text

    def test_a_stream_resumes_behind_what_it_skipped(self, folder):
        rows = open_dataset(folder, on_error="skip", columns=["key", "image"])
        begun = iter(rows)
        next(begun), next(begun)
        state = rows.state_dict()
        rows.load_state_dict(state)

        assert list(rows) == []

    @pytest.mark.parametrize("on_error", ["skip", "none"])
    def test_workers_and_maps_keep_to_it(self, folder, on_error):
        rows = open_dataset(folder, on_error=on_error, columns=["key", "image"])
        left = 2 if on_error == "skip" else 3
        loader = DataLoader(rows, batch_size=None, num_workers=1)

        copied = pickle.loads(pickle.dumps(rows)).features["image"]
        assert rows.features["image"] == ImageFeature() == copied
        assert len(list(loader)) == left
        assert len(list(rows.map(lambda row: {"size": row["image"] and row["image"].size}))) == left

    def test_bytes_are_given_as_they_are(self, folder):
        for rows in (
            open_dataset(folder).decode(enable=False),
            open_dataset(folder).cast_column("image", ImageFeature(decode=False)),
        ):
            assert [len(row["image"]["bytes"]) for row in rows][1] == 900

    def test_other_words_are_refused(self, folder):
        with pytest.raises(UsageError, match="on_error must be one of raise, skip, none"):
            open_dataset(folder, on_error="ignore")


@pytest.mark.parametrize("streaming", [True, False])
def test_the_builder_has_the_same_policy(archive, tmp_path, streaming, caplog):
    def keys(on_error):
        rows = load_dataset(
            "biomedica", source=str(archive), split="train", streaming=streaming,
            on_error=on_error, cache_dir=str(tmp_path / on_error),
        )  # fmt: skip
        return {row["key"].rpartition("_")[2]: row["image"] and row["image"].size for row in rows}

    assert keys("skip") == {"a": (60, 40), "c": (40, 60)}
    assert f"were skipped: {CUT}" in caplog.text
    assert keys("none") == {"a": (60, 40), "b": None, "c": (40, 60)}
    # datasets wraps what it meets while it prepares.
    with pytest.raises(ArticleError if streaming else DatasetGenerationError) as raised:
        keys("raise")
    assert CUT in str(raised.value if streaming else raised.value.__cause__)


def test_verify_decodes_when_it_is_asked(archive, folder, tmp_path):
    serialize_webdataset(archive, tmp_path / "tars", workers=1)
    known = [row["image_decodes"] for row in open_dataset(folder, columns=["image_decodes"])]

    for place, what in ((archive, "b.jpg of PMC8100001.1"), (tmp_path / "tars", f"{CUT}.jpg")):
        assert verify(place).problems == []
        (problem,) = verify(place, images=True).problems
        assert problem.endswith(f"{what} cannot be decoded: not_decodable")
    problems = verify(folder, images=True).problems
    assert len(problems) == (0 if known[1] is False else 1)
    assert all(CUT in problem for problem in problems)


def test_the_command_line_takes_both_options(archive, tmp_path):
    from click.testing import CliRunner

    run = CliRunner().invoke
    made = run(main, ["serialize", str(archive), "-o", str(tmp_path / "b"), "--check-images"])
    shutil.rmtree(tmp_path / "b/.shards")

    assert f"cannot be decoded: {CUT}: not_decodable" in made.output
    assert run(main, ["verify", str(tmp_path / "b"), "--images"]).exit_code == 0
    assert run(main, ["verify", str(archive), "--images"]).exit_code == 1


@pytest.fixture(scope="module")
def clip_model(tmp_path_factory):
    """The name of a small CLIP model without weights."""
    folder = tmp_path_factory.mktemp("clip")
    (folder / "open_clip_config.json").write_text(json.dumps(TINY))
    return f"local-dir:{folder}"


@pytest.mark.slow
class TestTrain:
    @staticmethod
    def config(folder, output, model, on_error, workers=0):
        return TrainConfig(
            output=str(output),
            model=ModelConfig(name=model, pretrained=None),
            data=DataConfig(path=str(folder), workers=workers, on_error=on_error),
            optimizer=OptimizerConfig(lr=1e-3, warmup=1),
            samples=4, global_batch=2, micro_batch=2, checkpoint_every=1, log_every=1,
        )  # fmt: skip

    @pytest.mark.parametrize("workers", [0, 1])
    def test_an_error_names_the_key(self, folder, tmp_path, clip_model, workers):
        config = self.config(folder, tmp_path / "tuned", clip_model, "raise", workers)

        with pytest.raises(ArticleError, match=rf"image of {CUT} cannot be decoded.* of step 1 is"):
            train(config)
        assert not (tmp_path / "tuned" / "open_clip_config.json").exists()

    def test_it_is_skipped_and_counted_also_after_an_error(self, folder, tmp_path, clip_model):
        told: list[str] = []
        with pytest.raises(ArticleError):
            train(self.config(folder, tmp_path / "tuned", clip_model, "raise"))
        report = train(self.config(folder, tmp_path / "tuned", clip_model, "skip"), log=told.append)

        assert (report.steps, report.pairs) == (2, 4)
        assert any("not readable" in line or "cannot be read" in line for line in told), told


class TestEmbed:
    @pytest.fixture
    def encoder(self, tmp_path):
        write_encoder(tmp_path / "encoder")
        return str(tmp_path / "encoder")

    @pytest.mark.parametrize("workers", [0, pytest.param(1, marks=pytest.mark.slow)])
    def test_an_error_names_the_key_and_a_skip_goes_on(self, archive, tmp_path, encoder, workers):
        def run(on_error):
            return embed(
                archive, tmp_path / "out", model=encoder, workers=workers, on_error=on_error
            )

        with pytest.raises(ArticleError, match=f"image of {CUT} cannot be decoded: not_decodable"):
            run("raise")
        assert run("skip").counts == {"kept": 2, "not_decodable": 1}
        with pytest.raises(ArticleError, match=CUT):  # also of what was embedded before
            run("raise")
        assert run("skip").encoded == 0


class TestEvaluate:
    @pytest.fixture
    def given(self, tmp_path, clip_model):
        """The names of a model with weights, and of a task of which an image is cut."""
        images = {"red/a.jpg": jpeg(), "red/b.jpg": jpeg()[:900], "blue/c.jpg": jpeg()}
        for name, data in images.items():
            (tmp_path / "images" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "images" / name).write_bytes(data)
        task = write(
            tmp_path / "colours.yaml", source={"folder": "images"}, classes=["blue", "red"]
        )
        made = make_model(ModelConfig(name=clip_model, pretrained=None))
        export(Folder(tmp_path / "model"), made, "")
        return [str(tmp_path / "model")], tmp_path / "out", task

    @pytest.mark.slow
    def test_an_error_names_the_image_and_a_skip_counts_it(self, given):
        models, output, task = given

        with pytest.raises(ArticleError, match=r"b\.jpg cannot be decoded: .*\(task colours\)"):
            evaluate(models, output, tasks=[task], draws=20, on_error="raise")
        assert not (output / "results.json").exists()
        evaluate(models, output, tasks=[task], draws=20)
        (measured,) = json.loads((output / "results.json").read_bytes())["tasks"]
        counted = {"seen": 3, "kept": 2, "dropped": {"not_decodable": 1}}
        assert measured["images"] == counted
        with pytest.raises(ArticleError, match=r"b\.jpg"):  # also of vectors that are kept
            evaluate(models, output, tasks=[task], draws=20, on_error="raise")
