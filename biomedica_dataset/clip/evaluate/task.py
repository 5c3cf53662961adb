"""What a task is: frozen dataclasses that refuse what cannot be measured."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any

from biomedica_dataset.errors import UsageError
from biomedica_dataset.extras import require
from biomedica_dataset.suggest import one_of

_CHOICES = ("accuracy", "balanced_accuracy", "macro_f1", "auroc")
RANKS = (1, 5, 10, 100)
RECALLS = tuple(f"{way}_recall@{k}" for way in ("image_to_text", "text_to_image") for k in RANKS)
METRICS = {
    "classification": _CHOICES,
    "vqa": _CHOICES,
    "multilabel": ("auroc", *_CHOICES[:3]),
    "retrieval": RECALLS,
}
"""The metrics of every protocol, first the one that a task is shown by unless it names another."""


class _OneOrMore:
    """Lets one text of a YAML file stand for a list of one; pydantic calls it by its name."""

    def __get_pydantic_core_schema__(self, kind: Any, handler: Any) -> Any:
        """Return the schema of a tuple, of one text at least, that a single one becomes."""
        schema = require("pydantic_core.core_schema", "clip")
        return schema.no_info_before_validator_function(
            lambda value: tuple(value) if isinstance(value, list) else (value,),
            {**handler(kind), "min_length": 1},
        )


Texts = Annotated[tuple[str, ...], _OneOrMore()]


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where images and labels lie: exactly one of ``hub``, ``folder``, ``csv`` and ``parquet``.

    Parameters
    ----------
    hub
        Dataset of the Hub, with ``config``, ``revision`` and ``split``.
    folder
        One folder per class.
    csv, parquet
        Table with a column of paths, relative to the table, or of images.
    names
        Columns of a CSV that has no line of names.
    path
        Where an image of a row lies, such as ``images/{image_id}.jpg``.
    below
        Folders that all of its paths lie in; no file names them.
    """

    hub: str | None = None
    folder: str | None = None
    csv: str | None = None
    parquet: str | None = None
    config: str | None = None
    revision: str | None = None
    split: str | None = None
    names: Texts = ()
    path: str | None = None
    below: Texts = ()

    def __post_init__(self) -> None:
        """Refuse none, several, and what does not go with the one."""
        given = [kind for kind in ("hub", "folder", "csv", "parquet") if getattr(self, kind)]
        if len(given) != 1:
            came = " and ".join(given) or "none"
            msg = f"source must have one of hub, folder, csv, parquet, not {came}"
            raise UsageError(msg)
        belongs = {"config": "hub", "revision": "hub", "split": "hub", "names": "csv"}
        for name, kind in belongs.items():
            if getattr(self, name) and given != [kind]:
                msg = f"source.{name} goes with {kind}, not with {given[0]}"
                raise UsageError(msg)
        if self.path and given[0] not in ("csv", "parquet"):
            msg = f"source.path goes with csv and parquet, not with {given[0]}"
            raise UsageError(msg)


@dataclass(frozen=True, kw_only=True)
class Columns:
    """The columns of a task; a dot leads into a record: ``questions.stain.options``.

    Parameters
    ----------
    label
        One column; for multilabel one per class, of 0 and 1, or one of lists of labels.
    options, answer, question
        For vqa: texts to choose from, the right one or its place from 0, and what is put before
        each text; several columns ask several questions of one image.
    captions
        For retrieval: columns of texts or of lists of texts.
    """

    image: str = "image"
    label: Texts = ("label",)
    options: Texts = ()
    answer: Texts = ()
    question: Texts = ()
    captions: Texts = ("caption",)

    def __post_init__(self) -> None:
        """Refuse options without answers."""
        asked = len(self.options)
        if len(self.answer) != asked or len(self.question) not in (0, asked):
            msg = "columns.options, columns.answer and columns.question must be equally many"
            raise UsageError(msg)


@dataclass(frozen=True, kw_only=True)
class Class:
    """A label and its prompts; the negative ones are those of multilabel."""

    label: str
    prompts: Texts
    negative: Texts = ()


@dataclass(frozen=True, kw_only=True)
class Task:
    """A task of evaluation.

    Parameters
    ----------
    classes
        In the order of the file.
    where
        Rows of the task: the texts that a column may have.
    metric
        The one it is shown by.
    prompts_from
        Where classes and prompts were published.
    """

    name: str
    domain: str
    source: Source
    protocol: str = "classification"
    metric: str = ""
    columns: Columns = field(default_factory=Columns)
    classes: tuple[Class, ...] = ()
    where: dict[str, Texts] = field(default_factory=dict)
    citation: str | None = None
    prompts_from: str | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be measured."""
        one_of("protocol", self.protocol, tuple(METRICS))
        if not self.metric:
            object.__setattr__(self, "metric", METRICS[self.protocol][0])
        one_of("metric", self.metric, METRICS[self.protocol])
        asks = self.protocol == "vqa" and self.columns.options
        least, count = 1 if self.protocol == "multilabel" else 2, len(self.classes)
        if self.protocol != "retrieval" and not asks and count < least:
            msg = f"classes must be {least} or more for {self.protocol}, not {count}"
            raise UsageError(msg)
        if self.protocol == "retrieval" and self.source.folder:
            msg = "retrieval needs captions, and a folder has none: use csv, parquet or hub"
            raise UsageError(msg)
        for one in self.classes:
            if (self.protocol == "multilabel") != bool(one.negative):
                form = "positive and negative" if not one.negative else "only its own"
                msg = f"classes.{one.label}: {self.protocol} needs {form} prompts"
                raise UsageError(msg)
