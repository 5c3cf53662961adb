"""From an archive to the dataset folder."""
