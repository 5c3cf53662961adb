"""The report of a run of serialize."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from biomedica_dataset.engine.report import Shown, Tally, aligned, part_message
from biomedica_dataset.extras import install_command
from biomedica_dataset.plotting import can_plot

if TYPE_CHECKING:
    from biomedica_dataset.folder.manifest import Manifest


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SerializeReport(Shown):
    """The result of a run of serialize.

    Parameters
    ----------
    manifest
        The manifest; if other parts are not done, it covers what exists and was not written.
    rewritten
        Shards written by this run, out of ``shards``.
    left
        Shards of other parts of the run that are not done.
    labels, vectors
        Number of pairs by outcome of the join: ``kept``, or why they have no label or vector.
    images, undecodable
        Number of images by outcome of decoding, and keys with the reason; empty if not checked.
    problems
        Articles without a row, each with the reason.
    """

    manifest: Manifest
    shards: int
    rewritten: int
    left: int = 0
    labels: dict[str, int]
    vectors: dict[str, int]
    images: dict[str, int]
    undecodable: list[str]
    problems: list[str]

    def __str__(self) -> str:
        """Return the report in words."""
        lines = [
            *Tally.of(self.manifest.figures).lines("figures"),
            *(
                f"{config}: {rows:,} rows, {self.manifest.config_bytes(config) / 1e6:,.1f} MB"
                for config in self.manifest.configs()
                if (rows := self.manifest.rows(config))
            ),
            *(Tally.of(self.labels).lines("labels") if self.labels else []),
            *(Tally.of(self.vectors).lines("vectors") if self.vectors else []),
            *_panel_lines(self.manifest),
            *_document_lines(self.manifest),
            *(Tally.of(self.images).lines("images") if self.images else []),
            *(f"cannot be decoded: {one}" for one in self.undecodable[:20]),
            *(f"unreadable: {problem}" for problem in self.problems[:20]),
            *([_groups_line(self.manifest)] if self.manifest.image_groups else []),
            *([] if can_plot() else [f"the card has no plots: {install_command('plots')}"]),
        ]
        if self.left:
            lines.append(part_message(self.rewritten, self.left, "shards"))
        elif self.rewritten:
            lines.append(f"{self.rewritten:,} of {self.shards:,} shards written")
        else:
            lines.append("nothing to do: the dataset folder is up to date")
        return "\n".join(lines)


def _groups_line(manifest: Manifest) -> str:
    sizes = manifest.image_groups
    what = "share images" if manifest.split_by == "image" else "have copies of images"
    return (
        f"{sizes['articles']:,} articles {what}, in {sizes['groups']:,} groups, each in one "
        f"split; the largest has {sizes['largest']:,} articles"
    )


def _document_lines(manifest: Manifest) -> list[str]:
    counts = (manifest.document_figures, "figures"), (manifest.document_tables, "tables")
    return [
        line
        for counted, what in counts
        if counted
        for line in Tally.of(counted).lines(f"{what} of documents")
    ]


def _panel_lines(manifest: Manifest) -> list[str]:
    if not manifest.split_figures:
        return []
    figures, panels = Tally.of(manifest.split_figures), Tally.of(manifest.panels)
    whole = f"{figures.kept:,} figures are split into panels; {figures.seen - figures.kept:,} whole"
    return [whole, *aligned(figures.dropped), *panels.lines("panels")]
