"""Continual pre-training of CLIP models on streamed pairs."""

from .config import DataConfig, ModelConfig, OptimizerConfig, TrainConfig
from .loop import train
from .mixing import wise_ft
from .reading import load_config

__all__ = [
    "DataConfig",
    "ModelConfig",
    "OptimizerConfig",
    "TrainConfig",
    "load_config",
    "train",
    "wise_ft",
]
