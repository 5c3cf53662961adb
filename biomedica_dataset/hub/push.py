"""Updates a dataset repository of the Hub to match a dataset folder.

Files that the repository already has, by size and digest, stay in place. Others are uploaded first
and become visible together with deletions in one commit, so no reader sees new shards with an old
index. More files than the Hub accepts per commit need several commits: new shards first; index,
card and manifest last.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

from biomedica_dataset.errors import UsageError
from biomedica_dataset.folder.changes import remember_release
from biomedica_dataset.folder.manifest import read_manifest
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.io.partial import scratch_folder

from .repository import Repository, hub_errors
from .staging import collect


@dataclass(frozen=True, slots=True, kw_only=True)
class PushedCommit:
    """What a push changed or would change.

    Parameters
    ----------
    oid
        The commit with the dataset folder; ``None`` after a dry run.
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
    """Update a dataset repository of the Hub to match a dataset folder.

    Only changed files are uploaded, and files missing from the folder are deleted; afterwards the
    repository is compared with the manifest. To resume an interrupted push, call this again. The
    token is that of ``hf auth login`` or the variable ``HF_TOKEN``.

    Parameters
    ----------
    folder
        A finished dataset folder on this machine.
    repo_id
        Repository such as ``my-org/biomedica``; created if missing.
    private
        Create the repository as private; an existing public one is refused.
    revision
        Branch to push to, created if missing; the main branch by default.
    tag
        Tag for the dataset after the push: a release. The folder remembers its keys, and later
        cards list rows added and removed since.
    include_other
        Also publish the rows of licence group ``other``. Otherwise index, card and manifest omit
        them too.
    dry_run
        Change nothing; only report what would change.

    Returns
    -------
    PushedCommit
        Its ``oid`` is the new commit, or the existing one if nothing has changed.

    Raises
    ------
    UsageError
        The folder is unfinished or of another schema version; or the repository holds other data,
        is not writable with this token, or already has the tag.
    ArchiveError
        A file of the folder differs from its manifest; the repository is unchanged.
    SourceError
        The Hub or the network failed; call again to resume.

    Examples
    --------
    >>> push_to_hub("archive", "me/biomedica")
    Traceback (most recent call last):
        ...
    biomedica_dataset.errors.UsageError: archive has no manifest.json...
    """
    source = Folder(folder)
    if not source.is_local:
        msg = f"{source.url} is not on this machine; copy the folder here before the push"
        raise UsageError(msg)
    with scratch_folder() as scratch, hub_errors(repo_id):
        files = collect(source, scratch, repo_id, include_other=include_other)
        repo = Repository.find(repo_id, revision, private=private)
        upload, delete = repo.stale(files)
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
        repo.tag(tag)
        if tag is not None:
            remember_release(source, read_manifest(source), tag)
        return replace(pushed, oid=repo.head)


def _amount(files: dict[str, int]) -> str:
    return f"{len(files):,} files, {sum(files.values()) / 1e6:,.1f} MB"
