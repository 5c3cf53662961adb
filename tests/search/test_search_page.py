"""The search page in a real browser, and what its server answers."""

from __future__ import annotations

import http.client
import json
import time

import pytest

from biomedica_dataset.search.page.search_page import SearchHandlers

from ..annotation.browser import accessible, served

SERVE = ("search", "serve")
NAEVUS = "PMC99000101_sjd-15-101-g002"
ASKED = {"query": "figure", "mode": "lexical", "limit": 5}


def ask(address, method, path, body=None, **headers):
    connection = http.client.HTTPConnection(address.removeprefix("http://").rstrip("/"), timeout=60)
    data = None if body is None else json.dumps(body)
    kind = {} if body is None else {"content-type": "application/json"}
    connection.request(method, path, data, kind | headers)
    answer = connection.getresponse()
    read = answer.read()
    connection.close()
    return answer.status, dict(answer.getheaders()), read


def wait_for_image(page, selector):
    """Wait until an image is there; the policy of the page forbids playwright's own polling."""
    end = time.monotonic() + 30
    while not page.evaluate("one => document.querySelector(one).naturalWidth > 0", selector):
        assert time.monotonic() < end, selector
        page.wait_for_timeout(50)


@pytest.mark.slow
def test_figures_are_found_filtered_shown_and_kept_by_keyboard(
    searchable, search, tmp_path, chromium
):
    requests, query = [], "image of cells in the blood under the microscope"
    few = search.search(query, licenses="noncommercial", limit=20)
    assert 1 < len(few) < 20
    with served(searchable, command=SERVE) as (address, _server):
        page = chromium()[1].new_page(viewport={"width": 1400, "height": 900})
        page.set_default_timeout(30_000)
        page.on("request", lambda request: requests.append(request.url))
        page.goto(address)
        page.locator("#told", has_text="62 figures to search").wait_for()
        page.keyboard.type("pigment network")
        page.keyboard.press("Enter")
        first = page.locator(".found").first
        first.locator("mark", has_text="network").first.wait_for()
        assert first.get_attribute("data-key") == NAEVUS
        assert "CC BY 4.0" in first.inner_text()
        href = first.locator("a").get_attribute("href")
        assert href == "https://pmc.ncbi.nlm.nih.gov/articles/PMC99000101/"
        wait_for_image(page, ".see img")

        page.keyboard.press("Escape")
        page.keyboard.press("n")
        page.keyboard.press("b")
        page.locator("#count", has_text="1 key").wait_for()
        with page.expect_download() as started:
            page.locator("#save").click()
        started.value.save_as(tmp_path / "keys.txt")
        assert (tmp_path / "keys.txt").read_text() == f"{NAEVUS}\n"

        page.locator(".see").first.focus()
        page.keyboard.press("Enter")
        page.locator("#citation", has_text="PMC99000101").wait_for()
        wait_for_image(page, "#original")
        accessible(page)
        page.keyboard.press("Escape")

        page.locator("#query").fill(query)
        page.keyboard.press("Enter")
        page.locator("#results:not(.waiting)").wait_for()
        page.locator("#license_group label", has_text="noncommercial").click()
        page.locator("#said", has_text=f"{len(few)} figures").wait_for()
        for width, scheme in ((390, "dark"), (390, "light"), (900, "dark"), (1400, "light")):
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            accessible(page)

        page.locator("#query").fill("the of and")
        page.keyboard.press("Enter")
        page.locator("#refused", has_text="only common words").wait_for()
        accessible(page)
    assert not [url for url in requests if not url.startswith((address, "data:", "blob:"))]


@pytest.mark.slow
def test_other_pages_are_refused_and_no_traceback_is_shown(searchable):
    with served(searchable, command=SERVE) as (address, _server):
        for headers in ({"host": "rebound.example"}, {"origin": "http://rebound.example"}):
            assert ask(address, "POST", "/search", ASKED, **headers)[0] == 403
            assert ask(address, "GET", f"/thumbnails/{NAEVUS}", **headers)[0] == 403
        for key in ("nothing", "PMC1_g1", "..%2Fmanifest.json", "PMC99000101_x"):
            assert ask(address, "GET", f"/thumbnails/{key}")[0] == 404
        status, headers, data = ask(address, "GET", f"/thumbnails/{NAEVUS}")
        assert (status, headers["content-type"], data[:2]) == (200, "image/jpeg", b"\xff\xd8")
        assert ask(address, "GET", f"/originals/{NAEVUS}")[0] == 200
        wrong = [
            {"query": 1}, {"limit": 0}, {"limit": "many"}, {"mode": "magic"}, {"query": ""},
            {"query": "word " * 9_000}, {"license_group": "CC"}, {"license_group": ["magic"]},
            {"image_kind": ["magic"]}, {"from": "soon"}, {"from": 2300}, {"mode": "semantic"},
            {"to": 10**40}, {"article_journal": [3]},
        ]  # fmt: skip
        for change in wrong:
            status, headers, data = ask(address, "POST", "/search", ASKED | change)
            assert status == 400, change
            assert b"Traceback" not in data
            assert json.loads(data)["error"]
        for key in ("PMC1_g1", "nothing", "PMC_", f"PMC{'9' * 40}_g1"):
            assert ask(address, "POST", "/figure", {"key": key})[0] == 400


def test_values_to_choose_by_are_those_of_the_figures_that_were_found(search):
    told = SearchHandlers(search).search(ASKED | {"query": "pigment", "limit": 1})

    assert len(told["results"]) == 1
    assert told["has_more"]
    counts = dict(told["facets"]["license_group"])
    assert sum(counts.values()) == len(search.search("pigment", limit=200))
    only = {"article_journal": [told["results"][0]["journal"]]}
    chosen = SearchHandlers(search).search(ASKED | {"query": "pigment"} | only)
    assert {one["journal"] for one in chosen["results"]} == set(only["article_journal"])


def test_a_figure_is_shown_with_its_citation(search):
    told = SearchHandlers(search).figure({"key": NAEVUS})

    assert told["caption"].startswith("Dermoscopic image")
    assert "PMC99000101" in told["citation"]
    assert told["license_url"].startswith("https://creativecommons.org/licenses/by/")
