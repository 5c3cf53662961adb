"""A small encoder that was never trained, and the sample's vectors, clusters and assignments."""

from __future__ import annotations

import os

import pytest

from .browser import CHROMIUM, connect, kill, start_browser

os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def reader():
    from biomedica_dataset.annotation.panels.letters import LetterReader

    return LetterReader()


@pytest.fixture(scope="session")
def encoder_folder(once):
    from ..untrained_encoder import write_encoder

    return once("tiny-dinov2", write_encoder)


@pytest.fixture(scope="session")
def embedded(sample_archive, encoder_folder, once):
    """The vectors of the sample; not to be changed by a test."""
    from biomedica_dataset.annotation.embeddings.embed import embed

    model = str(encoder_folder)
    return once("embeddings", lambda to: embed(sample_archive, to, model=model, workers=0))


@pytest.fixture(scope="session")
def clustered(embedded, once):
    """Six clusters of the sample; not to be changed by a test."""
    from biomedica_dataset.annotation.clusters.cluster import cluster

    return once("clusters", lambda to: cluster(embedded, to, components=8, clusters=6))


@pytest.fixture(scope="session")
def assigned(embedded, clustered, once):
    """The clusters of the sample's images; not to be changed by a test."""
    from biomedica_dataset.annotation.clusters.assign import assign

    return once("assignments", lambda to: assign(embedded, to, clusters=clustered, workers=1))


@pytest.fixture(scope="session")
def sheets(assigned, sample_archive, once):
    """The sheets of the sample's clusters; not to be changed by a test."""
    from biomedica_dataset.annotation.review.sheets import write_sheets

    return once("review", lambda to: write_sheets(assigned, sample_archive, to, count=6, workers=1))


@pytest.fixture
def chromium(tmp_path):
    """Start browsers, each a process of its own."""
    if CHROMIUM is None:
        if os.environ.get("CI"):
            pytest.fail("there is no chromium; CI must have it")
        pytest.skip("there is no chromium")
    from playwright.sync_api import sync_playwright

    started = []
    with sync_playwright() as playwright:

        def start():
            process, address = start_browser(tmp_path / f"browser{len(started)}")
            started.append(process)
            # Beside other work on two cores a browser can take long to answer for the first time.
            return process, connect(playwright, address)

        yield start
        for process in started:
            kill(process)
