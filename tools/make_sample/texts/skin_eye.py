"""Skin and eye: images through a dermatoscope and of the fundus."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from tools.make_sample import diagrams, plots, scans
from tools.make_sample.contents import CC, Article, Figure, ImageFile, License

SKIN = Article(
    pmcid=99000101,
    pmid=99100101,
    title="Border irregularity of pigmented skin lesions under the dermatoscope",
    journal="Sample Journal of Dermatology",
    date="2026-03-14",
    subject="Dermatology",
    keywords=("dermoscopy", "melanocytic naevus", "melanoma", "border irregularity"),
    license=License(code="CC BY", url=f"{CC}by/4.0/"),
    abstract=(
        ("Background", "Irregular borders are a warning sign of melanoma, yet readers disagree."),
        ("Methods", "Four readers rated 212 dermoscopic images for border irregularity."),
        ("Results", "The irregularity score rose from naevi to atypical naevi to melanoma."),
        ("Conclusions", "A simple contour measure agreed with the experts' median rating."),
    ),
    body=(
        (
            "Introduction",
            """Dermoscopy makes structures below the skin surface visible [[[R1]]–[[R3]]]. The
            border of a lesion is one of the features that readers weigh most [[[R2]], [[R4]]].""",
        ),
        (
            "Methods",
            """Images were taken with polarised light at tenfold magnification. The selection is
            shown in [[f1|Figure 1]]. [[f1]] Two experts drew each contour, and the mean of both was
            used.""",
        ),
        (
            "Results",
            """A typical naevus has a smooth outline ([[f2|Fig. 2]]), while atypical lesions have
            notches and lobes ([[f3|Fig. 3]]A, B). Scores of the three groups hardly overlapped
            ([[f4|Figure 4]]), as found before [[[R5]]].""",
            "[[f2]]",
            "[[f3]]",
            "[[f4]]",
        ),
        (
            "Discussion",
            """Taken together, [[f3|Figs 3]] and [[f4|4]] suggest that irregularity can be measured
            rather than judged [[[R6]], [[R8]]].""",
        ),
    ),
    figures=(
        Figure(
            id="f1",
            label="Figure 1",
            title="Selection of images.",
            caption=(
                "Flow chart of the images screened, excluded for blur or hair, and analysed.",
            ),
            images=(
                ImageFile(
                    file="sjd-15-101-g001.jpg",
                    draw=partial(
                        diagrams.flow_chart,
                        steps=(
                            "Images in the archive\n(n = 268)",
                            "Sharp images\n(n = 231)",
                            "Analysed (n = 212)",
                        ),
                        left_out=("Blurred (n = 37)", "Covered by hair (n = 19)"),
                    ),
                ),
            ),
        ),
        Figure(
            id="f2",
            label="Figure 2",
            caption=(
                """Dermoscopic image of a melanocytic naevus with a smooth border, a regular brown
                pigment network and a few hairs crossing the field.""",
            ),
            images=(
                ImageFile(
                    file="sjd-15-101-g002.jpg",
                    href="sjd-15-101-g002.tif",
                    draw=partial(scans.lesion, irregular=0.05, dark=0.4),
                ),
            ),
        ),
        Figure(
            id="f3",
            label="Figure 3",
            title="Naevus and melanoma side by side.",
            caption=(
                """(<bold>A</bold>) Naevus with an even outline. (<bold>B</bold>) Melanoma
                <italic>in situ</italic> with notches. (<bold>C</bold>) Atypical naevus.
                (<bold>D</bold>) Invasive melanoma, Breslow thickness 1.2 mm, with deep lobes.""",
            ),
            images=(
                ImageFile(
                    file="sjd-15-101-g003.jpg",
                    draw=partial(
                        diagrams.panels,
                        draws=(
                            partial(scans.lesion, irregular=0.05, dark=0.4),
                            partial(scans.lesion, irregular=0.3, dark=0.7),
                            partial(scans.lesion, irregular=0.15, dark=0.6),
                            partial(scans.lesion, irregular=0.42, dark=0.95),
                        ),
                        width=360,
                    ),
                ),
            ),
        ),
        Figure(
            id="f4",
            label="Figure 4",
            title="Border irregularity by diagnosis.",
            caption=(
                """Box plots show median, quartiles and range of the irregularity score in naevi,
                atypical naevi and melanomas; grey dots are single lesions (<italic>P</italic> &lt;
                0.001).""",
            ),
            images=(
                ImageFile(
                    file="sjd-15-101-g004.png",
                    draw=partial(
                        plots.boxes,
                        groups=("Naevus", "Atypical", "Melanoma"),
                        names=("Diagnosis", "Irregularity score"),
                        ys=(0, 10),
                    ),
                ),
            ),
        ),
    ),
)

_EYE_FIRST = Article(
    pmcid=99000102,
    pmid=99100102,
    title="Drusen and haemorrhages in colour fundus photographs of a screening programme",
    journal="Sample Ophthalmology",
    date="2025-11-02",
    subject="Ophthalmology",
    keywords=("fundus photography", "drusen", "macular degeneration", "screening"),
    license=License(code="CC BY", url="http://creativecommons.org/licenses/by/4.0/", form="ali"),
    abstract=(
        ("", "We graded 1,840 fundus photographs for drusen and haemorrhages around the macula."),
    ),
    body=(
        (
            "Background",
            """Age-related macular degeneration often begins unnoticed ([[R7|Lindquarry and
            Oakenridge, 2011]]). Photographs without dilation of the pupil make early signs
            countable.""",
        ),
        (
            "Results",
            """A healthy fundus is shown in [[fig1-so-1|Fig 1]]. Drusen lay within the vascular
            arcades ([[fig2-so-1|Fig 2]]), and their number rose with age ([[fig3-so-1|Fig 3]]).""",
            "Graders agreed well on both signs ([[fig1-so-1 fig2-so-1|Figs 1 and 2]]).",
        ),
    ),
    figures=(
        Figure(
            id="fig1-so-1",
            label="Fig 1",
            caption=(
                """Colour fundus photograph of a healthy right eye: pale optic disc on the right,
                vessels that arch around the darker macula.""",
            ),
            images=(
                ImageFile(file="so-14-102-g001.jpg", href="so-14-102-g001", draw=scans.fundus),
            ),
        ),
        Figure(
            id="fig2-so-1",
            label="Fig 2",
            caption=(
                """Fundus photograph with many yellow drusen at the posterior pole and scattered
                dark red haemorrhages. Photograph by the screening team.""",
            ),
            images=(
                ImageFile(
                    file="so-14-102-g002.jpg",
                    href="so-14-102-g002",
                    draw=partial(scans.fundus, spots=44, haemorrhages=11),
                ),
            ),
        ),
        Figure(
            id="fig3-so-1",
            label="Fig 3",
            caption=("Number of drusen against age in 90 participants, with the regression line.",),
            images=(
                ImageFile(
                    file="so-14-102-g003.png",
                    href="so-14-102-g003",
                    draw=partial(
                        plots.scatter,
                        names=("Age (years)", "Drusen per eye"),
                        xs=(40, 90),
                        ys=(0, 50),
                    ),
                ),
            ),
        ),
    ),
)

_EYE_SECOND = replace(
    _EYE_FIRST,
    version=2,
    title=f"{_EYE_FIRST.title}: corrected version",
    figures=(
        *_EYE_FIRST.figures,
        Figure(
            id="fig4-so-1",
            label="Fig 4",
            caption=(
                """Receiver operating characteristic curves of the trained grader and of the
                software for referable disease; the grey diagonal is chance.""",
            ),
            images=(
                ImageFile(
                    file="so-14-102-g004.jpg",
                    href="so-14-102-g004",
                    draw=partial(plots.roc, series=("Grader", "Software")),
                ),
            ),
        ),
    ),
    body=(
        *_EYE_FIRST.body,
        (
            "Correction",
            "In this version the comparison with software was added ([[fig4-so-1|Fig 4]]).",
        ),
    ),
)

ARTICLES = (SKIN, _EYE_FIRST, _EYE_SECOND)
