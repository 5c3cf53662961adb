"""Data and output of a training in a bucket."""

from __future__ import annotations

import json

import pytest
import s3fs

from biomedica_dataset.clip.models.model_config import ModelConfig
from biomedica_dataset.clip.train.config import DataConfig, TrainConfig
from biomedica_dataset.clip.train.train import train

from ..clip.made import TINY


@pytest.mark.slow
def test_a_training_reads_from_a_bucket_and_goes_on_from_one(s3, sample_dataset, tmp_path):
    """Checkpoints, events and the model are in the bucket, nothing is here."""
    store = s3fs.S3FileSystem()
    store.put(str(sample_dataset), f"{s3}/biomedica", recursive=True)
    (tmp_path / "open_clip_config.json").write_text(json.dumps(TINY))
    lines = []
    config = TrainConfig(
        output=f"{s3}/trained",
        model=ModelConfig(name=f"local-dir:{tmp_path}", pretrained=None),
        data=DataConfig(path=f"{s3}/biomedica", licenses="commercial"),
        samples=16,
        global_batch=8,
        log_every=1,
        checkpoint_every=1,
    )
    train(config, log=lines.append)
    train(config, log=lines.append)
    found = {name.rpartition("/")[2].partition(".")[0] for name in store.find(f"{s3}/trained")}

    assert "resumes after step 2" in lines
    assert found >= {"events", "step-00000001", "step-00000002", "open_clip_model", "README"}
