"""Words and addresses of licences in several languages, and the own licence of a figure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biomedica_dataset.licenses import LICENSE_GROUPS, License, license_group, stricter

from .documents import fig, figures, linked, permissions, read, worded

BY4 = "https://creativecommons.org/licenses/by/4.0/"
WORDED = {
    "CC BY-NC": (
        "Creative Commons Attribution License, which permits non-commercial use only | "
        "Creative Commons Attribution (CC BY) licence; no commercial use is allowed | "
        "Creative Commons Attribution – Pas d’Utilisation Commerciale 3.0 France | "
        "licence Creative Commons Paternité-Pas d'Utilisation Commerciale | "
        "Creative Commons Namensnennung – Nicht kommerziell 4.0 International | "
        "Creative-Commons-Lizenz Namensnennung-Keine kommerzielle Nutzung | "
        "licencia Creative Commons Reconocimiento-NoComercial 4.0 | "
        "licencia de Creative Commons Atribución - Uso no comercial | "
        "Licença Creative Commons Atribuição-NãoComercial 4.0 Internacional | "
        "Licença Creative Commons Atribuição – Uso Não Comercial | "
        "Licenza Creative Commons Attribuzione - Non commerciale | CC‐BY‐NC | CC BY, NC | "
        "Creative Commons Attribution, for non-profit purposes | CC BY 4.0, not for resale | "
        "Creative Commons Attribution 2.5, which does not permit commercial exploitation | "
        "CC BY 4.0 except for commercial purposes | CC BY; commercial use is not permitted | "
        "licence Creative Commons Attribution, usage commercial interdit | "
        "CC BY, sauf à des fins commerciales | CC BY, sans but lucratif | "
        "Creative Commons Namensnennung; kommerzielle Nutzung ist untersagt | "
        "licencia Creative Commons Atribución, prohibido el uso comercial | "
        "licencia Creative Commons Reconocimiento, sin ánimo de lucro | "
        "Licença Creative Commons Atribuição, vedado o uso comercial | "
        "Licenza Creative Commons Attribuzione, usi commerciali vietati"
    ),
    "CC BY-NC-SA": (
        "Creative Commons Attribution - Pas d'Utilisation Commerciale - Partage à l'identique | "
        "Creative Commons Attribution - Pas d'Utilisation Commerciale - Partage dans les mêmes "
        "conditions | Creative Commons Namensnennung - Nicht-kommerziell - Weitergabe unter "
        "gleichen Bedingungen | Creative Commons Atribución-NoComercial-CompartirIgual | "
        "Creative Commons Atribuição-NãoComercial-CompartilhaIgual | CC BY NC SA | "
        "Creative Commons Attribuzione - Non commerciale - Condividi allo stesso modo"
    ),
    "CC BY-NC-ND": (
        "Creative Commons Attribution - Pas d’Utilisation Commerciale - Pas de Modification | "
        "Creative Commons Namensnennung-Nicht kommerziell-Keine Bearbeitungen | "
        "Creative Commons Reconocimiento-NoComercial-SinObraDerivada | "
        "Creative Commons Atribución-NoComercial-SinDerivadas | "
        "Creative Commons Atribuição-NãoComercial-SemDerivações | "
        "Creative Commons Attribuzione - Non commerciale - Non opere derivate | "
        "Creative Commons Attribution License, provided that the use is non-commercial and no "
        "modifications or adaptations are made"
    ),
    "CC BY-ND": (
        "Creative Commons Attribution - Pas de Modification | CC BY ND | "
        "Creative Commons Namensnennung - Keine Bearbeitung | "
        "Creative Commons Atribución-Sin Derivar | Creative Commons Attribution-NoDerivs | "
        "CC BY; derivative works are prohibited | CC BY, ohne Bearbeitungen | "
        "Licença Creative Commons Atribuição, sem derivações"
    ),
    "CC BY-SA": (
        "Creative Commons Attribution - Partage dans les mêmes conditions | "
        "Creative Commons Attribuzione-Condividi allo stesso modo | CC BY-SA | "
        "Creative Commons Attribution, shared under the same terms | "
        "CC BY, bajo las mismas condiciones"
    ),
    "CC BY": (
        "Creative Commons Attribution, for commercial and non-commercial purposes | "
        "Creative Commons Attribution License, permitting use, commercial or noncommercial | "
        "Creative Commons Attribution 3.0 Germany License | Creative Commons Namensnennung 4.0 | "
        "Creative Commons Reconocimiento 4.0 | Licence Creative Commons Attribution | "
        "CC BY 3.0 IGO | CC-BY-licensed | Creative Commons Attribution IGO license"
    ),
    "CC0 1.0": (
        "Creative Commons CC0 | Creative Commons Zero | Creative Commons domaine public | "
        "Creative Commons dominio público | Creative Commons domínio público | CC0"
    ),
    None: (
        "Creative Commons Attribution-Sans-Quelque-Chose | Creative Commons licence | CC BY-XX | "
        "Creative Commons Attribution Friends-Only License | CC BY 4.0, personal use | "
        "Creative Commons Attribution License, for academic use only | "
        "Creative Commons Nimi mainittava | "
        "http://creativecommons.org/licenses/by-xx/4.0/ the Creative Commons Attribution License"
    ),
}


@pytest.mark.parametrize(
    ("words", "name"),
    [(words.strip(), name) for name, text in WORDED.items() for words in text.split(" | ")],
)
def test_words_about_a_licence_never_make_it_wider(words: str, name: str | None):
    found = read(meta=worded(words)).license

    assert (found.code if name != "CC0 1.0" else found.name) == name


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("http://creativecommons.org/licenses/by-nc/3.0/fr/deed.de", "by-nc/3.0/fr/"),
        ("https://www.creativecommons.org/licenses/by-nc-sa/4.0/deed.pt_BR", "by-nc-sa/4.0/"),
        ("creativecommons.org/licenses/by-nd/3.0/igo/.", "by-nd/3.0/igo/"),
        ("<http://creativecommons.org/licenses/by-nc-nd/2.5/es/>,", "by-nc-nd/2.5/es/"),
        ("https://creativecommons.org/licenses/by‐nc/4.0);", "by-nc/4.0/"),
        (
            "https://x.org/?url=https%3A%2F%2Fcreativecommons.org%2Flicenses%2Fby-nc%2F4.0",
            "by-nc/4.0/",
        ),
        ("http://creativecommons.org/licenses/by-nd-nc/1.0/", "by-nc-nd/1.0/"),
        ("http://creativecommons.org/licenses/CC-BY-NC/4.0", "by-nc/4.0/"),
    ],
)
def test_addresses_of_any_country_and_language_are_read(address: str, url: str):
    text = address.replace("<", "&lt;").replace(">", "&gt;")

    assert (
        read(meta=worded(f"See {text}")).license.url
        == f"https://creativecommons.org/licenses/{url}"
    )


def test_an_address_and_words_that_contradict_give_the_narrower():
    words = "the Creative Commons Attribution Noncommercial License"
    both = f'<license xlink:href="{BY4}"><license-p>{words}</license-p></license>'

    assert read(meta=permissions(both)).license.code == "CC BY-NC"


NC4 = License("CC BY-NC", "4.0", "https://creativecommons.org/licenses/by-nc/4.0/")
BY = License("CC BY", "4.0", BY4)
COURTESY = "A map. Courtesy of Roe."


@pytest.mark.parametrize(
    ("caption", "inner", "expected"),
    [
        pytest.param("A.", "", None, id="none of its own"),
        pytest.param("A.", permissions("<copyright-year>2010</copyright-year>"), None, id="a year"),
        pytest.param("A.", linked(BY4), BY, id="named"),
        pytest.param("A.", permissions(f"<ali:license_ref>{BY4}</ali:license_ref>"), BY, id="ali"),
        pytest.param("A.", worded("All rights reserved."), License(None), id="custom"),
        pytest.param("A.", worded("Ask the publisher."), License(None), id="custom words"),
        pytest.param("A.", worded("As the journal says."), None, id="the article's own words"),
        pytest.param(
            "A.",
            permissions(f'<license xlink:href="{NC4.url}">As the journal says.</license>'),
            NC4, id="the article's own words at another address",
        ),
        pytest.param("A. Licensed under CC BY-NC 4.0.", "", NC4, id="in the caption"),
        pytest.param(f'<ext-link xlink:href="{NC4.url}">See</ext-link>', "", NC4, id="link"),
        pytest.param("A.", "<attrib>CC BY-NC 4.0</attrib>", NC4, id="in the attribution"),
        pytest.param("A. Source data are available under CC0.", "", None, id="of the data"),
        pytest.param("CC BY 4.0 and CC BY-NC 4.0.", "", NC4, id="two"),
        pytest.param("Under CC BY-NC 4.0.", linked(BY4), NC4, id="caption and permissions"),
        pytest.param(COURTESY, "", License(None), id="a credit"),
        pytest.param(f"{COURTESY} CC BY-NC 4.0.", "", NC4, id="a credit with a licence"),
        pytest.param(f"{COURTESY} Not for sale. Under CC BY-NC 4.0", "", NC4, id="further on"),
        pytest.param(COURTESY, linked(BY4), BY, id="a credit and permissions"),
        pytest.param(COURTESY, "<attrib>CC BY-NC 4.0</attrib>", NC4, id="and an attribution"),
        pytest.param(f"{COURTESY} All rights reserved.", linked(BY4), License(None), id="reserved"),
        pytest.param(
            "A) Photo: Jane Roe, CC BY-NC 4.0. B) Cells. C) Photo: Ann Doe, CC BY 4.0.",
            "", NC4, id="two credits with licences",
        ),
        pytest.param(
            "A) Photo: Jane Roe, CC BY-NC 4.0. B) Cells. C) Adapted from [3].",
            "", License(None), id="two credits, one with a licence",
        ),
        pytest.param(
            "A. We received permission to publish it under a CC BY licence from Roe.",
            "", License("CC BY"), id="permission for a licence",
        ),
        pytest.param(
            "A.",
            permissions("<copyright-statement>© Roe</copyright-statement><copyright-holder>Roe"
            f'</copyright-holder><license xlink:href="{NC4.url}"/>'),
            NC4, id="a holder with a licence",
        ),
    ],
)  # fmt: skip
def test_the_own_licence_of_a_figure_is_what_its_elements_say(
    caption: str, inner: str, expected: License | None
):
    (figure,) = figures(fig(1, inner, caption=caption), meta=worded("As the journal says."))

    assert figure.own_license == expected


def test_the_licence_of_the_article_repeated_in_a_figure_is_not_that_of_somebody_else():
    own = permissions(f'<license xlink:href="{BY4}">Open, as the journal says.</license>')
    plain, credited = figures(fig(1, own) + fig(2, own, caption=COURTESY), meta=own)

    assert plain.own_license is None
    assert credited.own_license == License(None)


TEXTS = ("Cells.", "A map of it.", "(A) Mice before.", "Scale bar, 5 µm.")
CREDITED = (
    "Courtesy of Roe.", "Adapted from [3].", "© 2019 Elsevier.", "All rights reserved.",
    "<!--attrib-->Jane Roe", "<!--holder-->Jane Roe", "Foto: Jane Roe.",
)  # fmt: skip
LICENSED = (
    "CC BY 4.0.", "CC BY-NC 4.0.", "CC0.", "CC BY-XX.",
    "<!--license-->https://creativecommons.org/licenses/by/4.0/",
    "<!--license-->https://creativecommons.org/licenses/by-nc-nd/4.0/", "<!--license-->Ask us.",
)  # fmt: skip
ELEMENTS = {
    "attrib": "<attrib>{}</attrib>",
    "holder": "<permissions><copyright-holder>{}</copyright-holder></permissions>",
    "license": "<permissions><license>{}</license></permissions>",
}


def openness(statements: list[str], article: str) -> int:
    """Return how wide the group of a figure is that makes some statements."""
    caption, inner = "", ""
    for statement in statements:
        kind, _, text = statement.removeprefix("<!--").partition("-->")
        if text:
            inner += ELEMENTS[kind].format(text)
        else:
            caption += f" {statement}"
    (figure,) = figures(fig(1, inner, caption=caption or "Cells."))
    own = article if figure.own_license is None else figure.own_license.code
    return -LICENSE_GROUPS.index(license_group(stricter(article, own)))


@given(
    st.lists(st.sampled_from([*TEXTS, *CREDITED, *LICENSED]), max_size=4),
    st.sampled_from(["CC0", "CC BY", "CC BY-NC"]),
    st.data(),
)
def test_no_statement_makes_the_group_wider(
    statements: list[str], article: str, data: st.DataObject
):
    before = openness(statements, article)
    credited = any(statement in CREDITED for statement in statements)
    more = data.draw(st.sampled_from([*CREDITED, *(() if credited else LICENSED)]))
    place = data.draw(st.integers(0, len(statements)))
    after = openness([*statements[:place], more, *statements[place:]], article)

    assert after <= before <= openness([], article)
