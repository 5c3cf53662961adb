"""Bacteria on plates and virus particles."""

from __future__ import annotations

from functools import partial

from tools.make_sample import microscopy, plots
from tools.make_sample.contents import Article, Figure, ImageFile, License

BACTERIA = Article(
    pmcid=99001003,
    pmid=99101003,
    title="""Growth and drug susceptibility of <italic>Exemplobacter marinus</italic> isolated from
    harbour water""",
    journal="Sample Microbiology",
    date="2024-10-11",
    subject="Microbiology",
    keywords=("marine bacteria", "antibiotic susceptibility", "growth curve", "agar diffusion"),
    license=License(
        code="CC BY",
        form="text",
        words="""This is an open-access article distributed under the terms of the Creative Commons
        Attribution License, which permits unrestricted use, distribution, and reproduction in any
        medium, provided the original author and source are credited.""",
    ),
    abstract=(
        (
            "",
            """A slow bacterium of harbour water grows to 10<sup>9</sup> CFU ml<sup>−1</sup> at 30
            °C.""",
        ),
    ),
    body=(
        (
            "Introduction",
            """Harbours gather bacteria from ships and rivers.<sup>[[R1]],[[R2]]</sup> Resistance
            genes travel with them.<sup>[[R4]]–[[R6]]</sup>""",
        ),
        (
            "Results",
            """Isolates formed round, cream-coloured colonies ([[F1|Fig. 1]]) at 10<sup>6</sup> CFU
            ml<sup>−1</sup>. Growth was fastest at 30 °C ([[F2|Fig. 2]]). Discs D and C gave the
            widest zones ([[F3|Fig. 3]]; see also [[F4|4]]), consistent with earlier
            work.<sup>[[R8]]</sup>""",
            "[[F1]]",
            "[[F2]]",
            "[[F3]]",
            "[[F4]]",
        ),
    ),
    figures=(
        Figure(
            id="F1",
            label="FIG 1",
            caption=(
                """Colonies of <italic>E. marinus</italic> on marine agar after 48 h; about
                10<sup>6</sup> CFU ml<sup>−1</sup> had been plated at a dilution of
                10<sup>−4</sup>.""",
            ),
            images=(
                ImageFile(
                    file="sm-0024-1003-f0001.jpg", href="sm-0024-1003-f0001", draw=microscopy.plate
                ),
            ),
        ),
        Figure(
            id="F2",
            label="FIG 2",
            caption=(
                """Growth curves (OD<sub>600</sub>) at 30 °C, 25 °C and 37 °C over 24 h. Cultures
                were shaken under 5% CO<sub>2</sub>.""",
            ),
            images=(
                ImageFile(
                    file="sm-0024-1003-f0002.png",
                    href="sm-0024-1003-f0002",
                    draw=partial(
                        plots.lines,
                        series=("30 °C", "25 °C", "37 °C"),
                        names=("Time (h)", "OD 600 nm"),
                        xs=(0, 24),
                        top=1.5,
                    ),
                ),
            ),
        ),
        Figure(
            id="F3",
            label="FIG 3",
            caption=(
                """Disc diffusion with five antibiotics (A to E); clear zones surround the active
                ones.""",
            ),
            images=(
                ImageFile(
                    file="sm-0024-1003-f0003.jpg",
                    href="sm-0024-1003-f0003",
                    draw=partial(microscopy.plate, zones=5),
                ),
            ),
        ),
        Figure(
            id="F4",
            label="FIG 4",
            caption=(
                """Heat map of the change (log<sub>2</sub>) in expression of six efflux genes at
                four times after exposure; red, higher; blue, lower.""",
            ),
            images=(
                ImageFile(
                    file="sm-0024-1003-f0004.jpg",
                    href="sm-0024-1003-f0004",
                    draw=partial(
                        plots.heat_map,
                        rows=("eflA", "eflB", "eflC", "pmpA", "pmpD", "regX"),
                        columns=("15 min", "30 min", "60 min", "120 min"),
                        name="Time after exposure (colour: log2 change)",
                    ),
                ),
            ),
        ),
    ),
)

VIRUS = Article(
    pmcid=99002918,
    pmid=99102918,
    title="Particle size of an invented coastal virus by electron microscopy",
    journal="Sample Virology",
    date="2023-09-27",
    subject="Virology",
    keywords=("electron microscopy", "virus particle", "particle size"),
    license=License(code="CC BY", url="https://creativecommons.org/licenses/by/4.0"),
    abstract=(("", "Particles were 210 ± 30 nm wide and had a dense core."),),
    body=(
        (
            "Results",
            """Particles were round with a dark rim and a dense core ([[viruses-01-f001|Figure 1]]);
            their size followed a bell curve ([[viruses-01-f002|Figure 2]]). Further micrographs are
            given as supplement ([[s1|Figure S1]], [[s2|Figure S2]]) [[[R1]],[[R4]]].""",
            "[[viruses-01-f001]]",
            "[[viruses-01-f002]]",
        ),
        ("Supplementary material", "[[s1]]", "[[s2]]"),
    ),
    figures=(
        Figure(
            id="viruses-01-f001",
            label="Figure 1",
            caption=("Transmission electron micrograph of purified particles. Scale bar, 200 nm.",),
            images=(
                ImageFile(
                    file="viruses-01-g001.jpg",
                    href="viruses-01-g001",
                    draw=microscopy.electron_micrograph,
                ),
            ),
        ),
        Figure(
            id="viruses-01-f002",
            label="Figure 2",
            caption=("Diameter of 300 particles.",),
            images=(
                ImageFile(
                    file="viruses-01-g002.jpg",
                    href="viruses-01-g002",
                    draw=partial(
                        plots.histogram, names=("Diameter (nm)", "Particles"), xs=(120, 336), top=50
                    ),
                ),
            ),
        ),
        Figure(
            id="s1",
            label="Figure S1",
            element="supplementary-material",
            attributes=' content-type="local-data"',
            caption=("Micrograph of particles before purification; fewer particles are seen.",),
            images=(
                ImageFile(
                    file="viruses-01-s001.tif",
                    draw=partial(microscopy.electron_micrograph, particles=6, width=400),
                ),
            ),
        ),
        Figure(
            id="s2",
            label="Figure S2",
            element="supplementary-material",
            attributes=' content-type="local-data"',
            title="Particles after one week at 4 °C.",
            images=(
                ImageFile(
                    file="viruses-01-s002.jpg",
                    draw=partial(microscopy.electron_micrograph, particles=11),
                ),
            ),
        ),
    ),
)

ARTICLES = (BACTERIA, VIRUS)
