"""Makes the sample: an invented bucket in the layout of the PMC Cloud Service.

Everything in it is made up: articles, authors, data, and the images, which `plots`, `microscopy`,
`scans` and `diagrams` draw. It shows the ways in which real articles differ. None of it is damaged,
so that every stage can be tried without a network.

``python -m tools.make_sample OUT`` writes it to OUT; CONTRIBUTING.md says how to change the sample.
"""
