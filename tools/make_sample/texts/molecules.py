"""Genomes and molecules: a phylogeny and a synthesis."""

from __future__ import annotations

from functools import partial

from tools.make_sample import diagrams, microscopy, plots
from tools.make_sample.contents import Article, Figure, ImageFile, License

GENES = Article(
    pmcid=99001044,
    pmid=99101044,
    title="A mitochondrial phylogeny of the invented island voles",
    journal="Sample Genetics",
    date="2021-12-05",
    subject="Evolutionary Genetics",
    keywords=("phylogeny", "mitochondrial DNA", "island voles", "speciation"),
    license=License(
        code="CC0",
        url="https://creativecommons.org/publicdomain/zero/1.0/",
        words="The authors dedicated this work to the public domain (CC0 1.0).",
    ),
    abstract=(
        ("", "Nine lineages of island voles fall into two clades that split with the last ice."),
    ),
    body=(
        (
            "Results and discussion",
            """Amplified fragments had the expected length ([[gen-1|Figure 1]]). The tree has two
            clades ([[gen-2|Figure 2]]) that a principal component analysis also tells apart
            ([[gen-3|Figure 3]]).""",
            """All lines of evidence ([[gen-1|Figures 1]]–[[gen-3|3]]) agree with isolation on
            islands [[[R1]]–[[R3]],[[R9]]].""",
            "[[gen-1]]",
            "[[gen-2]]",
            "[[gen-3]]",
        ),
    ),
    figures=(
        Figure(
            id="gen-1",
            label="Figure 1",
            title="Amplification of <italic>cytb</italic> in five lineages.",
            caption=("Upper strip, <italic>cytb</italic>; lower strip, control fragment.",),
            images=(
                ImageFile(
                    file="sgen-1044-fig-1.jpg",
                    href="sgen-1044-fig-1.jpg",
                    draw=partial(
                        microscopy.gel,
                        lanes=("L1", "L2", "L3", "L4", "L5"),
                        rows=("cytb", "control"),
                    ),
                ),
            ),
        ),
        Figure(
            id="gen-2",
            label="Figure 2",
            title="Maximum likelihood tree of nine lineages.",
            caption=(
                """Red numbers at the nodes are bootstrap support in percent; bar, 0.05
                substitutions per site.""",
            ),
            images=(
                ImageFile(
                    file="sgen-1044-fig-2.png",
                    href="sgen-1044-fig-2.png",
                    draw=partial(
                        diagrams.tree,
                        leaves=(
                            "Northholm A",
                            "Northholm B",
                            "Kelpsund",
                            "Brae Isle",
                            "Sandvoe",
                            "Mirk Isle",
                            "Tarn",
                            "Skerry",
                            "Farholm",
                        ),
                    ),
                ),
            ),
        ),
        Figure(
            id="gen-3",
            label="Figure 3",
            title="Principal components of 4,100 nuclear SNPs.",
            caption=(
                "Each dot is a vole; colours give the group of islands: north, south and outer.",
            ),
            images=(
                ImageFile(
                    file="sgen-1044-fig-3.jpg",
                    href="sgen-1044-fig-3.jpg",
                    draw=partial(
                        plots.scatter,
                        names=("PC1 (31%)", "PC2 (12%)"),
                        xs=(-4, 4),
                        ys=(-4, 4),
                        groups=("North", "South", "Outer"),
                    ),
                ),
            ),
        ),
    ),
)

CHEMISTRY = Article(
    pmcid=99001129,
    pmid=99101129,
    title="Copper-catalysed ring closure to naphthonitriles under CO<sub>2</sub>",
    journal="Sample Chemistry",
    date="2025-04-22",
    subject="Organic Chemistry",
    keywords=("copper catalysis", "naphthonitriles", "ring closure", "enzyme inhibition"),
    license=License(code="CC BY-NC-ND", url="http://creativecommons.org/licenses/by-nc-nd/4.0/"),
    abstract=(
        (
            "",
            "Aminophenols close to naphthonitriles in up to 86% yield under 1 bar CO<sub>2</sub>.",
        ),
    ),
    front="""<abstract abstract-type="graphical"><title>Graphical
    abstract</title><p>[[ga]]</p></abstract>""",
    body=(
        (
            "Results",
            """Heating <bold>1</bold> with CuI at 80 °C gave <bold>2</bold> ([[sch1|Scheme 1]]). The
            methoxy compound <bold>3a</bold> ([[ch1|structure 3a]]) inhibited the enzyme with an
            IC<sub>50</sub> of 0.4 µM ([[f1|Fig. 1]]), close to known inhibitors
            [[[R2]],[[R3]],[[R5]]].""",
            "[[sch1]]",
            "[[ch1]]",
            "[[f1]]",
        ),
    ),
    figures=(
        Figure(
            id="ga",
            caption=(
                """From an aminophenol to a naphthonitrile in one step, with copper under
                CO<sub>2</sub>.""",
            ),
            attributes=' fig-type="graphical-abstract"',
            images=(
                ImageFile(
                    file="d5sc01129-ga.jpg",
                    href="d5sc01129-ga",
                    draw=partial(
                        diagrams.reaction,
                        over="Cu, CO2\none step",
                        names=("aminophenol", "naphthonitrile"),
                    ),
                ),
            ),
        ),
        Figure(
            id="sch1",
            label="Scheme 1",
            caption=(
                """Synthesis of <bold>2</bold> from <bold>1</bold>. Conditions: CuI, 80 °C, 4 h,
                86%.""",
            ),
            attributes=' fig-type="scheme"',
            images=(
                ImageFile(
                    file="d5sc01129-s1.jpg",
                    href="d5sc01129-s1.tif",
                    draw=partial(diagrams.reaction, over="CuI, 80 °C\n4 h, 86%", names=("1", "2")),
                ),
            ),
        ),
        Figure(
            id="ch1",
            label="3a",
            caption=("Structure of the methoxy compound <bold>3a</bold>.",),
            element="chem-struct-wrap",
            images=(
                ImageFile(
                    file="d5sc01129-u1.png",
                    href="d5sc01129-u1",
                    draw=partial(diagrams.molecule, name="Compound 3a"),
                ),
            ),
        ),
        Figure(
            id="f1",
            label="Fig. 1",
            caption=(
                """Remaining enzyme activity over 60 min with <bold>3a</bold>, <bold>3b</bold> and
                <bold>3c</bold>; <bold>3a</bold> acts fastest.""",
            ),
            images=(
                ImageFile(
                    file="d5sc01129-f1.jpg",
                    href="d5sc01129-f1.tif",
                    draw=partial(
                        plots.lines,
                        series=("3a", "3b", "3c"),
                        names=("Time (min)", "Activity (%)"),
                        xs=(0, 60),
                        top=100,
                        shape="decay",
                    ),
                ),
            ),
        ),
    ),
)

ARTICLES = (GENES, CHEMISTRY)
