"""Streams chosen rows of a dataset folder and fetches only their bytes.

::

    reading (places, index) ─► choice (conditions, recipes) ─► order ─► dataset: an IterableDataset
       └─ ranges, texts, shards ───────────────────────────────┴─► in_order: a smaller folder
"""
