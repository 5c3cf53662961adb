"""What each block of an archive should contain, and whether it does, judged by its files alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from biomedica_dataset.archive.layout import articles_name
from biomedica_dataset.archive.selection import Wants, wants_by_block

if TYPE_CHECKING:
    from biomedica_dataset.archive.entries import BlockHeader
    from biomedica_dataset.archive.ledger import Archive
    from biomedica_dataset.pmc.inventory import Inventory

    from .options import ExtractOptions


@dataclass(frozen=True, slots=True)
class Task:
    """A block, and what it should contain.

    Parameters
    ----------
    inventory
        The block's part of the inventory.
    retry
        Whether to retry what was unavailable or corrupt, and to reread with another reader.
    """

    block: int
    inventory: Inventory
    wants: Wants
    retry: bool = False


def find_tasks(width: int, inventory: Inventory, options: ExtractOptions) -> list[Task]:
    """Return a task for each block of an inventory."""
    wants_of = wants_by_block(options.wants, width)
    return [
        Task(block, part, wants_of(block), options.retry) for block, part in inventory.blocks(width)
    ]


def is_up_to_date(header: BlockHeader, task: Task, images: Mapping[str, int]) -> bool:
    """Whether a block matches its task, given the bytes of the images files by name."""
    return (
        header.inventory == task.inventory.digest()
        and header.wants == task.wants.digest
        and header.has_images(images)
    )


def current_header(archive: Archive, task: Task) -> BlockHeader | None:
    """Return the header of a block that is up to date; ``None`` if it is stale."""
    if not archive.folder.exists(articles_name(task.block)):
        return None
    header = archive.header(task.block)
    names = [name for name in [header.images_file] if name and archive.folder.exists(name)]
    images = {name: archive.folder.size(name) for name in names}
    return header if is_up_to_date(header, task, images) else None
