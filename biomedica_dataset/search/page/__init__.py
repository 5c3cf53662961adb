"""The page in a browser on this machine that searches a dataset."""
