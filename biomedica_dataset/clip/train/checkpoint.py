"""Checkpoints: model, optimizer, scaler, and random numbers and position of every process."""

from __future__ import annotations

import contextlib
import json
import pickle
import zipfile
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Any

from biomedica_dataset.errors import UsageError
from biomedica_dataset.extras import require
from biomedica_dataset.io.failures import reading

if TYPE_CHECKING:
    from biomedica_dataset.io.folders import Folder

_BELOW = "checkpoints"
_PARTS: dict[str, Any] = {
    "step": int, "loss": (float, type(None)), "identity": dict, "model": dict, "optimizer": dict,
    "scaler": dict, "processes": list,
}  # fmt: skip
"""The parts of a checkpoint, with their types."""


def latest_checkpoint(folder: Folder) -> str | None:
    """Return the name of the latest checkpoint of an output folder."""
    return next(reversed(_names(folder)), None)


def _names(folder: Folder) -> list[str]:
    return [f"{_BELOW}/{name}" for name in folder.names(_BELOW) if name.endswith(".pt")]


def save(folder: Folder, state: dict[str, Any], keep: int) -> None:
    """Write a checkpoint whole or not at all, and keep the latest ones."""
    torch = require("torch", "clip")
    with folder.create() as file:
        try:
            torch.save(state, file)
        except RuntimeError:
            file.check()
            raise
        file.publish(f"{_BELOW}/step-{state['step']:08d}.pt")
    remove_old(folder, keep)


def remove_old(folder: Folder, keep: int) -> None:
    """Keep the latest checkpoints only."""
    for old in _names(folder)[:-keep]:
        folder.remove(old)


def load_latest(folder: Folder, identity: dict[str, Any], processes: int) -> dict[str, Any] | None:
    """Return the latest checkpoint, None if there is none.

    Parameters
    ----------
    identity
        What the weights depend on, by name.

    Raises
    ------
    UsageError
        It is of another training or number of processes.
    ArchiveError
        It cannot be read.
    """
    name = latest_checkpoint(folder)
    if name is None:
        return None
    state, where = _read(folder, name), folder.path(name)
    before, now = state["identity"], plain(identity)
    changed = sorted(k for k in {*before, *now} if before.get(k) != now.get(k))
    if changed:
        told = "; ".join(f"{k} was {before.get(k)!r}, is {now.get(k)!r}" for k in changed[:3])
        msg = f"{where} belongs to another training: {told}. Choose a new output, or undo it"
        raise UsageError(msg)
    if len(state["processes"]) != processes:
        msg = (
            f"{where} was written by {len(state['processes'])} processes, and now there are "
            f"{processes}; resume with as many, so that no pair is missed or seen twice"
        )
        raise UsageError(msg)
    return state


def plain(identity: dict[str, Any]) -> dict[str, Any]:
    """Return an identity as JSON gives it back."""
    made: dict[str, Any] = json.loads(json.dumps(identity, default=str))
    return made


def _read(folder: Folder, name: str) -> dict[str, Any]:
    torch = require("torch", "clip")
    where = folder.path(name)
    with restoring(where):
        with folder.open(name) as file:
            _refuse_compressed(file)
            state = torch.load(file, map_location="cpu", weights_only=True)
        _check(state)
    return dict(state)


@contextlib.contextmanager
def restoring(where: str) -> Iterator[None]:
    """Turn the errors of a damaged checkpoint into one line that names it and what to do."""
    with reading(where, "Remove it to use the one before, or choose a new output."):
        try:
            yield
        except (RuntimeError, EOFError, pickle.UnpicklingError, zipfile.BadZipFile) as error:
            raise ValueError(str(error).partition("\n")[0]) from error


def _check(state: Any) -> None:
    """Raise a ValueError if a part is missing, or of another type."""
    if not isinstance(state, dict) or state.keys() != _PARTS.keys():
        msg = "it is not a checkpoint of this version"
        raise ValueError(msg)
    for part, kind in _PARTS.items():
        if not isinstance(state[part], kind):
            msg = f"its {part} is a {type(state[part]).__name__}"
            raise ValueError(msg)
    if state["step"] < 0:
        msg = f"its step is {state['step']}"
        raise ValueError(msg)


def _refuse_compressed(file: IO[bytes]) -> None:
    """Raise a ValueError if a part would take more memory than the file; torch compresses none."""
    with zipfile.ZipFile(file) as stored:
        if any(part.compress_type != zipfile.ZIP_STORED for part in stored.infolist()):
            msg = "a part is compressed"
            raise ValueError(msg)
    file.seek(0)
