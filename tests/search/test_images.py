"""Images found by images: what a folder and a server give, and what is refused."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from biomedica_dataset.annotation.embeddings.classical import Classical
from biomedica_dataset.annotation.embeddings.embed import embed
from biomedica_dataset.errors import UsageError
from biomedica_dataset.folder.manifest import read_manifest
from biomedica_dataset.hub.staging import collect
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.search.build import build_search
from biomedica_dataset.search.page.search_page import SearchHandlers
from biomedica_dataset.search.search import open_search
from biomedica_dataset.serialization.serialize import serialize
from biomedica_dataset.verification.verify import verify

from ..servers.bucket import BucketServer
from .test_search import NAEVUS, files, keys, run


@pytest.fixture(scope="session")
def with_images(sample_archive, once, tmp_path_factory):
    """The sample with vectors of its images; not to be changed by a test."""

    def make(folder):
        vectors = tmp_path_factory.mktemp("vectors") / "embeddings"
        embed(sample_archive, vectors, encoder=Classical(), workers=0)
        serialize(sample_archive, folder, embeddings=vectors, workers=1)
        build_search(folder, image_vectors=True, workers=1)

    return once("with-images", make)


@pytest.fixture
def image(with_images, tmp_path):
    """A file with the image of a figure, smaller and compressed again."""
    (found,) = open_search(with_images).search("pigment network smooth", limit=1, images=True)
    assert found.key == NAEVUS
    opened = Image.open(io.BytesIO(found.image["bytes"])).convert("RGB")
    opened.reduce(2).save(tmp_path / "mine.jpg", quality=60)
    return tmp_path / "mine.jpg"


def test_an_image_finds_the_figure_that_it_is_of(with_images, image):
    found = open_search(with_images).search(image=image, limit=5)

    assert found[0].key == NAEVUS
    assert len(found) == 5
    assert found[0].score == pytest.approx(1, abs=0.05)
    assert str(found[0].snippet).startswith("Dermoscopic image")
    assert not found[0].matched


def test_what_is_similar_to_a_figure_is_not_the_figure_itself(with_images):
    search = open_search(with_images)
    found = search.search(similar=NAEVUS, limit=5)

    assert NAEVUS not in keys(found)
    assert len(found) == 5
    few = search.search(similar=NAEVUS, limit=5, licenses="noncommercial")
    assert {one.row["license_group"] for one in few} == {"noncommercial"}


def test_bits_alone_decide_over_http_and_vectors_are_not_fetched(with_images, image):
    with BucketServer(with_images) as server:
        search = open_search(server.url)
        assert NAEVUS in keys(search.search(image=image, limit=3))
        assert len(search.search(similar=NAEVUS, limit=5)) == 5
        assert not [key for key in server.asked() if "embeddings" in key]


def test_figures_without_a_vector_are_never_found(with_images):
    every = open_search(with_images).search(similar=NAEVUS, limit=100)
    rows = {one.key: one for one in open_search(with_images).search("figure image", limit=100)}

    assert 40 < len(every) < 62
    assert any(key not in keys(every) for key in rows)


def test_vectors_of_images_are_added_without_writing_words_again(
    sample_archive, with_images, tmp_path
):
    before = {name for name in files(with_images) if not name.endswith(".image")}
    manifest = read_manifest(Folder(with_images))

    assert manifest.search.image_model.dim == 150
    assert all(part.image for part in manifest.search.parts)
    assert build_search(with_images, image_vectors=True, workers=1).written == 0
    assert {part.image.path.rpartition("/")[2] for part in manifest.search.parts} | before == set(
        files(with_images)
    )
    assert verify(with_images).problems == []
    pushed = collect(Folder(with_images), tmp_path, "me/biomedica", include_other=False)
    assert any(file.path.endswith(".image") for file in pushed)


def test_the_page_offers_similar_images_where_there_are_vectors(with_images, search):
    handlers = SearchHandlers(open_search(with_images))
    told = handlers.search({"similar": NAEVUS, "limit": 3})

    assert handlers.about({})["has_images"]
    assert len(told["results"]) == 3
    assert not SearchHandlers(search).about({})["has_images"]


@pytest.mark.slow
def test_what_is_no_image_and_an_index_without_vectors_are_refused(
    searchable, with_images, image, tmp_path
):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(image.read_bytes()[:200])
    search = open_search(with_images)
    with pytest.raises(UsageError, match=r"broken\.jpg cannot be decoded as an image"):
        search.search(image=broken)
    with pytest.raises(UsageError, match=r"nothing\.jpg cannot be read"):
        search.search(image=tmp_path / "nothing.jpg")
    with pytest.raises(UsageError, match="has the key 'PMC1_g1'"):
        search.search(similar="PMC1_g1")
    with pytest.raises(UsageError, match="give one of a query"):
        search.search("cells", image=image)
    with pytest.raises(UsageError, match="give one of a query"):
        search.search()
    for asked in ({"image": image}, {"similar": NAEVUS}):
        with pytest.raises(UsageError, match="build` with --image-vectors"):
            open_search(searchable).search(**asked)
    with pytest.raises(UsageError, match="has no vectors of images; run `biomedica annotate embed"):
        build_search(searchable, image_vectors=True)
    refused = run(with_images, "--image", broken)
    assert refused.returncode == 2
    assert "Traceback" not in refused.stderr


def test_bits_of_vectors_without_negative_numbers_tell_them_apart():
    from biomedica_dataset.search.vectors.bit_vectors import to_bits
    from biomedica_dataset.search.vectors.image_vectors import centred

    vectors = np.random.default_rng(0).random((50, 64)).astype(np.float32)

    assert len(np.unique(to_bits(vectors), axis=0)) == 1
    assert len(np.unique(to_bits(centred(vectors)), axis=0)) == 50
