"""From the name of a graphic in the document to a file of its article."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biomedica_dataset.keys import file_stem, is_raster
from biomedica_dataset.pmc.names import FileNames, href_name, is_safe_name


@pytest.mark.parametrize(
    ("href", "names", "expected"),
    [
        pytest.param("a.jpg", ["a.jpg"], "a.jpg", id="exact"),
        pytest.param("A.JPG", ["a.jpg"], "a.jpg", id="case of the href"),
        pytest.param("a", ["A.JPG"], "A.JPG", id="case of the file"),
        pytest.param("a", ["a.jpg"], "a.jpg", id="no extension"),
        pytest.param("a.tif", ["a.jpg"], "a.jpg", id="another raster extension"),
        pytest.param("a.tif", ["a.jpg", "a.tif"], "a.tif", id="exact before preferred"),
        pytest.param("a", ["a.gif", "a.jpg"], "a.jpg", id="jpg before gif"),
        pytest.param("a", ["a.gif"], "a.gif", id="gif alone"),
        pytest.param(
            "a", ["a.bmp", "a.webp", "a.tiff", "a.png"], "a.png", id="png before the rest"
        ),
        pytest.param(
            "JCB9806103.f1", ["JCB9806103.f1.jpg"], "JCB9806103.f1.jpg", id="dots in a stem"
        ),
        pytest.param("f1", ["f10.jpg"], None, id="not by prefix"),
        pytest.param("g0010", ["g001.jpg"], None, id="nor by the other's"),
        pytest.param("a.doc", ["a.jpg"], None, id="another kind of file"),
        pytest.param("a", ["a.pdf", "a.doc"], None, id="no picture"),
        pytest.param("gr1", ["gr1_lrg.jpg"], "gr1_lrg.jpg", id="Elsevier without _lrg"),
        pytest.param("gr1_lrg.jpg", ["gr1.jpg"], "gr1.jpg", id="Elsevier with _lrg"),
        pytest.param("gr1", ["gr1_lrg.jpg", "gr1.gif"], "gr1.gif", id="the plain stem first"),
        pytest.param(
            "info:doi/10.1371/journal.pone.0056489.g001",
            ["pone.0056489.g001.jpg"],
            "pone.0056489.g001.jpg",
            id="PLoS",
        ),
        pytest.param("https://x.org/a/b.png?v=1#c", ["b.png"], "b.png", id="address"),
        pytest.param("/img/v21n1/01f4.gif", ["01f4.gif"], "01f4.gif", id="path"),
        pytest.param("a%20b.jpg", ["a b.jpg"], "a b.jpg", id="encoded"),
        pytest.param(" a.jpg ", ["a.jpg"], "a.jpg", id="spaces around"),
        pytest.param("", ["a.jpg", ".jpg"], None, id="nothing"),
        pytest.param("a", [], None, id="no files"),
    ],
)
def test_a_name_is_matched_as_pmc_stores_it(href: str, names: list[str], expected: str | None):
    assert FileNames(names).match([href]) == expected


def test_of_several_names_the_best_file_counts():
    names = FileNames(["thumb.gif", "big.png"])

    assert names.match(["thumb", "big"]) == "big.png"
    assert names.match(["no", "thumb"]) == "thumb.gif"
    assert names.match([]) is None


def test_the_match_does_not_depend_on_the_order_of_the_files():
    assert FileNames(["a.jpg", "A.jpg"]).match(["a"]) == FileNames(["A.jpg", "a.jpg"]).match(["a"])


@pytest.mark.parametrize("name", ["a.jpg", "a b(1).png", "ä.gif", "a..b", "-a"])
def test_plain_names_are_safe(name: str):
    assert is_safe_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", "../a", "a/b", "a\\b", "/etc/passwd", "a\x00b", "a\nb", "a\x7f", "a\x9bb"),
        *("a\u202egpj.exe", "\u2066a", "a\u200f", "a\u2028b", "a\ud800"),
    ],
)
def test_paths_and_control_characters_are_not_safe(name: str):
    assert not is_safe_name(name)


@pytest.mark.parametrize(
    ("name", "stem"),
    [("a.jpg", "a"), ("a.JPEG", "a"), ("a.jpg.tif", "a.jpg"), ("a.f1", "a.f1"), ("a", "a")],
)
def test_only_a_known_extension_is_no_part_of_the_stem(name: str, stem: str):
    assert file_stem(name) == stem


def test_pictures_are_told_by_their_ending():
    assert [is_raster(n) for n in ("a.JPG", "a.webp", "a.pdf", "jpg")] == [True, True, False, False]


@given(st.text())
def test_the_name_in_an_href_never_has_a_plain_slash_at_its_end(href: str):
    name = href_name(href)

    assert "/" not in name
    assert name == name.strip()


@given(st.from_regex(r"[a-z0-9._-]{1,12}", fullmatch=True), st.sampled_from([".jpg", ".tif", ""]))
def test_a_file_is_found_by_its_own_stem(stem: str, extension: str):
    assert FileNames([f"{stem}.jpg"]).match([stem + extension]) == f"{stem}.jpg"


@pytest.mark.parametrize("name", ["g.png", "G.PNG"])
def test_names_that_differ_only_in_case_are_told_apart(name):
    assert FileNames(["G.PNG", "g.png"]).match([name]) == name
