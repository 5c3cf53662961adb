"""ONNX files: loaded without code or weights from elsewhere, and what lies beside them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from biomedica_dataset.errors import UsageError
from biomedica_dataset.extras import require
from biomedica_dataset.io.rules import shown

Normalization = tuple[tuple[float, ...], tuple[float, ...]]  # mean and deviation of channels


SIDES = range(32, 2049)
"""Pixels of a side of an image that a model may ask for."""

_LARGEST, _LARGEST_SETTINGS = 2**30, 2**24  # bytes of a file
_LISTED = 8  # names in an error
_LONG = 200  # characters of an error of onnxruntime


def find_onnx(model: str) -> Path | None:
    """Return the ONNX file that a path names, or the one in a folder without safetensors.

    Raises
    ------
    UsageError
        The folder holds several.
    """
    path = Path(model)
    if not path.is_dir():
        return path if path.suffix.lower() == ".onnx" else None
    found = sorted(path.glob("*.onnx"))
    if not found or any(path.glob("*.safetensors")):
        return None
    if len(found) > 1:
        names = listed(file.name for file in found)
        msg = f"{model} holds {len(found)} ONNX files ({names}): name one of them"
        raise UsageError(msg)
    return found[0]


def fixed(side: Any) -> int | None:
    """Return a side in pixels if it is one that a model may ask for."""
    return side if type(side) is int and side in SIDES else None


@dataclass(frozen=True, slots=True)
class Settings:
    """What the files of transformers beside a model say that its graph does not.

    Parameters
    ----------
    classes
        Number of classes, without that of no object.
    size
        Width and height.
    """

    classes: int | None
    size: tuple[int, int] | None
    normalization: Normalization | None

    @classmethod
    def beside(cls, file: Path) -> Settings:
        """Return the settings of the folder of a file."""
        model, image = (
            _json(file.with_name(name)) for name in ("config.json", "preprocessor_config.json")
        )
        labels, size = model.get("id2label"), image.get("size")
        sides = size if isinstance(size, dict) else {}
        width, height = fixed(sides.get("width")), fixed(sides.get("height"))
        mean, deviation = (_channels(image.get(f"image_{what}")) for what in ("mean", "std"))
        if image.get("do_normalize") is False:
            mean, deviation = (0.0,) * 3, (1.0,) * 3
        return cls(
            classes=len(labels) if isinstance(labels, dict) else None,
            size=(width, height) if width and height else None,
            normalization=(mean, deviation) if mean and deviation and all(deviation) else None,
        )


def _json(file: Path) -> dict[str, Any]:
    """Return a file of settings; empty if there is none."""
    if not file.exists():
        return {}
    try:
        found = json.loads(read_bounded(file, _LARGEST_SETTINGS))
    except (ValueError, RecursionError) as error:
        msg = f"{file} is not valid JSON: {said(error)}"
        raise UsageError(msg) from error
    return found if isinstance(found, dict) else {}


def read_bounded(file: Path, largest: int = _LARGEST) -> bytes:
    """Return the bytes of a regular file of a bounded size.

    Raises
    ------
    UsageError
        There is no such file, it cannot be read, or it is larger.
    """
    try:
        if not file.is_file():
            msg = f"{file} is not a file; give an ONNX file, a folder, or an id on the Hub"
            raise UsageError(msg)
        size = file.stat().st_size
        if size > largest:
            msg = f"{file} has {size:,} bytes, more than the {largest:,} that are read"
            raise UsageError(msg)
        return file.read_bytes()
    except OSError as error:
        msg = f"{file} cannot be read: {error.strerror}"
        raise UsageError(msg) from error


def load_onnx(data: bytes, file: Path) -> Any:
    """Return the model in memory, for one core.

    Raises
    ------
    UsageError
        onnxruntime is missing or refuses it.
    """
    runtime = require("onnxruntime", "panels")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    options.add_session_config_entry("session.load_model_format", "ONNX")
    # A folder that cannot be: no file in it, which a model could name for its weights, exists.
    nowhere = str(file.resolve())
    options.add_session_config_entry(
        "session.model_external_initializers_file_folder_path", nowhere
    )
    try:
        return runtime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except onnx_errors() as error:
        msg = (
            f"{file} cannot be loaded as a detector: {said(error)}. Give an ONNX file of standard "
            "operators that holds its weights itself"
        )
        raise UsageError(msg) from error


@cache
def onnx_errors() -> tuple[type[Exception], ...]:
    """Return the errors of onnxruntime, which have no class in common."""
    state = require("onnxruntime.capi.onnxruntime_pybind11_state", "panels")
    kinds = [kind for kind in vars(state).values() if isinstance(kind, type)]
    return (ValueError, RuntimeError, *(kind for kind in kinds if issubclass(kind, Exception)))


def said(error: Exception) -> str:
    """Return the end of what onnxruntime or a reader said, in a short line."""
    line = " ".join(str(error).rpartition(" : ")[2].split())[:_LONG].rstrip(" .")
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in line)


def listed(names: Iterable[object]) -> str:
    r"""Return the first of some names for an error.

    Examples
    --------
    >>> print(listed(["boxes", "x\x1b[31m"]))
    'boxes', 'x\x1b[31m'
    """
    found = [shown(str(name)) for name in names]
    more = f" and {len(found) - _LISTED} more" if len(found) > _LISTED else ""
    return (", ".join(found[:_LISTED]) or "nothing") + more


def _channels(values: Any) -> tuple[float, ...]:
    """Return a number for each channel; none for anything else."""
    is_read = isinstance(values, list) and len(values) == 3
    is_read = is_read and all(type(one) in (int, float) and abs(one) < 1e6 for one in values)
    return tuple(map(float, values)) if is_read else ()
