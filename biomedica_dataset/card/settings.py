"""The head of the card: what the Hub and `datasets` read of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from huggingface_hub import DatasetCardData

from biomedica_dataset.folder.splits import SPLITS
from biomedica_dataset.schema import TABLES, features

if TYPE_CHECKING:
    from biomedica_dataset.folder.manifest import Manifest

_BOUNDS = (
    ("n<1K", 10**3),
    ("1K<n<10K", 10**4),
    ("10K<n<100K", 10**5),
    ("100K<n<1M", 10**6),
    ("1M<n<10M", 10**7),
    ("10M<n<100M", 10**8),
)


def settings(manifest: Manifest) -> str:
    """Return configs, exact ``dataset_info`` and what the Hub finds the dataset by, as YAML."""
    data = DatasetCardData(
        pretty_name="BIOMEDICA",
        license="other",
        license_name="per-row",
        license_link="#licences",
        language=["en"],
        task_categories=["image-to-text", "zero-shot-image-classification"],
        tags=["biology", "medical", "pubmed-central", "figures", "captions"],
        size_categories=[_size_category(manifest.rows("captions"))],
        configs=_configs(manifest),
        dataset_info=[_info(config, manifest) for config in manifest.configs()],
    )
    return str(data.to_yaml())


def _configs(manifest: Manifest) -> list[dict[str, Any]]:
    """Return the configs that have rows; the first of them is the default."""
    return [
        {
            "config_name": config,
            **({"default": True} if config == manifest.configs()[0] else {}),
            "data_files": [
                {"split": split, "path": _patterns(config, split, manifest)}
                for split in SPLITS
                if _patterns(config, split, manifest)
            ],
        }
        for config in manifest.configs()
    ]


def _patterns(config: str, split: str, manifest: Manifest) -> list[str]:
    files = (file for file in manifest.config_files(config) if file.split == split)
    return sorted({f"{file.path.rpartition('/')[0]}/*.parquet" for file in files})


def _info(config: str, manifest: Manifest) -> dict[str, Any]:
    files = manifest.config_files(config)
    splits = [
        {
            "name": split,
            "num_bytes": sum(file.memory for file in files if file.split == split),
            "num_examples": sum(file.rows for file in files if file.split == split),
        }
        for split in SPLITS
        if any(file.split == split for file in files)
    ]
    return {
        "config_name": config,
        # The cache of datasets goes by the card, not by the files: the digest tells one build from
        # another.
        "description": f"manifest {manifest.digest}",
        "features": features(TABLES[config])._to_yaml_list(),
        "splits": splits,
        "download_size": sum(file.bytes for file in files),
        "dataset_size": sum(file.memory for file in files),
    }


def _size_category(rows: int) -> str:
    return next((name for name, bound in _BOUNDS if rows < bound), "100M<n<1B")
