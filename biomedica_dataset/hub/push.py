"""Brings a dataset repository of the Hub into agreement with a dataset folder.

What the repository has already, by size and digest, stays where it is. All else goes up first, file
by file, and becomes visible at once, in one commit with what is deleted: no reader meets new shards
with an old index. Only more files than the Hub takes in one commit need several; then new shards
come first, and index, card and manifest last.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from biomedica_dataset.errors import UsageError
from biomedica_dataset.folder.changes import remember_release
from biomedica_dataset.folder.manifest import read_manifest
from biomedica_dataset.io.folders import Folder

from .repository import Repository, hub_errors
from .staging import collect

if TYPE_CHECKING:
    import os

__all__ = ["PushedCommit", "push_to_hub"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PushedCommit:
    """What a push changed, or would change.

    Parameters
    ----------
    oid
        The commit at which the repository now holds the dataset folder; ``None`` after a dry run.
    uploaded, kept
        Bytes by path.
    deleted
        Paths.
    """

    repo_id: str
    oid: str | None
    uploaded: dict[str, int]
    deleted: tuple[str, ...]
    kept: dict[str, int]

    def __str__(self) -> str:
        """Return the push in words."""
        done = self.oid is not None
        lines = [
            f"{'uploaded' if done else 'to upload'}: {_amount(self.uploaded)}",
            f"{'deleted' if done else 'to delete'}: {len(self.deleted):,} files",
            f"{'kept' if done else 'to keep'}: {_amount(self.kept)}",
        ]
        if done:
            changed = "" if self.uploaded or self.deleted else "nothing to do: "
            lines.append(f"{changed}{self.repo_id} holds the dataset folder at commit {self.oid}")
        return "\n".join(lines)


def push_to_hub(
    folder: str | os.PathLike[str],
    repo_id: str,
    *,
    private: bool = False,
    revision: str | None = None,
    tag: str | None = None,
    include_other: bool = False,
    dry_run: bool = False,
) -> PushedCommit:
    """Bring a dataset repository of the Hub into agreement with a dataset folder.

    Only what differs travels; files that the folder has no more are deleted in the same push;
    afterwards the repository is compared with the manifest. An interrupted push is continued by
    the same call. The token is that of ``hf auth login`` or of the variable ``HF_TOKEN``.

    Parameters
    ----------
    folder
        A finished dataset folder on this machine.
    repo_id
        Such as ``my-org/biomedica``; made where it is not there.
    private
        Make the repository private; one that is public already is refused.
    revision
        Branch to push to, made where it is not there; the main one by default.
    tag
        Name for the state of the dataset after the push: a release. Its keys are kept in the
        folder, and later cards say what was added and removed since.
    include_other
        Also publish the rows of licence group ``other``. Otherwise index, card and manifest go up
        without them, too.
    dry_run
        Change nothing, only say what would be changed.

    Returns
    -------
    PushedCommit
        Its ``oid`` is the commit; nothing to do makes none, and it is the one that was there.

    Raises
    ------
    UsageError
        The folder is unfinished or of another schema version, or the repository holds something
        else, cannot be written with this token, or has that tag already.
    ArchiveError
        A file of the folder differs from its manifest; the repository is as it was.
    SourceError
        The Hub or the network failed; the same call goes on where it stopped.
    """
    source = Folder(folder)
    if not source.is_local:
        msg = f"{source.url} is not on this machine; the Hub takes local files: copy it here first"
        raise UsageError(msg)
    with tempfile.TemporaryDirectory(prefix="biomedica-push-") as scratch, hub_errors(repo_id):
        files = collect(source, Path(scratch), include_other=include_other)
        repo = Repository.find(repo_id, revision, private=private)
        upload, delete = repo.differences(files)
        repo.check(tag, changes=bool(upload or delete))
        changed = set(upload)
        pushed = PushedCommit(
            repo_id=repo_id,
            oid=None,
            uploaded={file.path: file.size for file in upload},
            deleted=tuple(delete),
            kept={file.path: file.size for file in files if file not in changed},
        )
        if dry_run:
            return pushed
        repo.push(upload, delete)
        repo.compare(files)
        repo.name(tag)
        if tag is not None:
            remember_release(source, read_manifest(source), tag)
        return replace(pushed, oid=repo.head)


def _amount(files: dict[str, int]) -> str:
    return f"{len(files):,} files, {sum(files.values()) / 1e6:,.1f} MB"
