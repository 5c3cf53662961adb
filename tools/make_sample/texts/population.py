"""Maps, outbreaks, food webs: articles about many people or species."""

from __future__ import annotations

from functools import partial

from tools.make_sample import diagrams, plots
from tools.make_sample.contents import CC, Article, Figure, ImageFile, License

OUTBREAK = Article(
    pmcid=99001555,
    pmid=99101555,
    title="Two waves of a tick-borne fever on an island: surveillance of eleven years",
    journal="Sample Epidemiology",
    date="2025-02-17",
    subject="Epidemiology",
    keywords=("tick-borne fever", "surveillance", "incidence", "outbreak"),
    license=License(code="CC BY", url="http://creativecommons.org/licenses/by/4.0/"),
    abstract=(
        ("Objectives", "To describe where and when the fever occurs."),
        ("Methods", "All 1,906 notified cases were mapped."),
        ("Results", "Incidence differed twentyfold between districts."),
    ),
    body=(
        (
            "Results",
            """Incidence was uneven across districts ([[fig1|Fig. 1]]). Cases in adults peaked in
            spring, those in children in summer ([[fig2|Fig. 2]]). The chain of transmission was
            drawn before ([[fig3|Fig. 3]]) by other authors [[[R4]]].""",
            "[[fig1]]",
            "[[fig2]]",
            "[[fig3]]",
        ),
    ),
    figures=(
        Figure(
            id="fig1",
            label="Fig. 1",
            caption=(
                """Map of the island with the incidence per 100,000 person-years by district, from
                pale (0–5) to dark red (&gt; 20). White dots, sentinel practices.""",
            ),
            attributes=' position="float"',
            images=(
                ImageFile(
                    file="gr1_lrg.jpg",
                    href="gr1",
                    draw=partial(diagrams.region_map, title="Incidence per 100,000"),
                ),
            ),
        ),
        Figure(
            id="fig2",
            label="Fig. 2",
            caption=("Weekly cases in an average year in adults (blue) and children (orange).",),
            images=(
                ImageFile(
                    file="gr2_lrg.jpg",
                    href="gr2",
                    draw=partial(
                        plots.lines,
                        series=("Adults", "Children"),
                        names=("Week", "Cases"),
                        xs=(0, 52),
                        top=60,
                        shape="wave",
                    ),
                ),
            ),
        ),
        Figure(
            id="fig3",
            label="Fig. 3",
            caption=("Chain of transmission from tick to patient.",),
            rights="""<permissions><copyright-statement>© 2019 Institute for Coastal Ecology
            </copyright-statement><copyright-year>2019</copyright-year><license
            xlink:href="https://creativecommons.org/licenses/by-nc-nd/4.0/"><license-p>This figure
            is distributed under the Creative Commons CC BY-NC-ND 4.0 licence.</license-p></license>
            </permissions>""",
            images=(
                ImageFile(
                    file="gr3_lrg.jpg",
                    href="gr3",
                    draw=partial(
                        diagrams.flow_chart,
                        steps=(
                            "Infected vole",
                            "Larva feeds",
                            "Nymph bites a person",
                            "Fever after 10 days",
                        ),
                    ),
                ),
            ),
        ),
    ),
)

CLOSED = Article(
    pmcid=99001801,
    pmid=99101801,
    title="A price index of surgical sutures",
    journal="Sample Health Economics",
    date="2020-06-01",
    subject="Health Economics",
    keywords=("sutures", "price index"),
    license=License(code=None, form="text", words="All rights reserved."),
    body=(("Results", "Prices rose by 4% a year."),),
    is_open_access=False,
)

WEB = Article(
    pmcid=99002011,
    pmid=99102011,
    title="Who visits whom? A pollination network on coastal heath",
    journal="Sample ONE",
    date="2024-03-28",
    subject="Ecology",
    keywords=("pollination network", "wild bees", "coastal heath", "species richness"),
    license=License(code="CC BY", url="http://creativecommons.org/licenses/by/4.0/", form="link"),
    abstract=(("", "We watched 39 insect species on flowers of the heath for two summers."),),
    body=(
        (
            "Introduction",
            """Pollinators share flowers, and the pattern of sharing tells how stable a web is
            [[[R1]]–[[R4]]].""",
        ),
        (
            "Results",
            """The web has three modules around bees, flies and beetles ([[sone.0312011.g001|Fig
            1]]). Richness grew with the number of flowers ([[sone.0312011.g002|Fig 2]]), and heath
            without grazing had more visits ([[sone.0312011.g003|Fig 3]]).""",
            "Together ([[sone.0312011.g001|Figs 1–3]]) these results speak for light grazing.",
            "[[sone.0312011.g001]]",
            "[[sone.0312011.g002]]",
            "[[sone.0312011.g003]]",
        ),
    ),
    figures=tuple(
        Figure(
            id=f"sone.0312011.g00{number}",
            label=f"Fig {number}",
            title=title,
            caption=(caption,) if caption else (),
            images=(
                ImageFile(
                    file=f"sone.0312011.g00{number}.jpg",
                    href=f"info:doi/10.5555/journal.sone.0312011.g00{number}",
                    draw=draw,
                ),
            ),
        )
        for number, title, caption, draw in (
            (
                1,
                "Network of visits.",
                """Each dot is a species, each line a shared flower. Blue, bees; orange, flies;
                green, beetles.""",
                partial(diagrams.network, names=("Bees", "Flies", "Beetles")),
            ),
            (
                2,
                "Insect species against flowers per m<sup>2</sup>.",
                "Line, linear regression (<italic>R</italic><sup>2</sup> = 0.81).",
                partial(
                    plots.scatter,
                    names=("Flowers per m2", "Insect species"),
                    xs=(0, 60),
                    ys=(0, 40),
                ),
            ),
            (
                3,
                "Visits per hour under heavy, light and no grazing.",
                "",
                partial(
                    plots.boxes,
                    groups=("Heavy", "Light", "None"),
                    names=("Grazing", "Visits per hour"),
                    ys=(0, 80),
                ),
            ),
        )
    ),
)

_SPANISH_MAP = """Mapa de la isla con la incidencia de caries por 1.000 niños y los centros de salud
(puntos blancos)."""

_SPANISH_BARS = (
    "Índice CPOD medio (± error estándar) según el consumo diario de bebidas azucaradas."
)

SPANISH = Article(
    pmcid=99002012,
    pmid=99102012,
    title="Caries dental y bebidas azucaradas en escolares de una isla",
    journal="Revista Muestra de Salud Pública",
    date="2023-11",
    subject="Artículos Originales",
    keywords=("caries dental", "bebidas azucaradas", "escolares", "salud pública"),
    language="es",
    license=License(
        code="CC BY-NC",
        url="https://creativecommons.org/licenses/by-nc/4.0/deed.es",
        words="""Este es un artículo publicado en acceso abierto bajo una licencia Creative Commons
        Atribución-NoComercial.""",
    ),
    abstract=(
        ("Objetivo", "Estimar la relación entre caries y bebidas azucaradas en 820 escolares."),
        ("Resultados", "El índice CPOD aumentó con el consumo diario."),
    ),
    front="""<trans-abstract xml:lang="en"><sec><title>Objective</title><p>To estimate the relation
    between caries and sugary drinks in 820 schoolchildren.</p></sec></trans-abstract>""",
    body=(
        (
            "Resultados",
            """La incidencia varió entre distritos ([[f1|Figura 1]]). El índice creció con el
            consumo ([[f2|Figura 2]]), como en otros estudios <sup>([[R2]],[[R3]])</sup>.""",
            "[[f1]]",
            "[[f2]]",
        ),
    ),
    tail="""<sub-article article-type="translation" id="TR1"
    xml:lang="en"><front-stub><article-categories> <subj-group
    subj-group-type="heading"><subject>Original Articles</subject></subj-group>
    </article-categories><title-group><article-title>Dental caries and sugary drinks in
    schoolchildren of an
    island</article-title></title-group></front-stub><body><sec><title>Results</title><p>Incidence
    differed between districts ([[f1en|Figure 1]]). The index grew with consumption ([[f2en|Figure
    2]]), as in other studies.</p>[[f1en]][[f2en]]</sec></body></sub-article>""",
    figures=(
        Figure(
            id="f1",
            label="Figura 1:",
            caption=(_SPANISH_MAP,),
            images=(
                ImageFile(
                    file="0034-rmsp-57-2012-gf1.jpg",
                    href="0034-rmsp-57-2012-gf1.jpg",
                    draw=partial(diagrams.region_map, title="Casos por 1000"),
                ),
            ),
        ),
        Figure(
            id="f2",
            label="Figura 2:",
            caption=(_SPANISH_BARS,),
            images=(
                ImageFile(
                    file="0034-rmsp-57-2012-gf2.png",
                    href="0034-rmsp-57-2012-gf2.png",
                    draw=partial(
                        plots.bars,
                        groups=("Nunca", "1 vaso", "2 vasos", "3 o mas"),
                        names=("Consumo diario", "CPOD"),
                        top=4,
                    ),
                ),
            ),
        ),
        Figure(
            id="f1en",
            label="Figure 1:",
            caption=(
                """Map of the island with the incidence of caries per 1,000 children and the health
                centres (white dots).""",
            ),
            images=(ImageFile(file="0034-rmsp-57-2012-gf1.jpg", draw=None),),
        ),
        Figure(
            id="f2en",
            label="Figure 2:",
            caption=("Mean DMFT index (± standard error) by daily consumption of sugary drinks.",),
            images=(ImageFile(file="0034-rmsp-57-2012-gf2.png", draw=None),),
        ),
    ),
)

EDITORIAL = Article(
    pmcid=99002240,
    pmid=99102240,
    title="Why we share images",
    journal="Sample Editorials",
    date="2026-05-04",
    subject="Editorial",
    keywords=("open access", "data sharing"),
    license=License(code="CC BY", url=f"{CC}by/4.0/"),
    body=(
        (
            "",
            """A figure that nobody may reuse is read once. We ask authors to choose open licences
            [[[R1]]].""",
        ),
    ),
    article_type="editorial",
)

ARTICLES = (OUTBREAK, CLOSED, WEB, SPANISH, EDITORIAL)
