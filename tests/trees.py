"""What a folder holds, to be compared with what it held before or what another one holds."""

from __future__ import annotations

import hashlib
from pathlib import Path


def tree(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file below a folder, unfinished ones too."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file()
    }


def stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """Return inode and time of every file below a folder: writing it again changes both."""
    found = ((path, path.stat()) for path in sorted(folder.rglob("*")))
    return {str(path): (stat.st_ino, stat.st_mtime_ns) for path, stat in found}
