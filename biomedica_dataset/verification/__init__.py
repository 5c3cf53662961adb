"""Checks archives, dataset folders and tars."""
