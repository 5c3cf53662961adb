"""What `datasets` writes of columns into Parquet files and cards, made without loading it.

Loading it takes a third of a second in each process that writes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .columns import STRUCTURES


def features_dict(columns: Mapping[str, str]) -> dict[str, Any]:
    """Return columns as ``Features.to_dict``, which ``Features.from_dict`` reads.

    Parameters
    ----------
    columns
        Types by name, such as ``list<string>``.

    Examples
    --------
    >>> features_dict({"key": "string", "image_size": "list<int32>"})["image_size"]
    {'feature': {'dtype': 'int32', '_type': 'Value'}, '_type': 'List'}
    """
    return {name: _feature(kind) for name, kind in columns.items()}


def _feature(kind: str) -> dict[str, Any]:
    if item := item_of(kind):
        return {"feature": _feature(item), "_type": "List"}
    if kind in STRUCTURES:
        return features_dict(STRUCTURES[kind])
    return {"_type": "Image"} if kind == "image" else {"dtype": kind, "_type": "Value"}


def features_metadata(columns: Mapping[str, str]) -> dict[bytes, bytes]:
    """Return the metadata that makes `datasets` read an Arrow schema as these columns."""
    info = {"info": {"features": features_dict(columns)}}
    return {b"huggingface": json.dumps(info).encode()}


def features_yaml(columns: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return columns as the ``dataset_info`` of a card has them.

    Examples
    --------
    >>> features_yaml({"key": "string", "image_size": "list<int32>"})
    [{'name': 'key', 'dtype': 'string'}, {'name': 'image_size', 'list': 'int32'}]
    """
    return [{"name": name, **_in_yaml(kind)} for name, kind in columns.items()]


def _in_yaml(kind: str) -> dict[str, Any]:
    if item := item_of(kind):
        (of,) = _in_yaml(item).values()
        return {"list": of}
    return {"struct": features_yaml(STRUCTURES[kind])} if kind in STRUCTURES else {"dtype": kind}


def item_of(kind: str) -> str | None:
    """Return the type of the items of a list; ``None`` if it is no list."""
    inside = kind.removeprefix("list<")
    return None if inside == kind else inside.removesuffix(">")
