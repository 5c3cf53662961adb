"""Folders that begin with a header: a JSON file that describes the folder."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

from biomedica_dataset.errors import UsageError

from .failures import reading
from .typed import read_small, typed, versioned

if TYPE_CHECKING:
    from .folders import Folder

T = TypeVar("T")


def refuse_foreign(folder: Folder, what: str, *markers: str) -> bool:
    """Return whether a folder was begun before; refuse one that is something else.

    Parameters
    ----------
    what
        What the folder is, for the message, such as ``an archive``.
    markers
        Names of which the first file that is written has one; a name that ends with ``/`` is a
        subfolder, whose first file counts.

    Raises
    ------
    UsageError
        The folder is not empty and has none of these.
    """
    was_empty = folder.is_empty()  # checked first: another part may begin the folder now
    if any(folder.names(m) if m.endswith("/") else folder.exists(m) for m in markers):
        return True
    if not was_empty:
        msg = f"{folder.url} is not empty and not {what}; choose an empty or new folder"
        raise UsageError(msg)
    return False


def begin_folder(
    folder: Folder, name: str, what: str, version: int, header: dict[str, Any], kind: type[T]
) -> T:
    """Begin a folder with a header, and return the header that it has now.

    The header differs if the folder was begun before, or another part was faster.

    Raises
    ------
    UsageError
        The folder is something else, or of another format version.
    ArchiveError
        The header that it has is damaged.
    """
    if not refuse_foreign(folder, what, name):
        stored = {"format_version": version, **header}
        folder.begin(name, json.dumps(stored, indent=1).encode())
    return read_header(folder, name, what, version, kind)


def read_header(folder: Folder, name: str, what: str, version: int, kind: type[T]) -> T:
    """Return the header of a folder as a type, without its format version.

    Raises
    ------
    UsageError
        The folder has no header, or one of another version.
    ArchiveError
        It is damaged, or a value is not allowed.
    """
    if not folder.exists(name):
        msg = (
            f"{folder.url} is not {what}: it has no {name}; name the output of the command that "
            "makes one"
        )
        raise UsageError(msg)
    with reading(folder.path(name), "Restore it, or make the folder again."):
        from pydantic_core import to_json

        found, header = versioned(read_small(folder, name), "format_version")
        if found == version:
            return typed(kind, to_json(header))
    msg = f"{folder.path(name)} has format version {found}; this package reads {version}"
    raise UsageError(msg)
