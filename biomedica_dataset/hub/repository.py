"""A dataset repository of the Hub: compares and updates its files."""

from __future__ import annotations

import contextlib
import json
import logging
import re
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from huggingface_hub import CommitInfo, CommitOperationAdd, CommitOperationDelete, HfApi
from huggingface_hub.errors import (  # type: ignore[attr-defined]  # HTTPError: of httpx or httpx2
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    HTTPError,
    LocalTokenNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.hf_api import RepoFile

from biomedica_dataset.card.write import CARD
from biomedica_dataset.errors import ArchiveError, BiomedicaError, SourceError, UsageError
from biomedica_dataset.folder.attributes import CONFIG as ATTRIBUTES
from biomedica_dataset.folder.manifest import MANIFEST
from biomedica_dataset.folder.search_files import SEARCH_PATH
from biomedica_dataset.io.failures import plain
from biomedica_dataset.io.http import TRANSIENT, retry_after
from biomedica_dataset.io.partial import scratch_folder
from biomedica_dataset.schema import SCHEMA_VERSION, TABLES

from .session import limited_session

if TYPE_CHECKING:
    from .staging import LocalFile

_logger = logging.getLogger(__name__)
_TRIES = 6  # of a commit
_LONGEST_WAIT = 300.0  # seconds: the Hub counts requests per five minutes
_MOST_FILES = 1_000_000  # of a repository: its list may have no end
_FILES_PER_COMMIT = 20_000  # the Hub takes up to 25,000
_OF_THE_HUB = ".gitattributes"  # in every repository from its first commit
_SHARD = re.compile(rf"(?:{'|'.join([*TABLES, ATTRIBUTES])})(?:/[a-z0-9_]+)*/[\w-]+\.parquet")
_OURS = re.compile(
    rf"{_SHARD.pattern}|{CARD}|{MANIFEST}|(?:plots|examples)/[\w-]+\.(?:png|jpg)"
    rf"|{SEARCH_PATH.pattern}"
)
_ELSEWHERE = "choose a new or empty repository"
_AGAIN = "push again to resume"
_REFUSED = {
    401: "cannot be written: there is no valid token; log in with `hf auth login` or set HF_TOKEN",
    403: "cannot be written: the token has no write permission",
    404: "does not exist, or this token has no access to it",
    409: "is in use by another request; push again",
    412: "was changed by someone else during the push; push again",
}


class Repository:
    """A dataset repository as found at one commit.

    Parameters
    ----------
    revision
        The branch; ``None`` for the main branch.
    head
        Commit of the branch, or of the main branch if the branch does not exist; ``None`` if the
        repository does not exist.
    private
        Whether to create the repository as private.

    Attributes
    ----------
    tree
        Files by path.
    """

    def __init__(
        self, repo_id: str, revision: str | None, head: str | None, *, private: bool, branched: bool
    ) -> None:
        self._api = HfApi(library_name="biomedica-dataset")
        self._id, self._revision = repo_id, revision
        self._private, self._branched = private, branched
        self.head = head
        self.tree = self._files() if head else {}

    @classmethod
    def find(cls, repo_id: str, revision: str | None, *, private: bool) -> Repository:
        """Return a repository, which may not exist yet."""
        api, branched, info = HfApi(), True, None
        try:
            try:
                info = api.dataset_info(repo_id, revision=revision)
            except RevisionNotFoundError:
                info, branched = api.dataset_info(repo_id), False
        except GatedRepoError:
            raise
        except RepositoryNotFoundError:
            branched = revision is None
        if info is not None and private and not info.private:
            msg = f"{repo_id} is public; make it private in its settings first"
            raise UsageError(msg)
        head = info.sha if info else None
        return cls(repo_id, revision, head, private=private, branched=branched)

    def _files(self) -> dict[str, RepoFile]:
        found = self._api.list_repo_tree(
            self._id, recursive=True, revision=self.head, repo_type="dataset"
        )
        files = (entry for entry in found if isinstance(entry, RepoFile))
        tree = {entry.path: entry for entry in islice(files, _MOST_FILES)}
        if len(tree) == _MOST_FILES:
            msg = f"{self._id} has {_MOST_FILES:,} files or more; {_ELSEWHERE}"
            raise SourceError(msg)
        return tree

    def stale(self, files: list[LocalFile]) -> tuple[list[LocalFile], list[str]]:
        """Return the files to upload, and the paths of our files to delete."""
        wanted = {file.path for file in files}
        ours = {path for path in self.tree if _OURS.fullmatch(path)}
        return [f for f in files if not f.is_same(self.tree.get(f.path))], sorted(ours - wanted)

    def check(self, tag: str | None, *, changes: bool) -> None:
        """Refuse a repository with other data, or with the tag on another commit."""
        if self.head is None:
            return
        if MANIFEST in self.tree:
            self._check_manifest()
        foreign = sorted(path for path in self.tree if not _SHARD.fullmatch(path))
        if MANIFEST not in self.tree and foreign not in ([], [_OF_THE_HUB]):
            first = next(path for path in foreign if path != _OF_THE_HUB)
            msg = f"{self._id} holds other data, such as {first}; {_ELSEWHERE}"
            raise UsageError(msg)
        if tag is not None and self._commit_of(tag) not in {None, None if changes else self.head}:
            msg = f"{self._id} already has a tag {tag} on another commit; choose another tag"
            raise UsageError(msg)

    def _commit_of(self, tag: str) -> str | None:
        try:
            return self._api.dataset_info(self._id, revision=tag).sha
        except RevisionNotFoundError:
            return None

    def _check_manifest(self) -> None:
        with scratch_folder() as scratch:
            place = self._api.hf_hub_download(
                self._id, MANIFEST, repo_type="dataset", revision=self.head, local_dir=scratch
            )
            text = Path(place).read_bytes()
        try:
            stored = json.loads(text)
            ours, schema = "biomedica-dataset" in stored["libraries"], int(stored["schema_version"])
        except (ValueError, KeyError, TypeError, RecursionError):
            ours, schema = False, 0
        if not ours:
            msg = f"{self._id} holds other data: its {MANIFEST} is not ours; {_ELSEWHERE}"
            raise UsageError(msg)
        if schema > int(SCHEMA_VERSION):
            ours_is = f"this package writes {SCHEMA_VERSION}; update the package"
            msg = f"{self._id} has schema version {schema}, but {ours_is}"
            raise UsageError(msg)

    def push(self, upload: list[LocalFile], delete: list[str]) -> None:
        """Upload and delete files; if that takes several commits, new files come first."""
        if self.head is None:
            self._api.create_repo(self._id, repo_type="dataset", private=self._private)
            self.head = self._api.dataset_info(self._id).sha
        if not self._branched:
            self._api.create_branch(
                self._id, repo_type="dataset", branch=self._revision or "", revision=self.head,
                exist_ok=True,
            )  # fmt: skip
        last = [file for file in upload if not _is_data(file)]
        data = sorted((f for f in upload if _is_data(f)), key=lambda file: file.path in self.tree)
        while len(data) > _FILES_PER_COMMIT:
            self._commit(data[:_FILES_PER_COMMIT], [])
            del data[:_FILES_PER_COMMIT]
        if upload or delete:
            self._commit(data + last, delete)

    def _commit(self, upload: list[LocalFile], delete: list[str]) -> None:
        additions = [CommitOperationAdd(file.path, file.place) for file in upload]
        for file, addition in zip(upload, additions, strict=True):
            if addition.upload_info.sha256.hex() != file.sha256:
                msg = (
                    f"{file.path} differs from its SHA-256 in {MANIFEST}; nothing was published. "
                    "Remove it and its record in .shards, then serialize again."
                )
                raise ArchiveError(msg)
        try:
            self._api.preupload_lfs_files(
                self._id, additions, repo_type="dataset", revision=self._revision, free_memory=False
            )
        except (HTTPError, BiomedicaError):
            raise
        except (RuntimeError, ValueError, OSError) as error:  # raised by LFS and Xet
            cause = error.__cause__ or error
            msg = f"the upload to {self._id} failed: {plain(cause)}; {_AGAIN}"
            raise SourceError(msg) from error
        self.head = self._sent(
            partial(
                self._api.create_commit,
                self._id,
                [*additions, *(CommitOperationDelete(path) for path in delete)],
                commit_message=f"Update {len(upload):,} files, delete {len(delete):,}",
                repo_type="dataset",
                revision=self._revision,
                parent_commit=self.head,
            )
        )

    def _sent(self, commit: Callable[[], CommitInfo]) -> str | None:
        """Send a commit, again while the Hub is busy; return the commit of the branch."""
        for attempt in range(1, _TRIES + 1):
            try:
                return commit().oid
            except HfHubHTTPError as error:
                status = error.response.status_code
                if status == 412 and attempt > 1:  # it had arrived: `compare` looks at it
                    return self._api.dataset_info(self._id, revision=self._revision).sha
                if status not in TRANSIENT or attempt == _TRIES:
                    raise
                asked = retry_after(error.response.headers.get("Retry-After"))
                seconds = min(2.0 ** (attempt - 1) if asked is None else asked, _LONGEST_WAIT)
                _logger.warning("the Hub answered %d; asking again in %.0f s", status, seconds)
            time.sleep(seconds)
        raise AssertionError  # pragma: no cover - the last try returns or raises

    def compare(self, files: list[LocalFile]) -> None:
        """Check that the commit matches the folder."""
        self.tree = self._files()
        missing, extra = self.stale(files)
        if missing or extra:
            first = [*(file.path for file in missing), *extra][0]
            msg = f"{self._id} differs from the folder after the push, first in {first}; push again"
            raise SourceError(msg)

    def tag(self, tag: str | None) -> None:
        """Tag the commit."""
        if tag is not None:
            self._api.create_tag(
                self._id, tag=tag, revision=self.head, repo_type="dataset", exist_ok=True
            )


def _is_data(file: LocalFile) -> bool:
    is_data = _SHARD.fullmatch(file.path) or re.fullmatch(SEARCH_PATH.pattern, file.path)
    return is_data is not None and not file.path.startswith("index/")


@contextlib.contextmanager
def hub_errors(repo_id: str) -> Iterator[None]:
    """Turn errors of the Hub into one line that says what to do; wait for no answer for ever."""
    try:
        with limited_session():
            yield
    except (HFValidationError, LocalTokenNotFoundError, OfflineModeIsEnabled) as error:
        raise UsageError(plain(error)) from error
    except GatedRepoError as error:
        msg = f"{repo_id} is gated; request access on its page and log in with `hf auth login`"
        raise UsageError(msg) from error
    except HfHubHTTPError as error:
        status = error.response.status_code
        if status in _REFUSED:
            words = plain(ValueError(error.server_message or ""))
            said = f" (the Hub says: {words})" if error.server_message else ""
            msg = f"{repo_id} {_REFUSED[status]}{said}"
            raise UsageError(msg) from error
        msg = f"the Hub failed for {repo_id}: {plain(error)}; {_AGAIN}"
        raise SourceError(msg) from error
    except HTTPError as error:
        msg = f"the Hub cannot be reached: {plain(error)}; {_AGAIN}"
        raise SourceError(msg) from error
