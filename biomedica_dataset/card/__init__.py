"""The card of a dataset folder: what it holds, under which licences, and how to load it.

::

    index ─► statistics ─► plots ─┐
      └────► examples ────────────┼─► README.md.jinja ─► README.md
    manifest ─► metadata (YAML) ──┘
"""
