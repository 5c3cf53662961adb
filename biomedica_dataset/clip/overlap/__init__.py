"""Images of benchmarks among ours: copies that would make an evaluation say too much."""
