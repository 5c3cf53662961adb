"""Continual pre-training of CLIP models on streamed pairs."""
