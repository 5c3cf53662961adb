"""The dataset folder format: shards, index, manifest, splits."""
