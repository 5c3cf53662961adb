"""Writes selected rows of a dataset folder as a smaller dataset folder, or as tars."""
