"""Tissue sections, chest slices and radiographs."""

from __future__ import annotations

from functools import partial

from tools.make_sample import diagrams, microscopy, plots, scans
from tools.make_sample.contents import CC, Article, Figure, ImageFile, License

TISSUE = Article(
    pmcid=99000118,
    pmid=99100118,
    title="Gland density in colon biopsies: counting by eye and by software",
    journal="Sample Pathology Reports",
    date="2024-07",
    subject="Pathology",
    keywords=("colon biopsy", "haematoxylin and eosin", "gland density", "digital pathology"),
    license=License(code="CC BY-NC", url=f"{CC}by-nc/4.0/"),
    abstract=(
        ("", "Gland density was counted in 96 biopsies stained with haematoxylin and eosin."),
    ),
    body=(
        (
            "Introduction",
            """Loss of glands is part of several grading systems of
            colitis.<sup>[[R1]],[[R3]]–[[R5]]</sup>""",
        ),
        (
            "Results",
            """Normal mucosa had round glands with an open lumen ([[f1|Fig. 1]]). In active disease
            the stroma was packed with inflammatory cells and glands were fewer ([[f2|Fig. 2]]).
            Software and pathologists agreed ([[f3|Fig. 3A]]), with a mean of 14 glands per
            mm<sup>2</sup>.""",
            "[[f1]]",
            "[[f2]]",
            "[[f3]]",
        ),
    ),
    figures=(
        Figure(
            id="f1",
            label="Fig. 1.",
            title="Normal colon mucosa.",
            caption=(
                "Round glands in a loose pink stroma.",
                "Haematoxylin and eosin; bar, 100 µm.",
            ),
            images=(
                ImageFile(
                    file="spr-118-01.jpg",
                    href="spr-118-01.jpg",
                    draw=partial(microscopy.tissue, density=0.7, glands=6),
                ),
            ),
        ),
        Figure(
            id="f2",
            label="Fig. 2.",
            title="Active colitis.",
            caption=(
                """The stroma holds many purple nuclei of inflammatory cells; a single gland is
                left.""",
                "Haematoxylin and eosin; bar, 100 µm.",
            ),
            images=(
                ImageFile(
                    file="spr-118-02.jpg", draw=partial(microscopy.tissue, density=2.4, glands=1)
                ),
            ),
        ),
        Figure(
            id="f3",
            label="Fig. 3.",
            caption=(
                """<bold>A</bold>, Glands counted by software against the count by a pathologist.
                <bold>B</bold>, Histogram of gland density in all biopsies.""",
            ),
            images=(
                ImageFile(
                    file="spr-118-03.jpg",
                    draw=partial(
                        diagrams.panels,
                        draws=(
                            partial(
                                plots.scatter,
                                names=("Pathologist", "Software"),
                                xs=(0, 30),
                                ys=(0, 30),
                            ),
                            partial(
                                plots.histogram,
                                names=("Glands per mm2", "Biopsies"),
                                xs=(0, 36),
                                top=20,
                            ),
                        ),
                        width=460,
                    ),
                ),
            ),
        ),
    ),
)

CHEST = Article(
    pmcid=99000205,
    pmid=99100205,
    title="Incidental pulmonary nodules on low-dose chest CT: a two-year follow-up",
    journal="Sample Radiology",
    date="2026-01-20",
    subject="Radiology",
    keywords=("computed tomography", "pulmonary nodule", "low-dose CT", "follow-up"),
    license=License(code="CC BY", url=f"{CC}by/4.0/", form="link"),
    abstract=(
        ("Purpose", "To learn how often small nodules grow within two years."),
        ("Conclusion", "Growth was rare, and most nodules could be followed at longer intervals."),
    ),
    body=(
        (
            "Introduction",
            "Guidelines differ in how long small nodules are followed [[[R1]]]–[[[R4]]].",
        ),
        (
            "Results",
            """The scans of 640 persons were read. Without a nodule the lungs appear dark with small
            bright vessels ([[F1|Figure 1]]); a solid nodule stands out ([[F2|Figure
            2]], arrow).""",
            "[[F1]]",
            "[[F2]]",
            """The older reading scheme ([[F3|Figure 3]]) would have called back twice as many
            persons as the new one [[[R7]], [[R9]]].""",
            "[[F3]]",
        ),
    ),
    figures=(
        Figure(
            id="F1",
            label="Figure 1",
            caption=("Axial low-dose CT of the chest, lung window, without nodules.",),
            images=(
                ImageFile(file="srad-205-f1.png", href="srad-205-f1.png", draw=scans.chest_ct),
            ),
        ),
        Figure(
            id="F2",
            label="Figure 2",
            caption=("Axial CT with a solid nodule of 9 mm in the right lung (white arrow).",),
            alternatives=True,
            images=(
                ImageFile(
                    file="srad-205-f2.jpg",
                    href="srad-205-f2.tif",
                    draw=partial(scans.chest_ct, nodule=True),
                ),
                ImageFile(
                    file="srad-205-f2-small.gif",
                    draw=partial(scans.chest_ct, nodule=True, width=240),
                ),
            ),
        ),
        Figure(
            id="F3",
            label="Figure 3",
            caption=(
                """Reading scheme used before 2020. Reproduced with permission from Castoway et al.,
                Sample Archives 2018, © Sample Society of Imaging.""",
            ),
            images=(
                ImageFile(
                    file="srad-205-f3.jpg",
                    draw=partial(
                        diagrams.flow_chart,
                        steps=("Nodule seen", "Over 6 mm?", "CT after 3 months", "Growth: biopsy"),
                    ),
                ),
            ),
        ),
    ),
)

FRACTURE = Article(
    pmcid=99002590,
    pmid=None,
    title="Forearm fractures in children: cast or elastic nails?",
    journal="Sample Bone and Joint Notes",
    date="2019",
    subject="Orthopaedics",
    keywords=("forearm fracture", "children", "cast", "radiograph"),
    license=License(
        code=None,
        form="text",
        words="""The society makes this article free to read on its pages. For any other use please
        write to the secretary of the society.""",
    ),
    body=(
        (
            "Cases",
            """Thirty children with a fracture of the shaft were followed. [[f1|Figure 1]] shows a
            typical fracture and [[f2|Figure 2]] the forearm a year later. Healing took six weeks on
            average ([[f3|Figure 3]]).""",
            "[[f1]]",
            "[[f2]]",
            "[[f3]]",
        ),
    ),
    figures=(
        Figure(
            id="f1",
            label="Figure 1:",
            caption=(
                """Anteroposterior radiograph of a left forearm with a fracture of one shaft
                (arrow).""",
            ),
            images=(ImageFile(file="sbjn-2590-1.jpg", draw=scans.radiograph),),
        ),
        Figure(
            id="f2",
            label="Figure 2:",
            caption=("Radiograph after healing: both bones are straight.",),
            images=(
                ImageFile(file="sbjn-2590-2.jpg", draw=partial(scans.radiograph, fracture=False)),
            ),
        ),
        Figure(
            id="f3",
            label="Figure 3:",
            caption=("Histogram of the time to healing in days.",),
            images=(
                ImageFile(
                    file="sbjn-2590-3.gif",
                    draw=partial(
                        plots.histogram, names=("Days to healing", "Children"), xs=(20, 92), top=8
                    ),
                ),
            ),
        ),
    ),
)

ARTICLES = (TISSUE, CHEST, FRACTURE)
