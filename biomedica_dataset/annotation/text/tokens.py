"""Counts the tokens of texts: by CLIP's tokenizer, and by that of another model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from biomedica_dataset.annotation.pretrained import check_hub, load_transformers, loading
from biomedica_dataset.extras import require
from biomedica_dataset.io.rules import Sha256  # noqa: TC001 - for pydantic

_ENDS = 2  # tokens around the text


@dataclass(frozen=True, slots=True)
class TokenizerId:
    """A tokenizer: its name, and the SHA-256 of its vocabulary."""

    name: str
    vocabulary: Sha256


class Tokenizer:
    """The tokenizer of a model for transformers.

    Parameters
    ----------
    name
        An id on the Hub, or a folder.

    Raises
    ------
    UsageError
        transformers is missing, or there is no such tokenizer.
    SourceError
        The Hub does not answer.
    """

    def __init__(self, name: str) -> None:
        transformers = load_transformers("embed")
        check_hub(name)
        with loading(f"{name} has no tokenizer that can be loaded"):
            loaded = transformers.AutoTokenizer.from_pretrained(name, trust_remote_code=False)
        self._loaded: Any = loaded
        vocabulary = json.dumps(sorted(loaded.get_vocab().items())).encode()
        shown = Path(name).resolve().name if Path(name).is_dir() else name
        self.id = TokenizerId(shown, hashlib.sha256(vocabulary).hexdigest())

    def count(self, texts: Sequence[str]) -> list[int]:
        """Return the tokens of each text, with those around it."""
        return [len(ids) for ids in self._loaded(list(texts), verbose=False)["input_ids"]]


@cache
def _clip() -> Any:
    return require("open_clip", "text").tokenizer.SimpleTokenizer()


def clip_tokens(text: str) -> int:
    """Return the tokens of a text by CLIP's tokenizer, with those around it.

    Examples
    --------
    >>> clip_tokens("liver")
    3
    """
    return len(_clip().encode(text)) + _ENDS
