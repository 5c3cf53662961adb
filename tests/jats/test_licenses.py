"""Licences in all the forms that real documents use."""

from __future__ import annotations

import pytest

from biomedica_dataset.licenses import License, license_group, resolved_license, stricter

from .documents import linked, permissions, read, worded

BY4 = "https://creativecommons.org/licenses/by/4.0/"


@pytest.mark.parametrize(
    ("meta", "name", "url"),
    [
        pytest.param(linked(BY4), "CC BY 4.0", BY4, id="address of the license"),
        pytest.param(
            worded(f'See <ext-link xlink:href="{BY4}">this</ext-link>.'),
            "CC BY 4.0",
            BY4,
            id="address of a link",
        ),
        pytest.param(
            worded("See http://creativecommons.org/licenses/by-nc/3.0."),
            "CC BY-NC 3.0",
            "https://creativecommons.org/licenses/by-nc/3.0/",
            id="address in words",
        ),
        pytest.param(
            permissions(
                f"<ali:free_to_read/><license><ali:license_ref>{BY4}</ali:license_ref></license>"
            ),
            "CC BY 4.0",
            BY4,
            id="ali:license_ref",
        ),
        pytest.param(
            permissions(f"<ali:license_ref>{BY4}</ali:license_ref>"),
            "CC BY 4.0",
            BY4,
            id="ali alone",
        ),
        pytest.param(
            linked("HTTPS://CreativeCommons.org/Licenses/BY-NC-ND/4.0/legalcode"),
            "CC BY-NC-ND 4.0",
            "https://creativecommons.org/licenses/by-nc-nd/4.0/",
            id="capitals and legal code",
        ),
        pytest.param(
            linked("https://creativecommons.org/licenses/by-nc-sa/4.0/deed.en"),
            "CC BY-NC-SA 4.0",
            "https://creativecommons.org/licenses/by-nc-sa/4.0/",
            id="deed",
        ),
        pytest.param(
            linked("https://creativecommons.org/licenses/by-sa/3.0/us/"),
            "CC BY-SA 3.0",
            "https://creativecommons.org/licenses/by-sa/3.0/us/",
            id="of a country",
        ),
        pytest.param(
            linked("http://creativecommons.org/licences/by-nd/2.5"),
            "CC BY-ND 2.5",
            "https://creativecommons.org/licenses/by-nd/2.5/",
            id="British spelling",
        ),
        pytest.param(
            linked("https://creativecommons.org/licenses/by/"), "CC BY", None, id="no version"
        ),
        pytest.param(
            linked("http://creativecommons.org/publicdomain/zero/1.0/"),
            "CC0 1.0",
            "https://creativecommons.org/publicdomain/zero/1.0/",
            id="CC0",
        ),
        pytest.param(
            worded(
                "This is distributed under the Creative Commons Attribution License (CC BY 3.0)."
            ),
            "CC BY 3.0",
            "https://creativecommons.org/licenses/by/3.0/",
            id="words with a version",
        ),
        *(
            pytest.param(worded(text), name, None, id=text[:60])
            for text, name in (
                ("under the terms of the Creative Commons Attribution License, which", "CC BY"),
                ("the Creative Commons Attribution-NonCommercial License", "CC BY-NC"),
                ("the Creative Commons Attribution Non Commercial No Derivatives", "CC BY-NC-ND"),
                ("Creative Commons: Attribution-Noncommercial-ShareAlike", "CC BY-NC-SA"),
                ("a CC-BY license", "CC BY"),
                ("a CC BY-NC-ND license", "CC BY-NC-ND"),
                ("una licencia Creative Commons Atribución-NoComercial", "CC BY-NC"),
                ("licença Creative Commons Atribuição", "CC BY"),
            )
        ),
        *(
            pytest.param(worded(text), "CC0 1.0", License("CC0", "1.0").url, id=text[:60])
            for text in (
                "the Creative Commons CC0 public domain dedication",
                "under the Creative Commons Public Domain Declaration, which stipulates",
            )
        ),
        pytest.param(
            f"<license xlink:href='{BY4}'/>", "CC BY 4.0", BY4, id="license beside permissions"
        ),
        pytest.param(
            "<copyright-statement>A. Uthor. This is distributed under the terms of the Creative "
            "Commons Attribution License.</copyright-statement>",
            "CC BY",
            None,
            id="old NLM copyright statement",
        ),
        pytest.param(
            "<custom-meta-group><custom-meta><meta-name>pmc-license-ref</meta-name><meta-value>"
            f"{BY4}</meta-value></custom-meta></custom-meta-group>",
            "CC BY 4.0",
            BY4,
            id="PMC's own line",
        ),
        pytest.param(
            linked(BY4) + linked("https://creativecommons.org/licenses/by-nc/4.0/"),
            "CC BY-NC 4.0",
            "https://creativecommons.org/licenses/by-nc/4.0/",
            id="the stricter of two",
        ),
        pytest.param(
            permissions(
                f'<license xlink:href="{BY4}"/><license>'
                "http://creativecommons.org/publicdomain/zero/1.0/</license>"
            ),
            "CC BY 4.0",
            BY4,
            id="text and data",
        ),
        pytest.param(
            worded("Open access. All rights reserved."), None, None, id="no licence named"
        ),
        pytest.param(
            '<permissions><license license-type="cc-by"/></permissions>', None, None, id="type only"
        ),
        pytest.param(
            linked("https://creativecommons.org/publicdomain/mark/1.0/"), None, None, id="a mark"
        ),
        pytest.param("", None, None, id="none"),
    ],
)
def test_the_licence_is_read_in_every_form(meta: str, name: str | None, url: str | None):
    found = read(meta=meta).license

    assert found.name == name
    assert name == "CC0 1.0" or found.url == url


def test_the_licence_of_a_sub_article_is_not_that_of_the_article():
    sub = f"<sub-article><front-stub>{linked(BY4)}</front-stub></sub-article>"

    assert read(rest=sub).license == License(None)


@pytest.mark.parametrize(
    ("code", "group"),
    [
        *((code, "commercial") for code in ("CC0", "CC BY", "CC BY-SA", "CC BY-ND")),
        *((code, "noncommercial") for code in ("CC BY-NC", "CC BY-NC-SA", "CC BY-NC-ND")),
        *((code, "other") for code in (None, "TDM", "CC-BY")),
    ],
)
def test_each_code_belongs_to_one_group(code: str | None, group: str):
    assert license_group(code) == group


def test_pmc_decides_and_the_document_adds_its_version():
    named = License("CC BY", "4.0", BY4)

    assert resolved_license("CC BY", named) == named
    assert resolved_license(None, named) == named
    assert resolved_license("CC BY-NC", named) == License("CC BY-NC")


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        *(("CC BY", "CC BY-NC", "CC BY-NC"), ("CC BY-NC-ND", "CC0", "CC BY-NC-ND")),
        *(("CC BY", None, None), ("TDM", "CC BY", None)),
    ],
)
def test_unknown_is_the_strictest_licence(first: str, second: str | None, expected: str | None):
    assert stricter(first, second) == expected
