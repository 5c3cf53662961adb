"""A small made-up bucket in the layout of the PMC Cloud Service, with made-up votes.

Everything in ``bucket/`` is made up: articles, authors, data and images. It covers the variety of
real articles. ``tools/make_sample`` in the repository makes it.
"""
