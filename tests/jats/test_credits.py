"""Third-party rights on a figure, and what only looks like them."""

from __future__ import annotations

import pytest

from .documents import fig, figures

META = (
    "<contrib-group><contrib><name><surname>Novak</surname></name></contrib></contrib-group>"
    "<permissions><copyright-statement>© 2012 The Journal Press. All rights.</copyright-statement>"
    "<copyright-holder>Green Society</copyright-holder></permissions>"
)


def credit(caption: str = "Cells.", inner: str = "") -> str | None:
    (figure,) = figures(fig(1, inner, caption=caption), meta=META)
    return figure.credit


@pytest.mark.parametrize(
    "phrase",
    [
        *("Reproduced with permission from Smith et al.", "Adapted from [3] with permission."),
        *("Reprinted from [4] with the kind permission of Elsevier.", "Used by permission of Roe."),
        *("Image taken under permission 5 of the museum.", "With permission from Springer."),
        *("Reprinted from Nature.", "Republished here from [2] under a CC BY license."),
        *("© 2009 Elsevier.", "Copyright 2014 John Wiley and Sons.", "Photo (c) 2010 Jane Roe."),
        *("Photo (c) 1999 Jane Roe.", "Reproduced from Nature.", "Re-printed after Roe."),
        *("All rights reserved.", "Map used under license by Roe."),
    ],
)
def test_a_phrase_that_gives_anothers_rights_is_the_credit(phrase: str):
    assert credit(f"Two cells. {phrase} Scale bar, 1 cm.") == phrase


@pytest.mark.parametrize(
    "inner",
    [
        "<attrib>Photo: © Jane Roe</attrib>",
        "<p>© Jane Roe</p>",
        "<permissions><copyright-statement>© Jane Roe</copyright-statement></permissions>",
        "<permissions><copyright-holder>Jane Roe</copyright-holder></permissions>",
        "<permissions><license><license-p>© Jane Roe</license-p></license></permissions>",
    ],
)
def test_a_credit_may_stand_beside_the_caption(inner: str):
    found = credit(inner=inner)

    assert found is not None
    assert found.endswith("© Jane Roe")


@pytest.mark.parametrize(
    "caption",
    [
        *("Cells.", "The image is published with permission of the patient.", "The copyright."),
        "Photographs were taken with permission from the parents of the child.",
        "Used with written permission of the participants, who gave consent.",
        *("© 2012 The Journal Press.", "© The Authors 2012.", "Copyright Novak and others."),
        *("Copyright 2012 Green Society.", "Plasmids were produced. Figure 2 is published."),
        *("Acid (c) was added in 20 tubes.", "Animals were handled with permission."),
    ],
)
def test_consent_own_copyright_and_other_words_are_no_credit(caption: str):
    assert credit(caption) is None


def test_a_permission_says_more_than_a_copyright_line():
    assert credit("Used with permission of Roe. © 2009 Elsevier.") == "Used with permission of Roe."


def test_the_own_holders_may_stand_in_the_figures_permissions():
    own = "<permissions><copyright-holder>Green Society</copyright-holder></permissions>"

    assert credit(inner=own) is None


def test_a_long_sentence_is_cut_around_the_phrase():
    found = credit(f"{'a ' * 200}reproduced with permission from Roe {'b ' * 300}")

    assert found is not None
    assert "reproduced with permission from Roe" in found or "with permission from Roe" in found
    assert len(found) < 400
