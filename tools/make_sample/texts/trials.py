"""Treatments: a trial of exercise, a retracted experiment, tumours in mice."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from tools.make_sample import diagrams, microscopy, plots
from tools.make_sample.contents import CC, Article, Figure, ImageFile, License, formula

HEART = Article(
    pmcid=99000340,
    pmid=99100340,
    title="Walking programme after heart failure: survival over five years",
    journal="Sample Heart",
    date="2023-05-09",
    subject="Cardiology",
    keywords=("heart failure", "exercise", "survival", "randomised trial"),
    license=License(code="CC BY", url=f"{CC}by/4.0/deed.en"),
    abstract=(
        ("Aims", "To test whether a supervised walking programme prolongs life."),
        ("Methods and results", "Of 412 patients, half walked three times a week for a year."),
    ),
    body=(
        ("Introduction", "Exercise is advised in stable heart failure [[[R1]],[[R2]],[[R6]]]."),
        (
            "Results",
            """Survival was better in the walking group ([[fig1|Figure 1]]). Peak oxygen uptake rose
            with the weekly dose ([[fig2|Figure 2]]; [[t1|Table 1]]).""",
            "[[fig1]]",
            "[[fig2]]",
            "[[t1]]",
        ),
    ),
    figures=(
        Figure(
            id="fig1",
            label="Figure 1",
            caption=(
                """Kaplan–Meier estimates of survival over 60 months in the walking group (blue) and
                under usual care (orange). Ticks mark censored patients.""",
            ),
            images=(
                ImageFile(
                    file="sheart-340-g001.jpg",
                    draw=partial(
                        plots.survival,
                        series=("Walking", "Usual care"),
                        names=("Months", "Survival"),
                        months=60,
                    ),
                ),
            ),
        ),
        Figure(
            id="fig2",
            label="Figure 2",
            caption=(
                """Gain in peak VO<sub>2</sub> (mL kg<sup>−1</sup> min<sup>−1</sup>) by hours walked
                per week. Bars, mean; whiskers, standard error.""",
            ),
            images=(
                ImageFile(
                    file="sheart-340-g002.jpg",
                    draw=partial(
                        plots.bars,
                        groups=("0 h", "1 h", "2 h", "3 h"),
                        names=("Hours walked per week", "Gain in peak VO2"),
                        top=5,
                    ),
                ),
            ),
        ),
        Figure(
            id="t1",
            label="Table 1",
            caption=("Patients at the start of the trial.",),
            element="table-wrap",
            images=(
                ImageFile(
                    file="sheart-340-t001.jpg",
                    draw=partial(
                        diagrams.table,
                        rows=(
                            ("", "Walking", "Usual care"),
                            ("Patients", "206", "206"),
                            ("Age, years", "67.1 ± 9.4", "66.8 ± 9.9"),
                            ("Women", "81 (39%)", "78 (38%)"),
                            ("Ejection fraction", "31 ± 6%", "32 ± 6%"),
                            ("Diabetes", "52 (25%)", "57 (28%)"),
                        ),
                    ),
                ),
            ),
        ),
    ),
)

_MANUSCRIPT = replace(
    HEART,
    version=2,
    is_manuscript=True,
    is_open_access=False,
    license=License(
        code="TDM", words="Author manuscript, available for text and data mining only."
    ),
    figures=tuple(
        replace(f, images=tuple(replace(p, draw=None) for p in f.images)) for f in HEART.figures
    ),
)

RETRACTED = Article(
    pmcid=99000777,
    pmid=99100777,
    title="RETRACTED: A plant extract raises KIN2 in cultured fibroblasts",
    journal="Sample Cell Letters",
    date="2022-02-18",
    subject="Cell Biology",
    keywords=("KIN2", "fibroblast", "western blot"),
    license=License(code="CC BY", url=f"{CC}by/4.0/"),
    body=(
        ("Notice", "This article was retracted by its authors because of an error in lane order."),
        ("Results", "The extract raised KIN2 ([[f1|Fig. 1]]).", "[[f1]]"),
    ),
    figures=(
        Figure(
            id="f1",
            label="Fig. 1",
            caption=("Western blot of KIN2 and the loading control actin at five doses.",),
            images=(
                ImageFile(
                    file="scl-777-g001.jpg",
                    draw=partial(
                        microscopy.gel, lanes=("0", "1", "2", "5", "10"), rows=("KIN2", "Actin")
                    ),
                ),
            ),
        ),
    ),
    is_retracted=True,
)

_VOLUME = formula(
    1,
    "<mml:mi>V</mml:mi><mml:mo>=</mml:mo><mml:mfrac><mml:mrow><mml:mi>l</mml:mi><mml:msup>"
    "<mml:mi>w</mml:mi><mml:mn>2</mml:mn></mml:msup></mml:mrow><mml:mn>2</mml:mn></mml:mfrac>",
    r"V=\frac{l w^{2}}{2}",
)

_GROWTH = formula(
    2,
    "<mml:mi>V</mml:mi><mml:mo>(</mml:mo><mml:mi>t</mml:mi><mml:mo>)</mml:mo><mml:mo>=</mml:mo>"
    "<mml:msub><mml:mi>V</mml:mi><mml:mn>0</mml:mn></mml:msub><mml:msup><mml:mi>e</mml:mi>"
    "<mml:mrow><mml:mi>k</mml:mi><mml:mi>t</mml:mi></mml:mrow></mml:msup>",
    r"V(t)=V_{0}e^{kt}",
)

TUMOUR = Article(
    pmcid=99002366,
    pmid=99102366,
    title="Growth laws of xenograft tumours under a HUB4 inhibitor",
    journal="Sample Oncology",
    date="2025-08-30",
    subject="Oncology",
    keywords=("xenograft", "tumour growth", "HUB4 inhibitor", "mathematical model"),
    license=License(code="CC BY", url=f"{CC}by/4.0/"),
    abstract=(
        ("", f"Tumour volume was modelled as {_GROWTH.replace('IEq2', 'IEqA')} in 48 mice."),
    ),
    body=(
        (
            "Methods",
            f"""Length <italic>l</italic> and width <italic>w</italic> were measured with callipers,
            and volume was {_VOLUME.replace("IEq1", "IEqB")} [[[R2]]]. Cells (2 × 10<sup>6</sup> per
            flank) were injected on day 0.""",
        ),
        (
            "Results",
            """The inhibitor slowed growth in a dose-dependent way ([[Fig1|Fig. 1]]). HUB4 joins
            both arms of the pathway ([[Fig2|Fig. 2]]), and its loss was lethal to dividing cells
            ([[Fig3|Fig. 3]]a–c) [[[R3]]–[[R5]], [[R7]]].""",
            "[[Fig1]]",
            "[[Fig2]]",
            "[[Fig3]]",
        ),
    ),
    figures=(
        Figure(
            id="Fig1",
            label="Fig. 1",
            title="Tumour growth under treatment.",
            caption=(
                f"""Volume, computed as {_VOLUME}, over 30 days for vehicle, 5 mg kg<sup>−1</sup>
                and 20 mg kg<sup>−1</sup>; the early phase follows {_GROWTH} with <italic>k</italic>
                = 0.21 d<sup>−1</sup> (<italic>n</italic> = 16 per group).""",
            ),
            images=(
                ImageFile(
                    file="40001_2025_2366_Fig1_HTML.jpg",
                    draw=partial(
                        plots.lines,
                        series=("Vehicle", "5 mg/kg", "20 mg/kg"),
                        names=("Day", "Volume (mm3)"),
                        xs=(0, 30),
                        top=1500,
                    ),
                ),
            ),
        ),
        Figure(
            id="Fig2",
            label="Fig. 2",
            caption=(
                """Schematic of the pathway from the receptor RCP1 in the membrane over KIN2 and
                KIN3 to HUB4 and the transcription factor TF7 in the nucleus.""",
            ),
            images=(
                ImageFile(
                    file="40001_2025_2366_Fig2_HTML.png",
                    draw=partial(
                        diagrams.pathway,
                        names=("RCP1", "KIN2", "KIN3", "HUB4", "ADP5", "ADP6", "TF7"),
                        title="HUB4 joins two arms",
                    ),
                ),
            ),
        ),
        Figure(
            id="Fig3",
            label="Fig. 3",
            title="Effect of HUB4 loss on tissue and protein.",
            caption=(
                """<bold>a</bold> Tumour section of a vehicle-treated mouse, haematoxylin and eosin.
                <bold>b</bold> Section after 20 mg kg<sup>−1</sup>: fewer nuclei. <bold>c</bold>
                Western blot of cleaved CSP3 at rising dose, TUB as loading control.""",
            ),
            images=(
                ImageFile(
                    file="40001_2025_2366_Fig3_HTML.jpg",
                    draw=partial(
                        diagrams.panels,
                        draws=(
                            partial(microscopy.tissue, density=2.6, glands=0),
                            partial(microscopy.tissue, density=0.5, glands=0),
                            partial(
                                microscopy.gel, lanes=("0", "1", "5", "20"), rows=("CSP3", "TUB")
                            ),
                        ),
                        letters="abc",
                    ),
                ),
            ),
        ),
    ),
)

ARTICLES = (HEART, _MANUSCRIPT, RETRACTED, TUMOUR)
