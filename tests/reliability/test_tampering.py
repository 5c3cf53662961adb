"""Folders that strangers made: what is read of them is checked first, whatever they hold."""

from __future__ import annotations

import contextlib
import json
import shutil
from pathlib import Path

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, example, given, note, settings
from hypothesis import strategies as st

from biomedica_dataset.annotation.clusters.assignments import Assignments
from biomedica_dataset.annotation.clusters.cluster_model import ClusterModel
from biomedica_dataset.annotation.duplicates.copies import Duplicates
from biomedica_dataset.annotation.embeddings.vectors import Embeddings
from biomedica_dataset.annotation.labels.labels import Labels
from biomedica_dataset.annotation.labels.taxonomy import BUILT_IN, Taxonomy
from biomedica_dataset.annotation.look.measured import Look
from biomedica_dataset.annotation.panels.figure_panels import read_figure_panels
from biomedica_dataset.annotation.panels.panels import Panels
from biomedica_dataset.annotation.review.sheets import Review
from biomedica_dataset.archive.ledger import Archive
from biomedica_dataset.cli.group import main
from biomedica_dataset.demo import run_demo
from biomedica_dataset.errors import ArchiveError, BiomedicaError
from biomedica_dataset.extraction.report import read_report
from biomedica_dataset.folder.record import read_index, read_record
from biomedica_dataset.hub.staging import collect
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.licenses import LICENSE_GROUPS
from biomedica_dataset.pubmed.mesh.table import MeshTable
from biomedica_dataset.streaming.dataset import open_dataset
from biomedica_dataset.subset.select import select
from biomedica_dataset.verification.verify import verify

from ..clip.made import TINY
from ..trees import tree
from .tampering import GARBAGE, VALUES, Tampering, sign

OLD = Path(__file__).parents[1] / "data" / "0.1.0"

tamperings = st.builds(
    Tampering, st.integers(0, 10**4), st.integers(0, len(VALUES) + len(GARBAGE) - 1)
)
quick = settings(
    max_examples=10, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
thorough = settings(quick, max_examples=40)


def refused(call, *arguments, **options):
    """Return what a call gives, or None if it ends with one line."""
    try:
        return call(*arguments, **options)
    except BiomedicaError as error:
        told = str(error)
    assert told.isprintable(), told
    assert len(told) < 900
    return None


def first_images(folder: Path) -> list[bytes]:
    rows = open_dataset(folder, split="all", columns=["image"], limit=3)
    undecoded = rows.cast_column("image", datasets.Image(decode=False))
    return [row["image"]["bytes"] for row in undecoded]


def read_dataset(folder: Path, outside: Path) -> None:
    """Read a dataset folder in each way that there is; nothing may change or leave."""
    before = tree(outside)
    rows = refused(
        lambda: list(open_dataset(folder, split="all", columns=["key", "license_group"]))
    )
    assert all(row["license_group"] in LICENSE_GROUPS for row in rows or [])
    images = refused(first_images, folder)
    assert b"secret" not in (images or [])
    refused(verify, folder)
    scratch = outside / "scratch"
    scratch.mkdir()
    files = refused(collect, Folder(folder), scratch, "a/b", include_other=True)
    places = [file.place.resolve() for file in files or []]
    roots = folder.resolve(), scratch.resolve()
    assert all(any(place.is_relative_to(root) for root in roots) for place in places)
    shutil.rmtree(scratch)
    refused(select, folder, outside / "subset", split="all", limit=3, seed=0)
    shutil.rmtree(outside / "subset", ignore_errors=True)
    assert tree(outside) == before


@pytest.fixture(scope="module")
def tampered(sample_dataset, tmp_path_factory):
    """A function that reads a tampered copy of the sample's dataset folder."""
    outside = tmp_path_factory.mktemp("outside")
    (outside / "secret.parquet").write_bytes(b"secret")

    def read(name: str, tampering: Tampering) -> None:
        folder = outside / "biomedica"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(sample_dataset, folder)
        note(tampering.of(next(folder.glob(name))))
        sign(folder)
        read_dataset(folder, outside)

    return read


@quick
@given(tamperings)
@example(Tampering(0, len(VALUES) + 7))
def test_a_tampered_manifest_gives_nothing_away(tampered, tampering):
    tampered("manifest.json", tampering)


@pytest.mark.slow
@quick
@given(tamperings)
def test_a_tampered_index_gives_nothing_away(tampered, tampering):
    tampered("index/*", tampering)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["manifest.json", "index/*"])
def test_many_tamperings_give_nothing_away(tampered, name):
    @thorough
    @given(tamperings)
    def tried(tampering):
        tampered(name, tampering)

    tried()


TRAINING = """
output: tuned
model: {name: "local-dir:model", pretrained: null}
data: {path: biomedica, workers: 0}
optimizer: {lr: 0.001, warmup: 1}
samples: 8
global_batch: 4
micro_batch: 4
"""


@pytest.fixture(scope="module")
def route(once):
    """What `make_route` makes; not to be changed by a test."""
    return once("tampered", make_route)


def make_route(folder: Path) -> Path:
    """Make all that the demo makes, measures and sheets, and what a training needs."""
    list(run_demo(str(folder)))
    shutil.copytree(OLD / "mesh", folder / "mesh")
    (folder / "taxonomy").mkdir()
    shutil.copy(BUILT_IN, folder / "taxonomy")
    (folder / "model").mkdir()
    (folder / "model" / "open_clip_config.json").write_text(json.dumps(TINY))
    (folder / "train.yaml").write_text(TRAINING)
    with contextlib.chdir(folder):
        for command in (
            "annotate review assignments archive -o sheets",
            "annotate look archive -o look",
            "annotate duplicates look -o duplicates",
        ):
            done = CliRunner().invoke(main, command.split())
            assert done.exit_code == 0, done.output
    return folder


def _blocks(read):
    return lambda folder: [read(folder, block) for block in folder.blocks()]


def _archive(path):
    archive = Archive.open(path)
    for block in archive.blocks():
        list(archive.rows(block))
        list(archive.images(block))
        list(archive.articles(block))
    read_report(path)


def _mesh(path):
    table = MeshTable.open(path)
    table.articles(0, 10**18)
    table.of_pmids([777])
    table.digest(0, 10**18)


def _shards(path):
    folder = Folder(path)
    for name in folder.names(".shards"):
        stem = name.partition(".")[0]
        if stem.isdecimal() and read_record(folder, int(stem)):
            read_index(folder, int(stem))


READERS = {
    "archive": _archive,
    "embeddings": lambda path: _blocks(Embeddings.vectors)(Embeddings.open(path)),
    "assignments": lambda path: Assignments.open(path).of_pmcids(0, 10**9),
    "panels": lambda path: read_figure_panels(Panels.open(path), 0, 10**9),
    "look": lambda path: _blocks(Look.read)(Look.open(path)),
    "duplicates": lambda path: _blocks(Duplicates.read)(Duplicates.open(path)),
    "clusters": ClusterModel.open,
    "labels": Labels.open,
    "sheets": Review.open,
    "mesh": _mesh,
    "taxonomy": lambda path: Taxonomy.load(path / "taxonomy.json"),
    "biomedica": _shards,
}
FILES = {
    "archive": ["archive.json", "report.json", "articles/*", "images/*"],
    "embeddings": ["embeddings.json", "blocks/*"],
    "assignments": ["assignments.json", "blocks/*"],
    "panels": ["panels.json", "blocks/*"],
    "look": ["look.json", "blocks/*"],
    "duplicates": ["duplicates.json", "blocks/*"],
    "clusters": ["cluster.json", "cluster.npz"],
    "labels": ["labels.json", "labels.parquet"],
    "sheets": ["review.json"],
    "mesh": ["mesh.parquet"],
    "taxonomy": ["taxonomy.json"],
    "biomedica": [".shards/0*"],
}


def tamper(route: Path, to: Path, what: str, name: str, tampering: Tampering) -> str:
    """Copy a folder of the demo with one file changed."""
    shutil.copytree(route / what, to)
    path = next(iter(sorted(to.glob(name))))
    if path.suffix == ".npz":
        path.write_bytes(GARBAGE[tampering.value % len(GARBAGE)])
        return "the arrays are garbage"
    return tampering.of(path)


@pytest.mark.parametrize(
    "what", ["archive", "embeddings", "assignments", "labels", "mesh", "biomedica"]
)
@quick
@given(tampering=tamperings)
def test_a_tampered_file_is_read_whole_or_refused_in_one_line(tmp_path, what, tampering):
    _tampered_is_refused(OLD, tmp_path, what, tampering)


@pytest.mark.slow
@pytest.mark.parametrize("what", READERS)
@settings(quick, max_examples=20)
@given(tampering=tamperings)
def test_every_tampered_file_is_too(route, tmp_path, what, tampering):
    _tampered_is_refused(route, tmp_path, what, tampering)


def _tampered_is_refused(route: Path, tmp_path: Path, what: str, tampering: Tampering) -> None:
    copy, names = tmp_path / what, FILES[what]
    shutil.rmtree(copy, ignore_errors=True)
    note(tamper(route, copy, what, names[tampering.place % len(names)], tampering))
    refused(READERS[what], copy)


SERIALIZE = "serialize archive -o biomedica --workers 1"
COMMANDS = [
    ("archive", "annotate embed archive -o embeddings --model classical --workers 0"),
    ("archive", "verify archive"),
    ("embeddings", "annotate assign clusters embeddings -o others --workers 1"),
    ("assignments", "annotate review assignments archive -o other"),
    ("panels", f"{SERIALIZE} --panels panels"),
    ("look", "annotate duplicates look -o others"),
    ("look", f"{SERIALIZE} --attributes look"),
    ("duplicates", f"{SERIALIZE} --attributes duplicates"),
    ("clusters", "annotate assign clusters embeddings -o others --workers 1"),
    ("labels", f"{SERIALIZE} --clusters assignments --labels labels"),
    ("mesh", f"{SERIALIZE} --mesh mesh"),
    ("taxonomy", "annotate labels votes/anna.jsonl --assignments assignments -o labels "
                 "--taxonomy taxonomy/taxonomy.json"),
    ("biomedica", SERIALIZE),
]  # fmt: skip


def finishes_or_refuses(folder: Path, command: str) -> None:
    """Do a command in a folder; it must not end in a traceback."""
    with contextlib.chdir(folder):
        done = CliRunner().invoke(main, command.split())
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception


@pytest.mark.slow
@pytest.mark.parametrize(("what", "command"), COMMANDS)
@settings(quick, max_examples=6)
@given(tampering=tamperings)
def test_no_stage_ends_in_a_traceback(route, tmp_path, what, command, tampering):
    copy = tmp_path / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(route, copy)
    shutil.rmtree(copy / what)
    names = FILES[what]
    note(tamper(route, copy / what, what, names[tampering.place % len(names)], tampering))
    finishes_or_refuses(copy, command)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["manifest.json", "index/*"])
@settings(quick, max_examples=6)
@given(tampering=tamperings)
def test_no_training_ends_in_a_traceback(route, tmp_path, name, tampering):
    folder, output = tmp_path / "biomedica", tmp_path / "tuned"
    for made in (folder, output, tmp_path / "model"):
        shutil.rmtree(made, ignore_errors=True)
    shutil.copytree(route / "biomedica", folder)
    shutil.copytree(route / "model", tmp_path / "model")
    shutil.copy(route / "train.yaml", tmp_path)
    note(tampering.of(next(folder.glob(name))))
    sign(folder)
    finishes_or_refuses(tmp_path, "train train.yaml")


def forged(folder: Path, **changes: object) -> None:
    """Change columns of all rows of an index."""
    path = next(folder.glob("index/*"))
    table = pq.read_table(path)
    for name, value in changes.items():
        place = table.schema.get_field_index(name)
        values = pa.array([value] * len(table), table.schema.field(name).type)
        table = table.set_column(place, table.schema.field(name), values)
    pq.write_table(table, path)
    sign(folder)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"split": "../../../mine/commercial"}, "split"),
        ({"file": "../secret.parquet"}, "file"),
        ({"file": "/etc/passwd"}, "file"),
        ({"file": "commercial/train/gone.parquet"}, "file"),
        ({"license_group": "public"}, "license_group"),
        ({"license_group": None}, "license_group"),
        ({"split": None}, "split"),
        ({"license_group": "commercial"}, "license_group"),
        ({"key": "../../x"}, "key"),
        ({"key": "PMC1_a"}, "key"),
        ({"image_offset": -1}, "image_offset"),
        ({"image_offset": 2**62}, "image_offset"),
        ({"image_length": 10**13}, "image_length"),
        ({"image_length": 2**31 - 1}, "image_offset"),
        ({"caption_bytes": -1}, "caption_bytes"),
        ({"row": 10**6}, "row"),
        ({"panel_scores": [2.0]}, "panel_scores"),
        ({"panel_count_found": 0}, "panel_count_found"),
        ({"image_license": "CC BY-NC 4.0"}, "image_license"),
    ],
    ids=str,
)
def test_a_row_of_an_index_that_lies_is_named(sample_dataset, tmp_path, changes, field):
    folder = shutil.copytree(sample_dataset, tmp_path / "biomedica")
    forged(folder, **changes)

    with pytest.raises(ArchiveError, match=rf"/index.*{field}"):
        open_dataset(folder, split="all")
    with pytest.raises(ArchiveError, match=rf"/index.*{field}"):
        select(folder, tmp_path / "subset", split="all")
    assert any(field in problem for problem in verify(folder).problems)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["biomedica"]


@pytest.mark.parametrize(
    "path",
    ["/proc/self/environ", "../x.parquet", "commercial/../../x.parquet", "index/a/b.parquet"],
)
def test_a_manifest_names_no_file_outside_of_its_folder(sample_dataset, tmp_path, path):
    folder = shutil.copytree(sample_dataset, tmp_path / "biomedica")
    manifest = json.loads((folder / "manifest.json").read_bytes())
    manifest["files"][0]["path"] = path
    (folder / "manifest.json").write_text(json.dumps(manifest))

    for call in (
        open_dataset,
        verify,
        lambda at: collect(Folder(at), tmp_path, "a/b", include_other=True),
    ):
        with pytest.raises(ArchiveError, match=r"files\.0\.path must be the path of a shard"):
            call(folder)


def bomb(folder: Path, journal: str, rows: int) -> None:
    """Write an index of few bytes whose rows take much memory."""
    path = next(folder.glob("index/*"))
    table = pq.read_table(path)
    one = pa.Table.from_pylist([table.to_pylist()[0] | {"article_journal": journal}], table.schema)
    first = pa.array([0] * rows, pa.int32())
    columns = [
        pa.DictionaryArray.from_arrays(first, column.combine_chunks())
        if pa.types.is_string(column.type) and not column.null_count
        else column.combine_chunks().take(first)
        for column in one.columns
    ]
    made = pa.table(columns, names=table.column_names)
    pq.write_table(made, path, compression="zstd", store_schema=False)
    sign(folder)


@pytest.mark.parametrize(("journal", "rows"), [("x", 1_500_000), ("x" * 10**6, 50_000)])
def test_an_index_that_unpacks_to_gigabytes_is_refused_before_memory_is_taken(
    sample_dataset, tmp_path, journal, rows
):
    folder = shutil.copytree(sample_dataset, tmp_path / "biomedica")
    bomb(folder, journal, rows)
    assert next(folder.glob("index/*")).stat().st_size < 300_000

    pa.default_memory_pool().release_unused()
    with pytest.raises(ArchiveError, match="unpack"):
        open_dataset(folder, split="all")
    assert pa.default_memory_pool().max_memory() < 2**30
