"""Keeps what libraries say from the terminal, unless more messages are asked for."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator

from biomedica_dataset.errors import without_secrets

_OWN = __name__.partition(".")[0]
# Read when the libraries are imported, also by processes that a command starts.
_QUIET = {
    "PYTHONWARNINGS": "ignore",
    "DATASETS_VERBOSITY": "error",
    "HF_HUB_VERBOSITY": "error",
    "TRANSFORMERS_VERBOSITY": "error",
    "TORCH_CPP_LOG_LEVEL": "ERROR",
}


class _WithoutSecrets(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return without_secrets(super().format(record))


def handler() -> logging.Handler:
    """Return a handler that shows our messages, errors of libraries, and all where -v is given."""
    made = logging.StreamHandler()
    made.setFormatter(_WithoutSecrets("%(levelname)s %(name)s: %(message)s"))
    made.addFilter(
        lambda record: (
            record.name.partition(".")[0] == _OWN
            or record.levelno >= logging.ERROR
            or logging.getLogger().level <= logging.INFO
        )
    )
    return made


@contextlib.contextmanager
def captured(*, verbose: bool) -> Iterator[None]:
    """Lead Python's warnings to the log, and quieten libraries that have logs of their own."""
    added = {} if verbose else {n: v for n, v in _QUIET.items() if n not in os.environ}
    os.environ.update(added)
    logging.captureWarnings(capture=True)
    try:
        yield
    finally:
        logging.captureWarnings(capture=False)
        for name in added:
            os.environ.pop(name, None)
