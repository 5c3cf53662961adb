"""How any stage over blocks runs: parts, processes, clusters, the lock, progress, resume."""
