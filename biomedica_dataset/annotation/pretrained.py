"""Models for transformers: loaded without running code of theirs, identified by their weights."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from pickle import UnpicklingError  # what torch raises of a file that holds more than weights
from typing import Any

from biomedica_dataset.errors import BiomedicaError, SourceError, UsageError
from biomedica_dataset.extras import require
from biomedica_dataset.io.failures import is_network
from biomedica_dataset.io.transfer import AbsentError, RefusedError
from biomedica_dataset.io.web import Web


def load_transformers(extra: str) -> Any:
    """Return transformers, made to run no code of a model and to ask nothing on the terminal."""
    transformers = require("transformers", extra)
    transformers.utils.logging.disable_progress_bar()
    # Where a library calls it without trust_remote_code, it would ask for so many seconds.
    code: Any = require("transformers.dynamic_module_utils", extra)
    code.TIME_OUT_REMOTE_CODE = 0
    return transformers


def weights_digest(model: Any) -> str:
    """Return the SHA-256 of all parameters, by name."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(f"{name} {tuple(tensor.shape)} ".encode())
        digest.update(tensor.detach().cpu().float().contiguous().numpy().tobytes())
    return digest.hexdigest()


def absent_weights(info: Mapping[str, Any]) -> list[str]:
    """Return the names of weights that a model lacks, from transformers' report on loading it."""
    return sorted({*info["missing_keys"], *(key for key, *_ in info["mismatched_keys"])})


def check_hub(model: str, revision: str | None = None) -> None:
    """Check that the Hub answers, if a model must come from it: its client waits half a minute.

    Raises
    ------
    SourceError
        It does not.
    """
    from huggingface_hub import constants, try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    if constants.is_offline_mode() or Path(model).exists():
        return
    try:
        if try_to_load_from_cache(model, "config.json", revision=revision):
            return
    except HFValidationError:  # not an id: what loads it says what it may be
        return
    with closing(Web(constants.ENDPOINT)) as hub:
        try:
            hub.whole("api/whoami-v2")
        except (AbsentError, RefusedError):
            return
        except SourceError as error:
            msg = f"the model {model} is not on this machine, and the Hub cannot be asked: {error}"
            raise SourceError(msg) from error


@contextmanager
def loading(what: str, has: str = "") -> Iterator[None]:
    """Raise what readers of models raise as one error, which says what to give instead.

    Parameters
    ----------
    what
        Which model cannot be loaded, such as ``org/name cannot be loaded as a model of texts``.
    has
        What its folder has besides weights, after a comma.

    Raises
    ------
    UsageError
        There is no such model.
    SourceError
        The Hub does not answer.
    """
    broken: type[Exception] = require("safetensors", "embed").SafetensorError
    try:
        yield
    except (OSError, ValueError, KeyError, RuntimeError, UnpicklingError, broken) as error:
        msg = (
            f"{what}: {why_refused(error)}. Give a folder written by save_pretrained{has}, or an "
            "id on the Hub."
        )
        raise refusal(msg, error) from error


def refusal(message: str, error: Exception) -> BiomedicaError:
    """Return the error for a model that cannot be loaded: the network's failure, or the user's."""
    return (SourceError if is_network(error) else UsageError)(message)


def why_refused(error: Exception) -> str:
    """Return what a reader of models said, in one line.

    Examples
    --------
    >>> why_refused(ValueError("set trust_remote_code=True"))
    'it brings code of its own, which is never run'
    >>> why_refused(ValueError("Re-run with weights_only=False"))
    'its weights are a pickle that holds more than numbers, which is never run'
    """
    said = " ".join(str(error).split())
    if "trust_remote_code" in said or "custom code" in said:
        return "it brings code of its own, which is never run"
    if "weights_only" in said or "TorchScript" in said:
        return "its weights are a pickle that holds more than numbers, which is never run"
    return said
