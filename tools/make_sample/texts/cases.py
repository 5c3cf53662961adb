"""Reports of cases: a sailor's eyes, runners' blood, farm cats."""

from __future__ import annotations

from functools import partial

from tools.make_sample import diagrams, microscopy, plots, scans
from tools.make_sample.contents import CC, Article, Figure, ImageFile, License

CASE = Article(
    pmcid=99003150,
    pmid=99103150,
    title="Subretinal deposits in a young sailor: a case report",
    journal="Sample Case Reports",
    date="2022-08-15",
    subject="Case Report",
    keywords=("case report", "fundus photography", "subretinal deposits"),
    license=License(code="CC BY-NC-ND", url=f"{CC}by-nc-nd/4.0/", form="ali"),
    body=(
        (
            "Case",
            """A 24-year-old sailor saw wavy lines. Fundus photographs ([[F1|Fig. 1]]) showed
            bleeding in the right eye only. Blood counts are listed in [[t1|Table 1]].""",
            "[[F1]]",
            "[[t1]]",
        ),
        ("Discussion", "Few such cases are known [[[R2]],[[R6]]–[[R8]]]."),
    ),
    figures=(
        Figure(
            id="F1",
            label="Fig. 1",
            caption=(
                """Fundus photographs: the affected right eye with dark haemorrhages, then the
                healthy eye.""",
            ),
            images=(
                ImageFile(
                    file="scr-3150-f1a.jpg",
                    href="scr-3150-f1a",
                    draw=partial(scans.fundus, haemorrhages=16, width=400),
                ),
                ImageFile(
                    file="scr-3150-f1b.jpg",
                    href="scr-3150-f1b",
                    draw=partial(scans.fundus, width=400, left=True),
                ),
            ),
        ),
        Figure(
            id="t1",
            label="Table 1",
            caption=("Blood counts at first visit and after four weeks.",),
            element="table-wrap",
            images=(
                ImageFile(
                    file="scr-3150-t1.gif",
                    href="scr-3150-t1.gif",
                    draw=partial(
                        diagrams.table,
                        rows=(
                            ("", "First visit", "Week 4", "Normal"),
                            ("Haemoglobin, g/l", "138", "142", "135-175"),
                            ("White cells, 10^9/l", "9.8", "6.1", "4-10"),
                            ("Platelets, 10^9/l", "240", "251", "150-400"),
                        ),
                    ),
                ),
            ),
        ),
    ),
    article_type="case-report",
)

BLOOD = Article(
    pmcid=99003462,
    pmid=99103462,
    title="Counting lobes: neutrophil nuclei in altitude training",
    journal="Sample Blood Reports",
    date="2024-12-30",
    subject="Haematology",
    keywords=("blood smear", "neutrophil", "altitude", "nuclear lobes"),
    license=License(code="CC BY", url=f"{CC}by/4.0/", form="ali"),
    abstract=(
        ("", "Neutrophils of 30 runners were counted before and after three weeks at 2,300 m."),
    ),
    body=(
        (
            "Results",
            """White cells were more frequent after training ([[f1 f2|Figures 1 and 2]]), and the
            number of lobes rose ([[f3|Figure 3]])<sup>[[R1]]–[[R4]]</sup>.""",
            "[[f1]]",
            "[[f2]]",
            "[[f3]]",
        ),
    ),
    figures=(
        Figure(
            id="f1",
            label="Figure 1",
            caption=(
                "Blood smear before training: red cells with pale centres and two neutrophils.",
            ),
            images=(
                ImageFile(
                    file="sbr-3462-g1.jpg",
                    href="sbr-3462-g1",
                    draw=partial(microscopy.blood_smear, white_cells=2),
                ),
            ),
        ),
        Figure(
            id="f2",
            label="Figure 2",
            caption=(
                """Blood smear after training with six neutrophils. May–Grünwald–Giemsa stain; bar,
                10 µm.""",
            ),
            images=(
                ImageFile(
                    file="sbr-3462-g2.jpg",
                    href="sbr-3462-g2",
                    draw=partial(microscopy.blood_smear, white_cells=6),
                ),
            ),
        ),
        Figure(
            id="f3",
            label="Figure 3",
            caption=(
                """Mean number of lobes per nucleus before training and after one, two and three
                weeks.""",
            ),
            images=(
                ImageFile(
                    file="sbr-3462-g3.jpg",
                    href="sbr-3462-g3",
                    draw=partial(
                        plots.bars,
                        groups=("Before", "Week 1", "Week 2", "Week 3"),
                        names=("Time", "Lobes per nucleus"),
                        top=4,
                    ),
                ),
            ),
        ),
    ),
)

CATS = Article(
    pmcid=99003800,
    pmid=None,
    title="Ultrasound of kidney cysts in farm cats",
    journal="Sample Veterinary Notes",
    date="2021-04-13",
    subject="Veterinary Medicine",
    keywords=("ultrasound", "kidney cyst", "cat"),
    license=License(code="CC BY", url="http://creativecommons.org/licenses/by/3.0/", form="link"),
    abstract=(("", "Of 140 farm cats, 18 had at least one kidney cyst."),),
    body=(
        (
            "Findings",
            """Cysts were dark and round with a brighter zone behind them ([[f1|Fig 1]]). Their
            diameter grew with age ([[f2|Fig 2]]) [[[R1]]; [[R3]]].""",
            "[[f1]]",
            "[[f2]]",
        ),
    ),
    figures=(
        Figure(
            id="f1",
            label="Fig 1",
            caption=("Ultrasound image of a left kidney with a dark, round cyst.",),
            rights="<attrib>Photograph: the authors.</attrib>",
            images=(ImageFile(file="svn-3800-f1.jpg", href="svn-3800-f1", draw=scans.ultrasound),),
        ),
        Figure(
            id="f2",
            label="Fig 2",
            caption=("Diameter of the largest cyst against age.",),
            images=(
                ImageFile(
                    file="svn-3800-f2.jpg",
                    href="svn-3800-f2",
                    draw=partial(
                        plots.scatter,
                        names=("Age (years)", "Diameter (mm)"),
                        xs=(0, 18),
                        ys=(0, 25),
                    ),
                ),
            ),
        ),
    ),
)

ARTICLES = (CASE, BLOOD, CATS)
