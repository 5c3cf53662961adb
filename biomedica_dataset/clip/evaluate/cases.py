"""What is right in a task: labels, questions or captions of its images, by protocol."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from biomedica_dataset.errors import UsageError
from biomedica_dataset.suggest import nearest

from .read_table import read_table
from .table import Row, Table, as_text, cell

if TYPE_CHECKING:
    from .task import Task


@dataclass(frozen=True, slots=True)
class Question:
    """Texts to choose from, and the place of the right one."""

    options: tuple[str, ...]
    answer: int


@dataclass(slots=True)
class Cases:
    """The images of a task that can be asked about.

    Parameters
    ----------
    table
        All rows of the task.
    chosen
        A row for each image.
    truth
        Of each image: the number of its class; which classes it has, bool (classes,); its
        questions; or its captions.
    dropped
        Images without such, by reason.
    """

    task: Task
    table: Table
    chosen: list[int] = field(default_factory=list)
    truth: list[Any] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)

    @property
    def digest(self) -> str:
        """Names the images and their order."""
        return self.table.digest(self.chosen)

    def read(self, index: int) -> bytes:
        """Return the bytes of an image."""
        return self.table.read(self.chosen[index])


def read_cases(task: Task, seed: int = 0) -> Cases:
    """Return the images of a task with what is right of them.

    Parameters
    ----------
    seed
        Of the order of options.

    Raises
    ------
    UsageError
        There is no such source or column, a label is not among the classes, or nothing is left.
    SourceError
        The source cannot be reached.
    """
    table = read_table(task)
    cases = Cases(task, table, dropped=+Counter(system_file=table.system_files))
    if task.protocol == "retrieval":
        _captions(cases)
    else:
        truth = _reader(task, seed)
        for index, row in enumerate(table.rows):
            value = truth(table.keys[index], row)
            if isinstance(value, str):
                cases.dropped[value] += 1
            else:
                cases.chosen.append(index)
                cases.truth.append(value)
    if not cases.chosen:
        reasons = ", ".join(cases.dropped)
        msg = f"task {task.name}: none of its {len(table.keys):,} images can be used: {reasons}"
        raise UsageError(msg)
    return cases


def _reader(task: Task, seed: int) -> Callable[[str, Row], Any]:
    """Return what gives the truth of a row, or why there is none."""
    numbers = {one.label: number for number, one in enumerate(task.classes)}
    if task.protocol == "classification":
        return lambda key, row: _label(task, numbers, key, row)
    if task.protocol == "multilabel":
        return lambda key, row: _labels(task, numbers, key, row)
    texts = tuple(one.prompts[0] for one in task.classes)
    if len(set(texts)) < len(texts):
        msg = f"task {task.name}: two classes share a prompt; in vqa each needs its own"
        raise UsageError(msg)
    random = np.random.default_rng(seed)

    def ask(key: str, row: Row) -> Any:
        if task.columns.options:
            asked = _questions(task, key, row)
        else:
            number = _label(task, numbers, key, row)
            if isinstance(number, str):
                return number
            asked = [Question(texts, number)]
        for place, one in enumerate(asked):
            order = random.permutation(len(one.options)).tolist()
            shuffled = tuple(one.options[i] for i in order)
            asked[place] = Question(shuffled, order.index(one.answer))
        return asked or "no_options"

    return ask


def _number(task: Task, numbers: dict[str, int], key: str, label: str) -> int:
    if label not in numbers:
        hint = nearest(label, list(numbers))
        msg = f"task {task.name}: {key} has the label {label!r}, which is not a class; {hint}"
        raise UsageError(msg)
    return numbers[label]


def _label(task: Task, numbers: dict[str, int], key: str, row: Row) -> int | str:
    columns = task.columns.label
    if len(columns) > 1:  # one column for each class, of which one is set
        found = np.flatnonzero(_flags(task, key, row))
        return int(found[0]) if len(found) == 1 else "not_one_label"
    value = cell(row, columns[0])
    if value is None or as_text(value) == "":
        return "no_label"
    return _number(task, numbers, key, as_text(value))


def _labels(task: Task, numbers: dict[str, int], key: str, row: Row) -> np.ndarray[Any, Any] | str:
    columns = task.columns.label
    if len(columns) > 1:
        return _flags(task, key, row)
    value = cell(row, columns[0])
    if value is None:
        return "no_label"
    flags = np.zeros(len(numbers), bool)
    for label in _several(value):
        flags[_number(task, numbers, key, label)] = True
    return flags


def _flags(task: Task, key: str, row: Row) -> np.ndarray[Any, Any]:
    """Return which columns are set, of a column for each class."""
    columns = task.columns.label
    labels = [one.label for one in task.classes]
    columns = tuple(labels) if sorted(labels) == sorted(columns) else columns  # in one order
    if len(columns) != len(task.classes):
        msg = f"task {task.name}: {len(columns)} label columns for {len(task.classes)} classes"
        raise UsageError(msg)
    flags = []
    for column in columns:
        value = as_text(cell(row, column)).lower()
        try:
            number = float({"true": "1", "false": "0"}.get(value, value))
        except ValueError:
            number = -1.0
        if number not in (0.0, 1.0):
            msg = f"task {task.name}: {key} has {value!r} in {column!r}, which must be 0 or 1"
            raise UsageError(msg)
        flags.append(bool(number))
    return np.array(flags)


def _questions(task: Task, key: str, row: Row) -> list[Question]:
    columns = task.columns
    asked = []
    for number, column in enumerate(columns.options):
        texts, answer = _several(cell(row, column)), cell(row, columns.answer[number])
        if len(texts) < 2 or answer is None:
            continue  # of several questions some images have fewer
        place = _place(answer, texts)
        if not 0 <= place < len(texts):
            msg = (
                f"task {task.name}: {key} has the answer {answer!r}, which is "
                f"neither one of its {len(texts)} options nor the number of one"
            )
            raise UsageError(msg)
        if columns.question:
            before = as_text(cell(row, columns.question[number]) or "")
            texts = [f"{before} {text}".strip() for text in texts]
        asked.append(Question(tuple(texts), place))
    return asked


def _place(answer: Any, texts: list[str]) -> int:
    """Return where the right option stands; a number of a typed table is that place itself."""
    if isinstance(answer, int) and not isinstance(answer, bool):
        return answer
    text = as_text(answer)
    if text in texts:
        return texts.index(text)
    return int(text) if text.isdigit() else -1


def _several(value: Any) -> list[str]:
    """Return a list of texts; in a CSV they stand between ``|``."""
    several = value if isinstance(value, list) else as_text(value or "").split("|")
    return [as_text(one) for one in several if as_text(one)]


def _captions(cases: Cases) -> None:
    """Gather the captions of each image: of several columns, of lists, of rows of one name."""
    gathered: dict[str, tuple[int, list[str]]] = {}
    for index, (key, row) in enumerate(zip(cases.table.keys, cases.table.rows, strict=True)):
        _, found = gathered.setdefault(key, (index, []))
        for column in cases.task.columns.captions:
            value = cell(row, column)
            several = value if isinstance(value, list) else [value]
            found += [as_text(one) for one in several if one is not None and as_text(one)]
    for index, found in gathered.values():
        if found:
            cases.chosen.append(index)
            cases.truth.append(list(dict.fromkeys(found)))
        else:
            cases.dropped["no_caption"] += 1
