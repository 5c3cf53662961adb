"""Which blocks agree with the inventory and what is wanted: the files alone say it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from biomedica_dataset.archive.layout import articles_name
from biomedica_dataset.archive.selection import wants_by_block

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from biomedica_dataset.archive.entries import BlockHeader
    from biomedica_dataset.archive.ledger import Archive
    from biomedica_dataset.archive.selection import Wants
    from biomedica_dataset.pmc.inventory import Inventory

    from .options import ExtractOptions


@dataclass(frozen=True, slots=True)
class Task:
    """A block to bring into agreement with the inventory.

    Parameters
    ----------
    inventory
        The block's part of it.
    retry
        Whether to fetch again what was unavailable or corrupt, and what another reader finds.
    """

    block: int
    inventory: Inventory
    wants: Wants
    retry: bool = False


def find_tasks(
    width: int,
    inventory: Inventory,
    options: ExtractOptions,
    headers: dict[int, BlockHeader],
    images: Mapping[str, int],
) -> list[Task]:
    """Return the blocks that do not agree with the inventory and what is wanted.

    Parameters
    ----------
    headers, images
        The blocks that are there, and the bytes of the images files by name.
    """
    wants_of = wants_by_block(options.wants, width)
    tasks = []
    for block, part in inventory.blocks(width):
        task = Task(block, part, wants_of(block), options.retry)
        header = headers.get(block)
        if header is None or not agrees(header, task, images):
            tasks.append(task)
    return tasks


def agrees(header: BlockHeader, task: Task, images: Mapping[str, int]) -> bool:
    """Whether a block is as a task wants it, given the bytes of the images files by name."""
    return (
        header.inventory == task.inventory.digest()
        and header.wants == task.wants.digest
        and header.has_images(images)
        and not (task.retry and header.may_gain())
    )


def stale_tasks(archive: Archive, tasks: Sequence[Task]) -> list[Task]:
    """Return the tasks whose blocks do not agree now; what was dropped for now was tried."""
    done = archive.folder.map(lambda task: _is_done(archive, task), tasks)
    return [task for task, is_done in zip(tasks, done, strict=True) if not is_done]


def _is_done(archive: Archive, task: Task) -> bool:
    if not archive.folder.exists(articles_name(task.block)):
        return False
    header = archive.header(task.block)
    names = [name for name in [header.images_file] if name and archive.folder.exists(name)]
    images = {name: archive.folder.size(name) for name in names}
    return agrees(header, replace(task, retry=False), images)
