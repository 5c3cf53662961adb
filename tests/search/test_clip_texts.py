"""Images found by words: vectors of a CLIP, before its projection, against those of its texts."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from biomedica_dataset.annotation.embeddings.embed import embed
from biomedica_dataset.annotation.embeddings.encoder import load_encoder
from biomedica_dataset.errors import UsageError
from biomedica_dataset.search.build import build_search
from biomedica_dataset.search.search import open_search
from biomedica_dataset.search.vectors.clip_texts import ClipTexts, has_texts
from biomedica_dataset.serialization.serialize import serialize

from ..annotation.browser import accessible, served
from ..servers.bucket import BucketServer
from ..untrained_encoder import write_encoder
from .conftest import write_tokenizer
from .test_search import keys

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

WORDS = "blood cells under the microscope"
TOWER = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
         "intermediate_size": 32}  # fmt: skip
TEXTS = TOWER | {"vocab_size": 300, "max_position_embeddings": 40, "eos_token_id": 3}
IMAGES = TOWER | {"image_size": 28, "patch_size": 14}


def write_clip(folder, seed=0, kind="CLIP"):
    """Write an untrained model of images and texts, as `save_pretrained` does."""
    own = {"projection_dim": 16} if kind == "CLIP" else {}
    config = getattr(transformers, f"{kind}Config")(
        text_config=TEXTS | own, vision_config=IMAGES | own, **own
    )
    torch.manual_seed(seed)
    getattr(transformers, f"{kind}Model")(config).save_pretrained(folder)
    numbers = {"size": {"height": 28, "width": 28}, "crop_size": {"height": 28, "width": 28}}
    transformers.CLIPImageProcessor(**numbers).save_pretrained(folder)
    write_tokenizer(folder)


@pytest.fixture(scope="session")
def clip(once):
    """An untrained CLIP."""
    return once("clip", write_clip)


@pytest.fixture(scope="session")
def seen_by_clip(sample_archive, clip, once, tmp_path_factory):
    """The sample with vectors of its images by a CLIP; not to be changed by a test."""

    def make(folder):
        vectors = tmp_path_factory.mktemp("vectors") / "embeddings"
        embed(sample_archive, vectors, encoder=load_encoder(str(clip), device="cpu"), workers=0)
        serialize(sample_archive, folder, embeddings=vectors, workers=1)
        build_search(folder, image_vectors=True, workers=1)

    return once("seen-by-clip", make)


def brute_force(folder, clip):
    """Return the cosines of all images with the words, by key, as the model computes them."""
    model = transformers.CLIPModel.from_pretrained(clip).eval()
    files = sorted((folder / "embeddings").rglob("*.parquet"))
    rows = pa.concat_tables([pq.read_table(file) for file in files]).to_pylist()
    rows = [row for row in rows if row["image_embedding"] is not None]
    with torch.inference_mode():
        images = model.visual_projection(torch.tensor([row["image_embedding"] for row in rows]))
    cosines = torch.nn.functional.normalize(images).numpy() @ of_text(model, clip)
    return {row["key"]: float(cosine) for row, cosine in zip(rows, cosines, strict=True)}


def of_text(model, folder):
    tokens = transformers.AutoTokenizer.from_pretrained(folder)
    asked = tokens([WORDS], return_tensors="pt", padding="max_length", max_length=40)
    asked.pop("token_type_ids", None)
    with torch.inference_mode():
        made = model.get_text_features(**asked)
        return torch.nn.functional.normalize(getattr(made, "pooler_output", made))[0].numpy()


def test_words_find_the_images_that_all_cosines_find(seen_by_clip, clip):
    truth = brute_force(seen_by_clip, clip)
    best = sorted(truth, key=truth.get, reverse=True)

    search = open_search(seen_by_clip, image_model=str(clip))
    found = search.search(WORDS, mode="image", limit=10)

    assert keys(found) == best[:10]
    scores = [one.score for one in found]
    assert scores == pytest.approx([truth[key] for key in best[:10]], abs=1e-5)
    few = search.search(WORDS, mode="image", limit=60, licenses="noncommercial")
    assert {one.row["license_group"] for one in few} == {"noncommercial"}
    assert [one.key for one in few] == [key for key in best if key in keys(few)]


def test_over_http_bits_alone_find_what_is_near(seen_by_clip, clip):
    truth = brute_force(seen_by_clip, clip)
    with BucketServer(seen_by_clip) as server:
        search = open_search(server.url, image_model=str(clip))
        found = keys(search.search(WORDS, mode="image", limit=10))
        assert not [key for key in server.asked() if "embeddings" in key]

    assert len(found) == 10
    mean, best = np.mean(list(truth.values())), np.mean(sorted(truth.values())[-10:])
    assert np.mean([truth[key] for key in found]) - mean > 0.3 * (best - mean)


@pytest.mark.parametrize("kind", ["CLIP", "Siglip"])
def test_projected_vectors_are_those_of_the_model_itself(tmp_path, kind):
    write_clip(tmp_path / "model", kind=kind)
    made, encoder = ClipTexts(str(tmp_path / "model")), load_encoder(str(tmp_path / "model"))
    model = getattr(transformers, f"{kind}Model").from_pretrained(tmp_path / "model").eval()
    images = np.random.default_rng(0).integers(0, 256, (2, 28, 28, 3)).astype(np.uint8)
    mean, std = (torch.tensor(one).view(3, 1, 1) for one in (encoder.id.mean, encoder.id.std))
    with torch.inference_mode():
        pixels = (torch.tensor(images).permute(0, 3, 1, 2) / 255 - mean) / std
        wanted = model.get_image_features(pixel_values=pixels)

    vectors = encoder.encode(images)
    assert (made.projection is None) == (kind == "Siglip")
    projected = vectors if made.projection is None else vectors @ made.projection.T
    np.testing.assert_allclose(projected, getattr(wanted, "pooler_output", wanted), atol=1e-4)
    np.testing.assert_allclose(made.encode(WORDS), of_text(model, tmp_path / "model"), atol=1e-5)
    assert str(encoder.id).startswith(f"{made.version}, ")


def test_a_model_without_texts_and_another_than_that_of_the_index_are_refused(
    seen_by_clip, clip, searchable, model, tmp_path
):
    write_clip(tmp_path / "other", seed=1)
    transformers.CLIPVisionModel(transformers.CLIPVisionConfig(**IMAGES)).save_pretrained(
        tmp_path / "half"
    )
    broken = transformers.CLIPModel.from_pretrained(clip)
    broken.text_projection.weight.data.fill_(float("nan"))
    shutil.copytree(clip, tmp_path / "broken")
    broken.save_pretrained(tmp_path / "broken")
    for folder, image_model, unit, told in (
        (seen_by_clip, tmp_path / "other", "figure", "were made by clip .*, and .*other is other "),
        (seen_by_clip, tmp_path / "half", "figure", "CLIPVisionModel, which has no texts"),
        (seen_by_clip, model, "figure", "BertModel, which has no texts"),
        (seen_by_clip, tmp_path / "none", "figure", "cannot be loaded as a model of images"),
        (seen_by_clip, "classical", "figure", "not a model of images and texts"),
        (seen_by_clip, tmp_path / "broken", "figure", "cannot be used as .*NaN or infinite"),
        (searchable, tmp_path / "other", "figure", "`biomedica search build` with --image-vectors"),
    ):
        search = open_search(folder, image_model=str(image_model))
        with pytest.raises(UsageError, match=told):
            search.search("cells", mode="image", unit=unit)


def test_images_are_offered_by_words_where_a_model_with_texts_is_at_hand(seen_by_clip, clip, once):
    assert open_search(seen_by_clip).modes() == ["lexical"]
    assert open_search(seen_by_clip, image_model=str(clip)).modes() == ["lexical", "image"]
    vision = once("encoder", write_encoder)
    assert [has_texts(str(one)) for one in (clip, vision, "classical")] == [True, False, False]


def test_vectors_of_the_hub_and_a_folder_are_refused_with_the_id_to_name(
    seen_by_clip, clip, tmp_path
):
    shutil.copytree(seen_by_clip, tmp_path / "dataset")
    manifest = tmp_path / "dataset" / "manifest.json"
    made = json.loads(manifest.read_bytes())["search"]["image_model"]["name"]
    named = made.replace(made.partition(",")[0], "org/clip@0123456789ab")
    manifest.write_text(manifest.read_text().replace(made, named))

    search = open_search(tmp_path / "dataset", image_model=str(clip))
    with pytest.raises(UsageError, match="which a folder lacks: name org/clip, which"):
        search.search(WORDS, mode="image")


@pytest.mark.slow
def test_the_page_finds_images_by_words(seen_by_clip, clip, chromium):
    best = keys(open_search(seen_by_clip, image_model=str(clip)).search(WORDS, mode="image"))
    serve = ("search", "serve")
    with served(seen_by_clip, "--image-model", clip, command=serve) as (address, _server):
        page = chromium()[1].new_page()
        page.set_default_timeout(30_000)
        page.goto(address)
        page.locator("#mode").select_option("image")
        page.locator("#query").fill(WORDS)
        page.locator("#query").press("Enter")
        page.locator(".found").first.wait_for()
        shown = [one.get_attribute("data-key") for one in page.locator(".found").all()]
        assert shown == best
        accessible(page)
