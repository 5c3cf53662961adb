"""Updates and kills in any order, against a model in memory.

::

    python -m tests.reliability.state_machine --examples 200

A bucket changes; extract and serialize run to their end, or are killed at a step of their work.
Whatever the order, a run that ends leaves what the model says, and a second one changes no byte.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import tempfile
from collections import defaultdict
from multiprocessing import get_context
from pathlib import Path

import pyarrow.parquet as pq
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from biomedica_dataset.extraction.extract import extract
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.serialization.serialize import serialize
from biomedica_dataset.verification.verify import verify

from ..trees import stamps
from .model import Article, Model, remove

# Blocks have 1000 PMCIDs and shards two blocks: some of these share both, some one, some none.
PMCIDS = (2_000_001, 2_000_002, 2_001_001, 2_002_001, 2_002_999, 2_007_000)
STEPS = ("put", "put_new", "remove")
"""What a run does to a folder so that others see it; before each of them it may be killed."""

articles = st.builds(
    Article,
    captions=st.lists(st.sampled_from(["", "One.", "Two.", "Three."]), max_size=3).map(tuple),
    license_code=st.sampled_from(["CC BY", "CC0", "CC BY-NC", None]),
    refused=st.sampled_from([None, None, None, "retracted", "not_open_access"]),
)
changes = st.dictionaries(st.sampled_from(PMCIDS), st.none() | articles)
"""Articles that come, go (``None``), or have other captions, another licence, or a retraction."""


def do_until(steps_left: int, work: str, source: str, output: str) -> None:
    """Extract or serialize, in a process of its own, which kills itself before a step."""
    left = [steps_left]

    def counted(method):
        def call(*arguments, **options):
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left[0] -= 1
            return method(*arguments, **options)

        return call

    for name in STEPS:
        setattr(Folder, name, counted(getattr(Folder, name)))
    {"extract": extract, "serialize": serialize}[work](source, output, workers=1)


class Route(RuleBasedStateMachine):
    """From a bucket to a dataset folder."""

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.root = Path(tempfile.mkdtemp(prefix="route-"))
        self.bucket, self.archive, self.dataset = (
            self.root / name for name in ("bucket", "archive", "biomedica")
        )
        self._processes = get_context("forkserver")
        self._processes.set_forkserver_preload([__name__, "lxml.etree", "matplotlib.pyplot"])

    def teardown(self) -> None:
        """Leave nothing behind."""
        shutil.rmtree(self.root)

    @initialize(first=st.dictionaries(st.sampled_from(PMCIDS), articles, min_size=1))
    def a_first_day(self, first: dict[int, Article]) -> None:
        """Lay out a bucket, and go the whole route."""
        self.a_day(first)

    @rule(changes=changes)
    def a_day(self, changes: dict[int, Article | None]) -> None:
        """Change the bucket, and go the whole route."""
        self._change(changes)
        self._extract()
        self._serialize()

    @rule(changes=changes, step=st.integers(0, 8))
    def a_day_whose_extract_is_killed(self, changes: dict[int, Article | None], step: int) -> None:
        """Change the bucket, and make a dataset folder of what a killed extract leaves."""
        self._change(changes)
        if self._ended(step, "extract", self.bucket, self.archive):
            self.model.extracted()
        else:
            self.model.cut_short()
        self._serialize()

    @rule(changes=changes, step=st.integers(0, 60), again=st.booleans())
    def a_day_whose_serialize_is_killed(
        self, changes: dict[int, Article | None], step: int, *, again: bool
    ) -> None:
        """Change the bucket, and leave half a dataset folder, to this day or the next."""
        self._change(changes)
        self._extract()
        self._ended(step, "serialize", self.archive, self.dataset)
        if again:
            self._serialize()

    def _change(self, changes: dict[int, Article | None]) -> None:
        if not any({**self.model.bucket, **changes}.values()):
            return  # without any article it is no bucket
        for pmcid, article in changes.items():
            remove(self.bucket, pmcid)
            self.model.bucket.pop(pmcid, None)
            if article is not None:
                article.write(self.bucket, pmcid)
                self.model.bucket[pmcid] = article

    def _extract(self) -> None:
        """Bring the archive up to date, and see that this is all there is to do."""
        report = extract(self.bucket, self.archive, workers=1)
        self.model.extracted()
        before = stamps(self.archive)

        again = extract(self.bucket, self.archive, workers=1)
        assert report.articles == again.articles == self.model.articles()
        assert report.figures == again.figures == self.model.figures()
        assert "nothing to do" in str(again)
        assert stamps(self.archive) == before
        assert verify(self.archive).problems == []

    def _serialize(self) -> None:
        """Bring the dataset folder up to date, and see that this is all there is to do."""
        manifest = serialize(self.archive, self.dataset, workers=1).manifest
        before = stamps(self.dataset)

        found = self._rows()
        assert found.keys() <= self.model.archived.keys()
        assert sum(map(len, found.values())) == manifest.figures.get("kept", 0)
        for pmcid in self.model.archived:
            assert frozenset(found[pmcid]) in self.model.states(pmcid)
        assert "nothing to do" in str(serialize(self.archive, self.dataset, workers=1))
        assert stamps(self.dataset) == before
        assert verify(self.dataset).problems == []

    @invariant()
    def what_says_that_it_is_whole_is_whole(self) -> None:
        """A manifest and a card stand by files that are as they say; blocks of an archive are."""
        if (self.dataset / "README.md").exists() and (self.dataset / "manifest.json").exists():
            assert verify(self.dataset).problems == []
        problems = verify(self.archive).problems
        assert [problem for problem in problems if "removes it" not in problem] == []

    def _ended(self, step: int, work: str, source: Path, output: Path) -> bool:
        arguments = (step, work, str(source), str(output))
        process = self._processes.Process(target=do_until, args=arguments)
        process.start()
        process.join()
        assert process.exitcode in (0, -signal.SIGKILL)
        return process.exitcode == 0

    def _rows(self) -> dict[int, list[tuple[str, str, str]]]:
        found = defaultdict(list)
        for group in ("commercial", "noncommercial", "other"):
            for path in sorted((self.dataset / group).rglob("*.parquet")):
                for row in pq.read_table(path, columns=["key", "caption"]).to_pylist():
                    pmcid = int(row["key"].partition("_")[0].removeprefix("PMC"))
                    found[pmcid].append((row["key"], row["caption"], group))
        return found


def check(examples: int, rules: int) -> None:
    """Go so many ways of so many rules each.

    Raises
    ------
    AssertionError
        One came out otherwise than the model says; Hypothesis prints the shortest that does.
    """
    run_state_machine_as_test(
        Route,
        settings=settings(
            max_examples=examples,
            stateful_step_count=rules,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=200)
    parser.add_argument("--rules", type=int, default=10)
    given = parser.parse_args()
    check(given.examples, given.rules)
    print(f"{given.examples} ways of up to {given.rules} rules: all as the model says")
