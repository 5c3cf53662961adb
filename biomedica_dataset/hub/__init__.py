"""Publishes a dataset folder on the Hugging Face Hub."""
