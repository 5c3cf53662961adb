"""The review page answers itself and no other page, and gives away nothing but its images."""

from __future__ import annotations

import http.client
import json
import shutil
import signal
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from biomedica_dataset.annotation.review.originals import read_original
from biomedica_dataset.annotation.review.sheets import Review
from biomedica_dataset.archive.ledger import Archive

from .browser import arrive, free_port, served

JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def review(sheets, tmp_path_factory):
    folder = tmp_path_factory.mktemp("guarded") / "review"
    shutil.copytree(sheets, folder)
    return folder


@pytest.fixture(scope="module")
def address(assigned, sample_archive, review):
    """Host and port of a page that is served."""
    with served(assigned, sample_archive, "-o", review, "--images", "6", "--page") as (url, _):
        yield url.removeprefix("http://").rstrip("/")


def ask(address, method, path, body=None, **headers):
    connection = http.client.HTTPConnection(address, timeout=20)
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    connection.request(method, path, data, {**(JSON if data is not None else {}), **given})
    answer = connection.getresponse()
    read = answer.read()
    connection.close()
    return answer.status, dict(answer.getheaders()), read


class TestWhoIsAnswered:
    @pytest.mark.parametrize(
        "headers",
        [
            {"host": "rebound.example"},
            {"host": "localhost.rebound.example:80"},
            {"host": "127.0.0.1.rebound.example"},
            {"host": "["},
            {"host": ""},
            {"origin": "http://rebound.example"},
            {"origin": "null"},
            {"origin": "http://127.0.0.1:1"},
            {"sec_fetch_site": "cross-site"},
            {"sec_fetch_site": "same-site"},
        ],
    )
    def test_other_names_and_pages_are_refused(self, address, review, headers):
        for method, path in (("POST", "/join"), ("GET", "/page.js"), ("GET", "/thumbnails/a")):
            body = {"who": "mallory"} if method == "POST" else None
            status, _, _ = ask(address, method, path, body, **headers)
            assert status == 403
        assert not (review / "votes" / "mallory.jsonl").exists()

    def test_a_link_leads_to_the_page_but_names_no_annotator(self, address):
        link = {"sec_fetch_site": "cross-site", "sec_fetch_dest": "document"}
        status, headers, _ = ask(address, "GET", "/?annotator=mallory", **link)
        assert (status, headers["location"]) == (303, "/")
        status, headers, _ = ask(address, "GET", "/", **link)
        assert status == 200
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert (
            ask(address, "GET", "/", host="localhost:9000", origin="http://localhost:9000")[0]
            == 200
        )

    @pytest.mark.slow
    def test_a_page_of_another_origin_reads_and_changes_nothing(self, address, review, chromium):
        class Other(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("content-type", "text/html")
                self.end_headers()
                self.wfile.write(b"<title>other</title>")

            def log_message(self, *_):
                pass

        other = ThreadingHTTPServer(("127.0.0.1", 0), Other)
        threading.Thread(target=other.serve_forever, daemon=True).start()
        attack = """async (target) => {
          const told = [], body = JSON.stringify({who: "mallory"});
          const types = ["application/json", "text/plain"];
          for (const mode of ["cors", "no-cors"]) for (const type of types) {
            const options = {method: "POST", mode, body, headers: {"content-type": type}};
            try { told.push(await (await fetch(target + "/join", options)).text()); } catch {}
          }
          const image = new Image();
          image.src = target + "/page.js";
          const frame = document.createElement("iframe");
          frame.src = target + "/?annotator=mallory";
          document.body.append(image, frame);
          const form = Object.assign(document.createElement("form"), {
            method: "POST", action: target + "/join", enctype: "text/plain", target: "_blank"});
          form.append(Object.assign(document.createElement("input"), {name: body, value: ""}));
          document.body.append(form);
          form.submit();
          await new Promise((resume) => setTimeout(resume, 700));
          return told.join("");
        }"""
        try:
            browser = chromium()[1]
            page = browser.new_page()
            page.goto(f"http://127.0.0.1:{other.server_port}/")
            assert page.evaluate(attack, f"http://{address}") == ""
            rebound = browser.new_page()
            rebound.goto(f"http://rebound.example:{address.partition(':')[2]}/")
            assert rebound.locator("body").inner_text().startswith("this page is not served as")
            assert "votes" not in [path.name for path in review.iterdir()]
            arrive(browser, f"http://{address}/", "anna")  # which the page itself may
        finally:
            other.shutdown()
            other.server_close()
        assert [path.name for path in (review / "votes").iterdir()] == ["anna.jsonl"]


class TestWhatIsAnswered:
    def test_no_file_but_images_of_the_sheets(self, address, review):
        outside = [
            "/review.json", "/questions.csv", "/index.html", "/votes/anna.jsonl", "/thumbs/",
            "/thumbnails/", "/thumbnails/none", "/thumbnails/..%2freview.json", "/originals/none",
            "/thumbnails/%2e%2e/review.json", "/originals/..%2f..%2fetc%2fpasswd", "/page.html",
            "//etc/passwd", "/..%2f..%2f..%2fetc/passwd", "/upload", "/gradio_api/upload",
            "/gradio_api/file=/etc/passwd", "/docs", "/openapi.json", "/static/page.js",
        ]  # fmt: skip
        for path in outside:
            assert ask(address, "GET", path)[0] == 404, path
            assert ask(address, "POST", path, {})[0] in (404, 405), path
        for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
            assert ask(address, method, "/", b"{}")[0] == 405

    def test_images_come_as_they_are_stored(self, address, review, sample_archive, sample_dataset):
        import pyarrow.parquet as pq

        cards = Review.open(review).cards
        stored = {
            row["key"]: row["image"]["bytes"]
            for path in sample_dataset.glob("*/train/*.parquet")
            for row in pq.read_table(path, columns=["key", "image"]).to_pylist()
        }
        status, headers, data = ask(address, "GET", f"/originals/{next(iter(cards))}")
        assert (status, headers["x-content-type-options"]) == (200, "nosniff")
        assert headers["content-type"].startswith("image/")
        assert data == stored[next(iter(cards))]
        for key, card in cards.items():
            found = read_original(Archive.open(sample_archive), card)
            assert found is not None
            assert found[0] == stored[key] or found[1] == "image/png"

    def test_a_thumbnail_that_leads_out_of_the_folder_is_not_given(self, address, review):
        key, card = next(iter(Review.open(review).cards.items()))
        path = review / card.thumbnail
        assert ask(address, "GET", f"/thumbnails/{key}")[0] == 200
        kept = path.read_bytes()
        path.unlink()
        path.symlink_to(review / "review.json")
        try:
            assert ask(address, "GET", f"/thumbnails/{key}")[0] == 404
        finally:
            path.unlink()
            path.write_bytes(kept)

    @pytest.mark.parametrize(
        ("path", "body", "why"),
        [
            ("/answer", b"[1]", "must be a JSON object"),
            ("/answer", b"{", "must be JSON"),
            ("/answer", b"[" * 100_000, "must be JSON"),
            ("/answer", b" " * 200_000, "at most 131,072 bytes"),
            ("/join", {"who": ["a"]}, "expected a text"),
            ("/join", {"who": " "}, "the name is empty"),
            ("/join", {"who": "a\x00"}, "not a valid name"),
            ("/show", {"who": "eve", "at": 10**30}, "there is no item"),
            ("/show", {"who": "eve", "at": "0"}, "there is no item"),
            ("/answer", {"cluster": 99}, "does not ask about"),
            ("/answer", {"cluster": 0.5}, "does not ask about"),
            ("/answer", {"key": "PMC1_g"}, "does not ask about"),
            ("/answer", {"key": ["x"]}, "does not ask about"),
            ("/answer", {"question": "size"}, "unknown question"),
            ("/answer", {"question": "fits_primary"}, "unknown question"),
            ("/answer", {"question": "primary", "answer": ["Cats"]}, "Cats"),
            ("/answer", {"question": "primary", "answer": [{}]}, "expected a list of texts"),
            ("/answer", {"question": "mixed", "answer": 1}, "expected a bool"),
            ("/answer", {"question": "wrong_images", "answer": ["PMC1_g"]}, "not shown here"),
            ("/answer", {"question": "wrong_images", "answer": "PMC1_g"}, "not shown here"),
        ],
    )
    def test_an_answer_that_cannot_be_meant_is_refused(self, address, review, path, body, why):
        if path == "/answer" and isinstance(body, dict):
            body = {"who": "eve", "cluster": 0, "key": None, "question": "mixed", **body}
        status, _, told = ask(address, "POST", path, body)
        assert (status, why in json.loads(told)["error"]) == (400, True), told
        file = review / "votes" / "eve.jsonl"
        assert not file.exists() or not file.read_bytes()

    def test_a_form_cannot_answer_and_a_comment_is_bounded(self, address, review):
        sent = {"who": "zed", "cluster": 0, "key": None, "question": "comment"}
        body = json.dumps({**sent, "answer": "no"}).encode()
        status, _, _ = ask(address, "POST", "/answer", body, content_type="text/plain")
        assert status == 400
        status, _, told = ask(
            address, "POST", "/answer", {**sent, "answer": "\ud83d" + "x" * 20_000}
        )
        assert status == 200
        assert json.loads(told)["answers"]["comment"] == "?" + "x" * 9_999


def test_other_machines_need_the_token(assigned, sample_archive, review):
    port, command = free_port(), [sys.executable, "-m", "biomedica_dataset", "annotate", "review"]
    command += [str(assigned), str(sample_archive), "-o", str(review), "--images", "6", "--page"]
    process = subprocess.Popen(
        [*command, "--host", "0.0.0.0", "--port", str(port)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        line = next(line for line in process.stdout if line.startswith("http"))
        url, here = line.partition(": ")[0], f"127.0.0.1:{port}"
        machine, _, path = url.partition(f":{port}")
        assert machine == f"http://{socket.gethostname()}"
        status, _, told = ask(here, "GET", "/")
        assert (status, b"open the address that the command printed" in told) == (403, True)
        assert ask(here, "GET", "/?token=wrong")[0] == 403
        assert ask(here, "POST", "/join", {"who": "anna"})[0] == 403
        status, headers, _ = ask(here, "GET", f"{path}&annotator=dora")
        assert (status, headers["location"]) == (303, "/?annotator=dora")
        cookie = headers["set-cookie"].partition(";")[0]
        assert "HttpOnly" in headers["set-cookie"]
        assert ask(here, "GET", "/", cookie=cookie)[0] == 200
        assert ask(here, "POST", "/show", {"who": "dora", "at": 0}, cookie=cookie)[0] == 200
        assert ask(here, "GET", "/", cookie=cookie, host="rebound.example")[0] == 403
    finally:
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert "Warning: other machines can reach the page" in said
    assert f"ssh -L {port}:localhost:{port} HOST" in said
    assert "Traceback" not in said
    assert process.returncode == 130
