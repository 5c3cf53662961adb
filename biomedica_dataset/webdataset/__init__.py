"""Tars in the layout of the published dataset."""
