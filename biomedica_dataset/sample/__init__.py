"""A small invented bucket in the layout of the PMC Cloud Service.

Everything in it was made up for this package: articles, authors, data, and the images, which are
drawn by `plots`, `microscopy`, `scans` and `diagrams`. It holds the ways in which real articles
differ, all of them clean, so that every stage can be tried without a network.
"""
