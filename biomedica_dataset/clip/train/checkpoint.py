"""Checkpoints: model, optimizer, scaler, and random numbers and position of every process."""

from __future__ import annotations

import json
import pickle
from typing import TYPE_CHECKING, Any

from biomedica_dataset.errors import ArchiveError, UsageError
from biomedica_dataset.extras import require

if TYPE_CHECKING:
    from biomedica_dataset.io.folders import Folder

_BELOW = "checkpoints"
_PARTS = {"step", "loss", "identity", "model", "optimizer", "scaler", "processes"}


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
    try:
        with folder.open(name) as file:
            state = torch.load(file, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, ValueError, OSError, pickle.UnpicklingError) as error:
        said = str(error).partition("\n")[0]
        msg = f"{where} cannot be read ({said}); remove it to use the one before"
        raise ArchiveError(msg) from error
    if not isinstance(state, dict) or set(state) != _PARTS:
        msg = f"{where} is not a checkpoint of this version; choose a new output"
        raise ArchiveError(msg)
    return state
