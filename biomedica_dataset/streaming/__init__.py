"""Streams chosen rows of a dataset folder and fetches only their bytes.

::

    places, web ─► index ─► choose (filters, recipes) ─► plan ─► dataset: an IterableDataset
         └─ ranges, texts ─► shards ─────────────────────────┴─► select: a smaller dataset folder
"""
