"""Writes selected figures as conversations for training vision-language models.

::

    SUBSET/
      README.md                                a config for each licence group
      llava-<group>-<split>.json               the conversations of all slices, as LLaVA reads them
      <group>/<split>/<slice>/metadata.jsonl   as of image files, with a column ``messages``
      <group>/<split>/<slice>/<key>.jpg        the original bytes
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from biomedica_dataset.streaming.reading.attributes import attribute_columns, join_attributes

from .conversations import Templates, digest, llava, messages, read_templates, turns
from .stage import Slice, slices_by_group
from .write_figures import READ, FiguresStage
from .write_images import SLICE, ImagesRecord

if TYPE_CHECKING:
    from biomedica_dataset.engine.outcome import StageRun


_TABLE = "table.html"


@dataclass(frozen=True)
class ConversationsStage(FiguresStage):
    """Writes figures as image files with conversations about them.

    Parameters
    ----------
    templates
        A file of templates; by default those of the package.
    """

    format: ClassVar[str] = "conversations"
    code: ClassVar[tuple[str, ...]] = ("subset.write_conversations",)
    reads: ClassVar[list[str]] = [*READ, "panels", "figure_label"]

    templates: str | None = None

    @property
    def described(self) -> str:
        """What is written, with what tells its templates from others."""
        return f"{self.format} by templates {digest(self._templates)}"

    @cached_property
    def _templates(self) -> Templates:
        return read_templates(self.templates)

    def tasks(self) -> list[Slice]:
        """Return slices of one licence group and split each, with the tables of images."""
        index, table = self.chosen.index, self.chosen.table
        names = [_TABLE] if _TABLE in attribute_columns(index.manifest) else []
        return slices_by_group(join_attributes(index, table, names, lambda _told: None), SLICE)

    def line(self, task: Slice, number: int, row: dict[str, Any]) -> dict[str, Any]:
        """Return the row of a figure in the table, with its conversation."""
        has_tables = _TABLE in task.table.column_names
        html = task.table[_TABLE][number].as_py() if has_tables else None
        asked = list(turns(self._templates, row, html))
        return {**super().line(task, number, row), "messages": messages(asked)}

    def finish(self, run: StageRun[ImagesRecord, int]) -> None:
        """Write what LLaVA reads, then the card, unless nothing changed."""
        folders: dict[str, list[str]] = defaultdict(list)
        for record in run.records.values():
            group, split, _slice = record.folder.split("/")
            folders[f"llava-{group}-{split}.json"].append(record.folder)
        for name, held in folders.items():
            if run.made or not self.output.exists(name):
                self._write_llava(name, held)
        super().finish(run)

    def _write_llava(self, name: str, folders: list[str]) -> None:
        with self.output.create() as file:
            for number, line in enumerate(self._conversations(folders)):
                file.write((",\n" if number else "[\n").encode() + line.encode())
            file.write(b"\n]\n")
            file.publish(name)

    def _conversations(self, folders: list[str]) -> Iterator[str]:
        for folder in folders:
            for line in self.output.read_bytes(f"{folder}/metadata.jsonl").splitlines():
                yield json.dumps(llava(json.loads(line), folder), ensure_ascii=False)
