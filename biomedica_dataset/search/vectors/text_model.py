"""Models that turn texts into vectors: the mean of the last layer of an encoder, normalized."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from biomedica_dataset.annotation.pretrained import (
    check_hub,
    load_transformers,
    loading,
    weights_digest,
)
from biomedica_dataset.errors import UsageError
from biomedica_dataset.extras import require
from biomedica_dataset.folder.search_files import TextModelId

_BATCH = 32
_TOKENS = 256  # of 1,189 real captions, 5 % of the tokens lie behind 512, 19 % behind 256
_DIMS = range(8, 8193)


class TextModel:
    """A model of texts for transformers, such as all-MiniLM-L6-v2.

    Parameters
    ----------
    name
        Id on the Hub, or a folder.

    Raises
    ------
    UsageError
        A library is missing, or there is no such model.
    """

    def __init__(self, name: str) -> None:
        self._torch: Any = require("torch", "embed")
        transformers = load_transformers("embed")
        check_hub(name)
        with loading(f"{name} cannot be loaded as a model of texts", ", with its tokenizer"):
            self._tokens = transformers.AutoTokenizer.from_pretrained(name, trust_remote_code=False)
            model = transformers.AutoModel.from_pretrained(name, trust_remote_code=False)
        dim = getattr(model.config, "hidden_size", 0)
        if dim not in _DIMS:
            msg = f"{name} is not a model of texts: it has no hidden_size from 8 to 8192"
            raise UsageError(msg)
        self._model = model.eval().float()
        self._most = min(_TOKENS, getattr(model.config, "max_position_embeddings", _TOKENS))
        self.id = TextModelId(
            name=Path(name).resolve().name if Path(name).is_dir() else name,
            revision=getattr(model.config, "_commit_hash", None),
            weights=weights_digest(model),
            dim=dim,
        )

    def encode(self, texts: Sequence[str]) -> np.ndarray[Any, Any]:
        """Return vectors of length 1, float32 (n, d)."""
        parts = [self._batch(texts[at : at + _BATCH]) for at in range(0, len(texts), _BATCH)]
        return np.concatenate(parts) if parts else np.zeros((0, self.id.dim), np.float32)

    def encode_titled(self, texts: Sequence[tuple[str, str]]) -> np.ndarray[Any, Any]:
        """Return vectors of captions, each with that of its title added, float32 (n, d).

        A caption seldom says what its article is about, and those who look for it do.
        """
        titles = sorted({title for _caption, title in texts if title})
        vectors = dict(zip(titles, self.encode(titles), strict=True))
        vectors[""] = np.zeros(self.id.dim, np.float32)
        captions = self.encode([caption for caption, _title in texts])
        own = np.reshape([vectors[title] for _caption, title in texts], captions.shape)
        added: np.ndarray[Any, Any] = captions + own
        return added

    def _batch(self, texts: Sequence[str]) -> np.ndarray[Any, Any]:
        torch = self._torch
        tokens = self._tokens(
            list(texts), padding=True, truncation=True, max_length=self._most, return_tensors="pt"
        )
        with torch.inference_mode():
            last = self._model(**tokens).last_hidden_state
            kept = tokens["attention_mask"].unsqueeze(-1).float()
            mean = (last * kept).sum(1) / kept.sum(1).clamp(min=1)
            vectors: np.ndarray[Any, Any] = torch.nn.functional.normalize(mean, dim=1).numpy()
        return vectors
