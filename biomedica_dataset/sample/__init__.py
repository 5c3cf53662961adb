"""A small made-up bucket in the layout of the PMC Cloud Service, and what else the route needs.

Everything in ``bucket/`` is made up: articles, authors, data and images. It shows the ways in which
real articles differ. ``tools/make_sample`` in the repository makes it.
"""
