"""Runs every stage on the sample, for ``biomedica demo``."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from .errors import UsageError
from .extras import install_command, require
from .io.folders import Folder

_WIDTH = 88
_PAIRS = 3
_CLUSTERS = 16


def run_demo(directory: str, *, bucket_only: bool = False) -> Iterator[str]:
    """Run every stage, from the sample bucket to streaming three pairs; yield lines to print.

    Parameters
    ----------
    directory
        A new or empty folder for ``bucket``, ``archive``, the annotations, and ``biomedica``.
    bucket_only
        Stop after the bucket.

    Raises
    ------
    UsageError
        The directory is not empty.
    """
    root = Path(directory)
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        msg = f"{directory} is not empty; remove it, or name another: biomedica demo FOLDER"
        raise UsageError(msg)
    Folder(root).scratch()  # fails with a clear message if the folder cannot be made
    yield f"BIOMEDICA in small: a made-up PMC bucket through every stage, in {root}/"
    yield ""
    yield from _stage("bucket", lambda: _bucket(root))
    if not bucket_only:
        yield from _stage("extract", lambda: _extract(root))
        joined: dict[str, str] = {}
        yield from _stage("panels", lambda: _panels(root, joined))
        yield from _stage("annotate", lambda: annotate_sample(root, joined))
        yield from _stage("serialize", lambda: _serialize(root, joined))
        yield from _stage("verify", lambda: _verify(root))
        yield from _stream(root)
    yield from _next(root, bucket_only=bucket_only)


def _stage(name: str, work: Callable[[], str]) -> Iterator[str]:
    started = time.monotonic()
    result = work()
    yield f"  {name:<10} {result:<62} {time.monotonic() - started:5.1f} s"


def _bucket(root: Path) -> str:
    from .sample.bucket import write_bucket

    versions = write_bucket(root / "bucket")
    size = sum(path.stat().st_size for path in (root / "bucket").rglob("*") if path.is_file())
    return f"{versions} article versions copied, {size / 1e6:.1f} MB"


def _extract(root: Path) -> str:
    from .engine.report import Tally
    from .extraction.extract import extract

    report = extract(root / "bucket", root / "archive")
    articles, figures = Tally.of(report.articles), Tally.of(report.figures)
    versions = f"{articles.kept} of {articles.seen} versions kept"
    return f"{versions}, {figures.kept} of {figures.seen} figures"


def _panels(root: Path, joined: dict[str, str]) -> str:
    """Find the panels of the compound figures, if the optional library is installed."""
    from .annotation.panels.find_stage import panels

    try:
        report = panels(root / "archive", root / "panels", workers=1)
    except UsageError:
        return "skipped: optional, not installed"
    joined.update(panels=str(root / "panels"))
    return f"{report.figures.kept} figures are split into {report.panels.kept} panels"


def annotate_sample(root: Path, joined: dict[str, str]) -> str:
    """Embed, cluster, review, vote and label, if the optional libraries are installed."""
    from .annotation.clusters.assign import assign
    from .annotation.clusters.cluster import cluster
    from .annotation.embeddings.embed import embed
    from .annotation.labels.label import label
    from .annotation.review.sheets import Review, write_sheets
    from .sample.votes import write_votes

    names = ("embeddings", "clusters", "assignments", "review", "labels")
    vectors, centers, assigned, review, labels = (root / name for name in names)
    archive = root / "archive"
    try:
        require("nltk", "review")
        require("torch", "embed")
    except UsageError:
        return "skipped: optional, not installed"
    embed(archive, vectors, model="classical", workers=0)
    cluster(vectors, centers, components=12, clusters=_CLUSTERS)
    assign(vectors, assigned, clusters=centers, workers=1)
    write_sheets(assigned, archive, review, workers=1)
    votes = write_votes(Review.open(review), root / "votes")
    report = label(votes, labels, assignments=assigned)
    joined.update(clusters=str(assigned), labels=str(labels), embeddings=str(vectors))
    settled = sum(not label.open for label in report.labels.values())
    return f"{_CLUSTERS} clusters by colours and edges; {len(votes)} voters agree on {settled}"


def _serialize(root: Path, joined: dict[str, str]) -> str:
    from .licenses import LICENSE_GROUPS
    from .serialization.serialize import serialize

    manifest = serialize(
        root / "archive",
        root / "biomedica",
        clusters=joined.get("clusters"),
        labels=joined.get("labels"),
        embeddings=joined.get("embeddings"),
        panels=joined.get("panels"),
    ).manifest
    groups = ", ".join(f"{manifest.rows(group)} {group}" for group in LICENSE_GROUPS)
    return f"{manifest.rows('captions')} pairs: {groups}"


def _verify(root: Path) -> str:
    from .verification.verify import verify

    report = verify(root / "biomedica")
    return str(report).rpartition("\n")[2].partition(": ")[2]


def _stream(root: Path) -> Iterator[str]:
    from datasets import load_dataset

    pairs = load_dataset(str(root / "biomedica"), "all", split="train", streaming=True)
    yield ""
    yield "Three pairs, streamed back:"
    yield f'  load_dataset("{root / "biomedica"}", "all", split="train", streaming=True)'
    for pair in pairs.shuffle(seed=1, buffer_size=100).take(_PAIRS):
        image = pair["image"]
        facts = [pair["key"], f"{image.format} {image.width} x {image.height}"]
        facts += [pair["image_license"] or "no known licence", pair["article_journal"]]
        if pair["image_panels"]:
            facts.append(f"panels {', '.join(pair['image_panels'])}")
        facts += pair["image_primary_label"] or []
        yield ""
        yield "  " + " · ".join(fact for fact in facts if fact)
        yield from _quoted("caption", pair["caption"])
        for paragraph in (pair["image_context"] or [])[:1]:
            yield from _quoted("cited in", paragraph)


def _quoted(name: str, text: str) -> Iterator[str]:
    short = textwrap.shorten(text, 3 * _WIDTH, placeholder=" …")
    lines = textwrap.wrap(short, _WIDTH - 14)
    for number, line in enumerate(lines):
        yield f"    {name if number == 0 else '':<9} {line}"


def _next(root: Path, *, bucket_only: bool) -> Iterator[str]:
    yield ""
    if bucket_only:
        yield f"Next: biomedica extract {root}/bucket --output archive"
        return
    yield f"The dataset folder is {root}/biomedica, its card {root}/biomedica/README.md."
    if not (root / "labels").exists():
        yield f"To annotate as well: {install_command('embed,review')}"
    if not (root / "panels").exists():
        yield f"To find panels as well: {install_command('panels')}"
    yield "Next, from PMC itself:"
    yield "  biomedica extract --limit 100 --output archive"
    yield "  biomedica serialize archive --output biomedica"
