"""Streams chosen rows of a dataset folder at the cost of those rows.

::

    places, web ─► index ─► choose (filters, recipes) ─► plan ─► dataset: an IterableDataset
         └─ ranges, texts ─► shards ─────────────────────────┴─► select: a smaller dataset folder
"""
