"""Runs any stage over blocks: parts, processes, clusters, the lock, progress, resuming."""
