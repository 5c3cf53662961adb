"""What a shell may complete: values of options, for click's ``shell_complete``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    import click

    Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def _completes(names: Callable[[], Iterable[str]], *, or_file: bool = False) -> Complete:
    """Return a function that completes some names, whose modules are imported when it is called."""

    def complete(
        _context: click.Context, _option: click.Parameter, begun: str
    ) -> list[CompletionItem]:
        lower = begun.lower()
        found = [CompletionItem(name) for name in names() if name.lower().startswith(lower)]
        return found or ([CompletionItem(begun, type="file")] if or_file else [])

    return complete


def _licenses() -> list[str]:
    from biomedica_dataset.licenses import CODES, LICENSE_GROUPS

    return [*LICENSE_GROUPS, *(code.replace(" ", "-") for code in CODES)]


def _columns() -> list[str]:
    from biomedica_dataset.schema import CaptionRow, IndexRow, column_names

    return list(dict.fromkeys([*column_names(IndexRow), *column_names(CaptionRow)]))


def _concepts() -> list[str]:
    from biomedica_dataset.annotation.labels.taxonomy import BUILT_IN, Taxonomy

    taxonomy = Taxonomy.load(BUILT_IN)
    return [*taxonomy.names("primary"), *taxonomy.names("secondary")]


def _splits() -> list[str]:
    from biomedica_dataset.folder.splits import SPLITS

    return [*SPLITS, "all"]


def _sampling() -> list[str]:
    from biomedica_dataset.streaming.recipes import RECIPES

    return list(RECIPES)


def _trainings() -> tuple[str, ...]:
    from biomedica_dataset.clip.train.read_config import RECIPES

    return RECIPES


def _tasks() -> list[str]:
    from biomedica_dataset.clip.evaluate.find import ALL, shipped_tasks

    return [ALL, *(task.name for task in shipped_tasks())]


complete_license = _completes(_licenses)
complete_column = _completes(_columns)
complete_concept = _completes(_concepts)
complete_split = _completes(_splits)
complete_sampling = _completes(_sampling)
complete_training = _completes(_trainings, or_file=True)
complete_task = _completes(_tasks, or_file=True)
