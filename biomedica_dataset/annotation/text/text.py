"""`text`: measures the captions of an archive."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from biomedica_dataset.annotation.block_stage import ArchiveStage, BlocksReport
from biomedica_dataset.archive.ledger import Archive
from biomedica_dataset.engine.fingerprint import code_fingerprint, digest_of
from biomedica_dataset.engine.report import Tally, aligned, total
from biomedica_dataset.extras import require
from biomedica_dataset.rows import rows_fingerprint

from .caption import is_boilerplate, is_only_label, language, share_of_digits
from .measured import SCHEMA, TextHeader, Texts
from .tokens import Tokenizer, clip_tokens

if TYPE_CHECKING:
    from biomedica_dataset.engine.launch import Launch
    from biomedica_dataset.engine.lock import RunLock
    from biomedica_dataset.engine.progress import Progress
    from biomedica_dataset.engine.stage import WorkerContext

_LANGUAGES = 8  # shown


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class TextReport(BlocksReport):
    """The result of a run of text.

    Parameters
    ----------
    captions
        Figures; kept are those with a caption.
    languages
        Captions by language; ``None`` where it cannot be told. Not counted while blocks are left.
    only_labels, boilerplate
        Captions that say nothing of the image.
    """

    what: ClassVar[str] = "the measures of captions"

    captions: Tally
    languages: dict[str | None, int]
    only_labels: int
    boilerplate: int

    def lines(self) -> list[str]:
        """Return what was found."""
        shown = {str(name or "unknown"): n for name, n in [*self.languages.items()][:_LANGUAGES]}
        return [
            *self.captions.lines("figures"),
            f"only a label: {self.only_labels:,}; boilerplate: {self.boilerplate:,}",
            "languages:",
            *aligned(shown),
        ]


@dataclass(frozen=True)
class TextStage(ArchiveStage[None]):
    """Measures the captions of each block.

    Parameters
    ----------
    tokenizer
        A tokenizer beside CLIP's.
    """

    tokenizer: str | None

    @cached_property
    def other(self) -> Tokenizer | None:
        """The tokenizer beside CLIP's."""
        return None if self.tokenizer is None else Tokenizer(self.tokenizer)

    def check(self) -> None:
        """Refuse to run without the libraries or the tokenizer, before the output is begun."""
        for module in ("open_clip", "py3langid"):
            require(module, "text")
        _ = self.other

    def begin(self, lock: RunLock) -> None:
        """Begin the folder of measures."""
        tokenizer = None if self.other is None else self.other.id
        Texts.begin(self.output, TextHeader(self.archive.width, tokenizer))

    def fingerprint(self, task: int) -> str:
        """Return the fingerprint of a block's articles and of the code that measures."""
        code = code_fingerprint(("annotation.text.text",), ("open_clip_torch", "py3langid"))
        return digest_of(rows_fingerprint(), code, self.archive.header(task).digest)

    def make(self, task: int, context: WorkerContext) -> None:
        """Write the measures of a block's captions."""
        counts: Counter[str] = Counter()
        rows: list[dict[str, Any]] = []
        texts: list[str] = []
        for pair in self.pairs(task):
            counts["kept" if pair.caption else "no caption"] += 1
            if pair.caption:
                texts.append(pair.caption)
                rows.append({"key": pair.key, **_measured(pair.caption)})
            context.progress.tick(0, 1, len(pair.caption or ""))
        if self.other is not None and texts:
            for row, count in zip(rows, self.other.count(texts), strict=True):
                row["tokens"] = count
        self.write(task, pa.Table.from_pylist(rows, SCHEMA), counts)
        context.progress.tick(1, 0, 0)


def _measured(text: str) -> dict[str, Any]:
    code, chance = language(text)
    return {
        "clip_tokens": clip_tokens(text),
        "language": code,
        "language_probability": chance,
        "is_only_label": is_only_label(text),
        "is_boilerplate": is_boilerplate(text),
        "digits": share_of_digits(text),
    }


def text(
    archive: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    tokenizer: str | None = None,
    workers: int | None = None,
    launch: Launch | None = None,
    progress: Progress | None = None,
) -> TextReport:
    """Measure the captions of an archive, or bring measures up to date.

    Parameters
    ----------
    tokenizer
        A model for transformers, an id on the Hub or a folder, by whose tokenizer captions are
        counted too, such as one that reads longer texts.
    workers
        Processes; as many as there are processors by default.
    launch
        Where it runs, and as which part of a run; alone by default.

    Raises
    ------
    UsageError
        There is no such archive or tokenizer, a library is missing, or the output is something
        else.

    Examples
    --------
    >>> print(text("archive", "text", workers=1).lines()[0])
    figures: 62 seen = 62 kept + 0 dropped
    """
    stage = TextStage(url=os.fspath(output), source=os.fspath(archive), tokenizer=tokenizer)
    Archive.open(archive)
    stage.check()
    run = stage.run(launch, workers=workers, progress=progress)
    found = Texts.open(output).read_all(["language", "is_only_label", "is_boilerplate"])
    languages = Counter(found["language"].to_pylist())
    return TextReport(
        captions=Tally.of(total(record.counts for record in run.records.values())),
        languages=dict(sorted(languages.items(), key=lambda one: (-one[1], str(one[0])))),
        only_labels=pc.sum(found["is_only_label"]).as_py() or 0,
        boilerplate=pc.sum(found["is_boilerplate"]).as_py() or 0,
        blocks=run.blocks,
        written=len(run.made),
        left=run.left,
    )
