"""The head of the card: what the Hub and `datasets` read of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from huggingface_hub import DatasetCardData

from biomedica_dataset.folder.splits import SPLITS
from biomedica_dataset.schema import TABLES, column_types, features_yaml

if TYPE_CHECKING:
    from biomedica_dataset.folder.manifest import Manifest
    from biomedica_dataset.folder.record import ShardFile

_SIZES = [  # the first is for up to three digits, each other for one more
    "n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M", "100M<n<1B",
    "1B<n<10B",
]  # fmt: skip


def card_data(manifest: Manifest) -> DatasetCardData:
    """Return configs, exact ``dataset_info`` and what the Hub finds the dataset by."""
    rows = manifest.rows("captions")
    files = {config: manifest.config_files(config) for config in manifest.configs()}
    return DatasetCardData(
        pretty_name="BIOMEDICA",
        license="other",
        license_name="per-row",
        license_link="#licences",
        language=["en"],
        task_categories=["image-to-text", "zero-shot-image-classification"],
        tags=["biology", "medical", "pubmed-central", "figures", "captions"],
        size_categories=[_SIZES[max(0, len(str(rows)) - 3)]],
        configs=[
            # The first is the default.
            {"config_name": name, **({} if at else {"default": True}), "data_files": _paths(held)}
            for at, (name, held) in enumerate(files.items())
        ],
        dataset_info=[_info(config, held, manifest) for config, held in files.items()],
    )


def _paths(files: list[ShardFile]) -> list[dict[str, Any]]:
    return [
        {"split": split, "path": sorted({f"{f.path.rpartition('/')[0]}/*.parquet" for f in held})}
        for split, held in _by_split(files).items()
    ]


def _info(config: str, files: list[ShardFile], manifest: Manifest) -> dict[str, Any]:
    attributes = {attribute.name: attribute for attribute in manifest.attributes}
    is_ours = config not in attributes
    columns = column_types(TABLES[config]) if is_ours else attributes[config].types
    return {
        "config_name": config,
        # The cache of datasets goes by the card, not by the files: the digest tells one build from
        # another. `DatasetInfo` itself leaves it out of its YAML.
        "description": f"manifest {manifest.digest}",
        "features": features_yaml(columns),
        "splits": [
            {
                "name": split,
                "num_bytes": sum(file.memory for file in held),
                "num_examples": sum(file.rows for file in held),
            }
            for split, held in _by_split(files).items()
        ],
        "download_size": sum(file.bytes for file in files),
        "dataset_size": sum(file.memory for file in files),
    }


def _by_split(files: list[ShardFile]) -> dict[str, list[ShardFile]]:
    """Return files by split, without splits that have none."""
    held = {split: [file for file in files if file.split == split] for split in SPLITS}
    return {split: files for split, files in held.items() if files}
