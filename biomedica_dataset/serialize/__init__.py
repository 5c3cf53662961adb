"""From an archive to the dataset folder: Parquet by licence group, index, card and manifest."""
