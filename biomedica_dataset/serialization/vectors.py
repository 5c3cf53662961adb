"""Joins vectors to a shard, row by row beside its image files."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from biomedica_dataset.annotation.blocks import read_record as read_block_record
from biomedica_dataset.engine.fingerprint import code_fingerprint
from biomedica_dataset.folder.parquet import TableWriter
from biomedica_dataset.folder.record import (
    AGAIN,
    ShardFile,
    ShardRecord,
    path_beside,
    read_index,
    write_record,
)
from biomedica_dataset.io.failures import reading
from biomedica_dataset.licenses import LICENSE_GROUPS
from biomedica_dataset.schema import VectorRow

if TYPE_CHECKING:
    from biomedica_dataset.annotation.embeddings.vectors import Embeddings
    from biomedica_dataset.folder.splits import Splits
    from biomedica_dataset.io.folders import Folder

_CONFIG = "embeddings"
_CODE = ("annotation.embeddings.vectors", "serialization.vectors")


def vectors_fingerprint(embeddings: Embeddings | None, blocks: list[int]) -> str:
    """Return the fingerprint of the inputs of the vectors of blocks; empty if there are none."""
    if embeddings is None:
        return ""
    code = code_fingerprint(_CODE, ("pyarrow",))
    digest = hashlib.sha256(f"{code} {embeddings.digest}".encode())
    for block in blocks:
        record = read_block_record(embeddings.folder, block)
        digest.update(f"{block} {record.fingerprint if record else None}\n".encode())
    return digest.hexdigest()


def join_vectors(
    output: Folder,
    record: ShardRecord,
    splits: Splits,
    embeddings: Embeddings | None,
    blocks: list[int],
) -> ShardRecord:
    """Bring the vectors of a shard with finished rows up to date; return its new record.

    Its image files are only read, for keys and digests. Stale files of vectors are removed with the
    next manifest.
    """
    fingerprint = vectors_fingerprint(embeddings, blocks)
    if record.vectors == fingerprint:
        return record
    files = [file for file in record.files if file.config != _CONFIG]
    counts: Counter[str] = Counter()
    written = []
    if embeddings is not None:
        known = _known(embeddings, blocks)
        for file in files:
            if file.config in LICENSE_GROUPS:
                path = path_beside(file.path, _CONFIG, splits)
                written.append(_write(output, file, path, known, embeddings, counts))
    record = replace(
        record,
        files=sorted([*files, *written], key=lambda file: file.path),
        vectors=fingerprint,
        embedded=dict(sorted(counts.items())),
    )
    write_record(output, record, read_index(output, record.shard))
    return record


def _known(embeddings: Embeddings, blocks: list[int]) -> dict[str, tuple[str, Any]]:
    """Return, by key, the digest of the image and its vector, float16 (d,)."""
    known: dict[str, tuple[str, Any]] = {}
    for block in set(blocks) & set(embeddings.blocks()):
        keys, vectors = embeddings.vectors(block)
        hashes = embeddings.read(block)["image_hash"].to_pylist()
        known |= dict(zip(keys, zip(hashes, vectors, strict=True), strict=True))
    return known


def _write(
    output: Folder,
    images: ShardFile,
    path: str,
    known: dict[str, tuple[str, Any]],
    embeddings: Embeddings,
    counts: Counter[str],
) -> ShardFile:
    place = output.path(images.path)
    with reading(place, AGAIN), output.open_arrow(images.path) as opened:
        table = pq.read_table(opened, columns=["key", "image_hash"])
    model = str(embeddings.model)
    with output.create() as file:
        writer = TableWriter(file, VectorRow, {})
        for key, digest in zip(*(c.to_pylist() for c in table.columns), strict=True):
            of, vector = known.get(key, (None, None))
            if of is None:
                counts["no vector"] += 1
            elif of != digest:
                counts["vector of another image"] += 1
            else:
                counts["kept"] += 1
            is_own = of == digest
            writer.write(
                VectorRow(
                    key=key,
                    image_embedding=vector if is_own else None,
                    image_embedding_model=model if is_own else None,
                )
            )
        writer.close()
        file.publish(path)
        return ShardFile(path, _CONFIG, writer.rows, file.size, writer.memory, file.sha256)
