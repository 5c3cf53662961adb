"""Where a dataset folder lies, its index, and the bytes of its rows."""
