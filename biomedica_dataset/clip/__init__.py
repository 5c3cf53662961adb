"""CLIP: training on streamed pairs, and evaluation on tasks."""
