"""What the stub of the Hub holds: files, commits, branches and tags, in memory."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field


@dataclass(frozen=True)
class File:
    data: bytes
    lfs: bool

    @property
    def sha256(self):
        return hashlib.sha256(self.data).hexdigest()

    @property
    def blob(self):
        version = "version https://git-lfs.github.com/spec/v1"
        pointer = f"{version}\noid sha256:{self.sha256}\nsize {len(self.data)}\n"
        data = pointer.encode() if self.lfs else self.data
        return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


@dataclass
class Repo:
    name: str
    private: bool = False
    gated: bool = False
    commits: dict[str, dict[str, File]] = field(default_factory=dict)
    history: list[tuple[str, str]] = field(default_factory=list)
    refs: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    def __post_init__(self):
        self.commit(
            "main", {".gitattributes": File(b"*.parquet filter=lfs\n", lfs=False)}, "initial commit"
        )

    def commit(self, branch, files, title):
        oid = hashlib.sha1(f"{self.name} {len(self.commits)} {title}".encode()).hexdigest()
        self.commits[oid] = files
        self.refs[branch] = oid
        self.history.append((oid, title))
        return oid

    def find(self, revision):
        found = self.refs.get(revision) or self.tags.get(revision)
        return found or (revision if revision in self.commits else None)

    @property
    def files(self):
        """Paths and bytes of the main branch."""
        return {path: file.data for path, file in self.commits[self.refs["main"]].items()}


def entry(path, file):
    lfs = (
        {"lfs": {"oid": file.sha256, "size": len(file.data), "pointerSize": 130}}
        if file.lfs
        else {}
    )
    return {"type": "file", "path": path, "size": len(file.data), "oid": file.blob} | lfs


def folder(path):
    return {
        "type": "directory",
        "path": path,
        "size": 0,
        "oid": hashlib.sha1(path.encode()).hexdigest(),
    }
