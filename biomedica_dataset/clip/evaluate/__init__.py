"""Evaluation of CLIP models on tasks that are data."""
