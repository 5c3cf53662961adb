"""Cells in culture: neurons with glia, and stains compared."""

from __future__ import annotations

from functools import partial

from tools.make_sample import diagrams, microscopy, plots
from tools.make_sample.contents import CC, Article, Figure, ImageFile, License

_RED = (220, 60, 60)

_PURPLE = (190, 70, 200)

_YELLOW = (210, 190, 60)

NEURONS = Article(
    pmcid=99001310,
    pmid=99101310,
    title="Glia guide the regrowth of axons in cultured ganglia",
    journal="sLife Samples",
    date="2025-06-19",
    subject="Neuroscience",
    keywords=("axon regrowth", "glia", "calcium imaging", "ganglion culture"),
    license=License(code="CC BY", url="http://creativecommons.org/licenses/by/4.0/"),
    abstract=(
        ("", "Cut axons of cultured ganglia grow back along glia; without glia they stall."),
    ),
    body=(
        (
            "Results",
            """Glia surround the cut within hours ([[fig1|Figure 1]]; [[fig1s1|Figure 1—figure
            supplement 1]]). Without them regrowth was slow ([[fig2|Figure 2A]]), and calcium waves
            came later ([[fig2|Figure 2B]]; [[fig2s1|Figure 2—figure supplement 1]]; Lindquarry and
            Oakenridge, [[R3|2019]]).""",
            "<fig-group>[[fig1]][[fig1s1]]</fig-group>",
            "[[fig2]]",
        ),
    ),
    figures=(
        Figure(
            id="fig1",
            label="Figure 1.",
            title="Glia gather at the cut.",
            caption=("Nuclei in blue, glial marker in green. Scale bar, 20 µm.",),
            attributes=' position="float"',
            images=(
                ImageFile(
                    file="slife-01310-fig1.jpg",
                    href="slife-01310-fig1.tif",
                    draw=microscopy.fluorescence,
                ),
            ),
        ),
        Figure(
            id="fig1s1",
            label="Figure 1—figure supplement 1.",
            title="The same dish stained for neurons (red).",
            attributes=' position="float" specific-use="child-fig"',
            images=(
                ImageFile(
                    file="slife-01310-fig1-figsupp1.jpg",
                    href="slife-01310-fig1-figsupp1.tif",
                    draw=partial(microscopy.fluorescence, cytoplasm=_RED, cells=12),
                ),
            ),
        ),
        Figure(
            id="fig2",
            label="Figure 2.",
            title="Regrowth and calcium waves depend on glia.",
            caption=(
                "(<bold>A</bold>) Length of axons over 72 h with and without glia.",
                "(<bold>B</bold>) Calcium signal after the cut; the wave without glia comes later.",
            ),
            attributes=' position="float"',
            inside="[[fig2s1]]",
            images=(
                ImageFile(
                    file="slife-01310-fig2.jpg",
                    href="slife-01310-fig2.tif",
                    draw=partial(
                        diagrams.panels,
                        draws=(
                            partial(
                                plots.lines,
                                series=("Glia", "No glia"),
                                names=("Time (h)", "Axon length (um)"),
                                xs=(0, 72),
                                top=900,
                            ),
                            partial(
                                plots.lines,
                                series=("Glia", "No glia"),
                                names=("Time (s)", "dF/F"),
                                xs=(0, 120),
                                top=2,
                                shape="wave",
                            ),
                        ),
                        width=460,
                    ),
                ),
            ),
        ),
        Figure(
            id="fig2s1",
            label="Figure 2—figure supplement 1.",
            title="Axon length in three further cultures.",
            attributes=' position="float" specific-use="child-fig"',
            images=(
                ImageFile(
                    file="slife-01310-fig2-figsupp1.jpg",
                    href="slife-01310-fig2-figsupp1.tif",
                    draw=partial(
                        plots.bars,
                        groups=("No glia", "Few glia", "Glia"),
                        names=("Culture", "Axon length (um)"),
                        top=1000,
                    ),
                ),
            ),
        ),
        Figure(
            id="respfig1",
            label="Author response image 1.",
            title="Dose response asked for by the reviewer.",
            caption=("Marker-positive cells at four doses of the growth factor.",),
            images=(
                ImageFile(
                    file="slife-01310-resp-fig1.jpg",
                    href="slife-01310-resp-fig1.tif",
                    draw=partial(
                        plots.bars,
                        groups=("0", "1", "5", "25"),
                        names=("Dose (ng/ml)", "Cells (%)"),
                        top=60,
                    ),
                ),
            ),
        ),
    ),
    tail="""<sub-article article-type="reply"
    id="SA2"><front-stub><title-group><article-title>Author
    response</article-title></title-group></front-stub><body><p>We added the dose response
    ([[respfig1|Author response image 1]]).</p>[[respfig1]]</body></sub-article>""",
)

LINES = Article(
    pmcid=99003007,
    pmid=99103007,
    title="Three stains for living cells compared",
    journal="Sample Imaging Methods",
    date="2026-02-08",
    subject="Cell Biology",
    keywords=("fluorescence microscopy", "live imaging", "bleaching", "cell segmentation"),
    license=License(code="CC BY-SA", url=f"{CC}by-sa/4.0/"),
    abstract=(("", "Three stains were compared for brightness, bleaching and harm to cells."),),
    body=(
        (
            "Results",
            """All stains gave bright cells ([[f1 f2|Figures 1 and 2]]), but bleaching differed
            ([[f3|Figure 3]]). Stain 3 kept its light longest [[[R1]]–[[R3]], [[R5]]].""",
            "[[f1]]",
            "[[f2]]",
            "[[f3]]",
        ),
    ),
    figures=(
        Figure(
            id="f1",
            label="Figure 1",
            caption=("Cells with stain 1 (magenta) and blue nuclei at 63-fold magnification.",),
            images=(
                ImageFile(
                    file="sim-3007-f1.webp",
                    href="sim-3007-f1",
                    draw=partial(microscopy.fluorescence, cytoplasm=_PURPLE),
                ),
            ),
        ),
        Figure(
            id="f2",
            label="Figure 2",
            caption=("<bold>(A)</bold> Stain 2, yellow. <bold>(B)</bold> Stain 3, red.",),
            images=(
                ImageFile(
                    file="sim-3007-f2.jpg",
                    href="sim-3007-f2",
                    draw=partial(
                        diagrams.panels,
                        draws=(
                            partial(microscopy.fluorescence, cytoplasm=_YELLOW),
                            partial(microscopy.fluorescence, cytoplasm=_RED),
                        ),
                    ),
                ),
            ),
        ),
        Figure(
            id="f3",
            label="Figure 3",
            caption=(
                "Loss of light over 10 min of exposure; stain 3 bleaches slowest, stain 1 fastest.",
            ),
            images=(
                ImageFile(
                    file="sim-3007-f3.png",
                    href="sim-3007-f3",
                    draw=partial(
                        plots.lines,
                        series=("Stain 1", "Stain 2", "Stain 3"),
                        names=("Time (min)", "Brightness (%)"),
                        xs=(0, 10),
                        top=100,
                        shape="decay",
                    ),
                ),
            ),
        ),
    ),
)

ARTICLES = (NEURONS, LINES)
