"""Vectors of captions: what they find, alone and beside words, and what is refused."""

from __future__ import annotations

import shutil
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biomedica_dataset.errors import ArchiveError, UsageError
from biomedica_dataset.folder.manifest import read_manifest
from biomedica_dataset.folder.search_files import SEARCH
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.search.build import build_search
from biomedica_dataset.search.evaluate import evaluate_search
from biomedica_dataset.search.lexical import Hit, fuse
from biomedica_dataset.search.search import open_search
from biomedica_dataset.search.vectors.bit_vectors import BitVectors, row_bytes, to_bits
from biomedica_dataset.search.vectors.text_model import TextModel
from biomedica_dataset.streaming.dataset import open_dataset
from biomedica_dataset.verification.verify import verify

from .conftest import write_model


@pytest.fixture(scope="session")
def with_vectors(searchable, model, once):
    """The searchable sample with vectors of captions; not to be changed by a test."""

    def make(folder):
        shutil.copytree(searchable, folder)
        build_search(folder, text_model=str(model), workers=1)

    return once("with-vectors", make)


def test_captions_are_near_themselves(with_vectors, model):
    """Their vectors are also of titles, which figures of an article share."""
    search = open_search(with_vectors, text_model=str(model))
    captions = [row["caption"] for row in open_dataset(with_vectors, columns=["caption"])]
    ranks = []
    for caption in captions[::5]:
        found = search.search(caption, mode="semantic", limit=len(captions))
        ranks.append([one.caption for one in found].index(caption))

    assert statistics.median(ranks) < len(captions) / 8
    assert len(search.search(captions[0], mode="semantic", limit=3)) == 3
    joined = search.search(captions[0], mode="hybrid", limit=5)
    assert captions[0] in [one.caption for one in joined]


def test_the_vector_of_a_title_is_added_to_that_of_the_caption(model):
    text_model = TextModel(str(model))
    caption, title = text_model.encode(["both bones", "a fracture"])

    made = text_model.encode_titled([("both bones", "a fracture"), ("both bones", "")])

    assert made[0] == pytest.approx(caption + title, abs=1e-6)
    assert made[1] == pytest.approx(caption, abs=1e-6)


def test_conditions_hold_for_vectors_too(with_vectors, model):
    search = open_search(with_vectors, text_model=str(model))

    found = search.search("bones", mode="semantic", limit=60, licenses="noncommercial")

    assert len(found) == 13
    assert {one.row["license_group"] for one in found} == {"noncommercial"}


def test_vectors_are_added_without_reading_the_words_again(searchable, with_vectors):
    def words(folder):
        return {path.name for path in (folder / SEARCH).iterdir() if path.suffix != ".text"}

    assert words(with_vectors) == words(searchable)
    assert verify(with_vectors).problems == []
    manifest = read_manifest(Folder(with_vectors))
    assert manifest.search.text_model.dim == 64


def test_an_index_without_vectors_and_another_model_are_refused(
    searchable, with_vectors, model, tmp_path
):
    with pytest.raises(UsageError, match="no vectors of texts"):
        open_search(searchable).search("bones", mode="hybrid")
    write_model(tmp_path / "other", seed=1)
    with pytest.raises(UsageError, match="other has other weights"):
        open_search(with_vectors, text_model=str(tmp_path / "other")).search(
            "bones", mode="semantic"
        )
    with pytest.raises(UsageError, match="cannot be loaded as a model of texts"):
        build_search(searchable, text_model=str(tmp_path / "nothing"))


@pytest.mark.slow
def test_a_paragraph_finds_the_caption_that_it_cites(with_vectors, model):
    scores = evaluate_search(with_vectors, limit=40, text_model=str(model))

    assert scores.questions == 40
    assert set(scores.modes) == {"lexical", "semantic", "hybrid"}
    lexical = scores.modes["lexical"]
    assert 0.5 < lexical["R@10"].value <= 1
    assert lexical["R@1"].low <= lexical["R@1"].value <= lexical["R@1"].high
    assert evaluate_search(with_vectors, limit=40, text_model=str(model)) == scores


@given(st.integers(1, 40), st.integers(8, 130), st.integers(0, 2**32))
def test_bits_are_the_signs(rows, dim, seed):
    vectors = np.random.default_rng(seed).normal(size=(rows, dim)).astype(np.float32)
    bits = to_bits(vectors)

    assert bits.shape == (len(vectors), row_bytes(vectors.shape[1]))
    signs = np.unpackbits(bits, axis=1)
    assert (signs[:, : vectors.shape[1]] == (vectors > 0)).all()
    assert not signs[:, vectors.shape[1] :].any()


def test_bits_find_what_all_pairs_find(tmp_path):
    drawn = np.random.default_rng(0)
    vectors = drawn.normal(size=(3000, 70)).astype(np.float32)
    paths = []
    for number, some in enumerate((vectors[:1000], vectors[1000:])):
        path = tmp_path / str(number)
        path.write_bytes(to_bits(some).tobytes())
        paths.append((path, len(some)))
    query = vectors[1234] + 0.3 * drawn.normal(size=70).astype(np.float32)

    found = BitVectors(paths, 70).find(query, 5)

    assert (found[0].part, found[0].row) == (1, 234)
    masks = [np.zeros(1000, bool), np.arange(2000) < 3]
    few = BitVectors(paths, 70).find(query, 5, masks)
    assert {(hit.part, hit.row) for hit in few} == {(1, 0), (1, 1), (1, 2)}
    with pytest.raises(ArchiveError, match="has not 999 rows"):
        BitVectors([(paths[0][0], 999)], 70)


def test_lists_are_joined_by_reciprocal_rank():
    words = [Hit(0, 1, 9.0), Hit(0, 2, 5.0)]
    meaning = [Hit(0, 2, 0.9), Hit(1, 1, 0.8)]

    joined = fuse([words, meaning], 2)

    assert [(hit.part, hit.row) for hit in joined] == [(0, 2), (0, 1)]
    assert joined[0].score == pytest.approx(1 / 62 + 1 / 61)
