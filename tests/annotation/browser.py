"""A server of the page and browsers that look at it, each a process of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

import pytest
from playwright.sync_api import TimeoutError as NoAnswerError

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--host-resolver-rules=MAP rebound.example 127.0.0.1",
]  # fmt: skip


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def served(*arguments, command=("annotate", "review"), port=None):
    """Run a page as its command does; yield its address and its process."""
    port = port or free_port()
    line = [sys.executable, "-m", "biomedica_dataset", *command, *map(str, arguments)]
    pipe = subprocess.PIPE
    process = subprocess.Popen([*line, "--port", str(port)], stdout=pipe, stderr=pipe, text=True)
    try:
        # The line comes when the server answers.
        address = next((line for line in process.stdout if line.startswith("http")), None)
        if address is None:
            pytest.fail(process.stderr.read())
        address = address.partition(": ")[0]
        yield address, process
    finally:
        process.send_signal(signal.SIGCONT)  # a test may have stopped it
        process.terminate()
        process.communicate()


def start_browser(home):
    """Start a browser; return its process and the address at which it is driven."""
    command = [CHROMIUM, *FLAGS, "--remote-debugging-port=0", f"--user-data-dir={home}"]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    port = home / "DevToolsActivePort"
    while not port.is_file() or len(port.read_text().split()) < 2:
        assert process.poll() is None
        time.sleep(0.05)
    return process, f"http://127.0.0.1:{port.read_text().split()[0]}"


def connect(playwright, address):
    """Return a browser that is driven; on a busy machine it may not answer the first time."""
    for _ in range(3):
        with contextlib.suppress(NoAnswerError):
            return playwright.chromium.connect_over_cdp(address, timeout=30_000)
    return playwright.chromium.connect_over_cdp(address)


def kill(process):
    """Kill a browser with all that belongs to it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def arrive(opened, address, name, requests=None):
    page = opened.new_page(viewport={"width": 1400, "height": 900})
    page.set_default_timeout(20_000)
    if requests is not None:
        page.on("request", lambda request: requests.append(request.url))
    page.goto(address)
    page.locator("#name").fill(name)
    page.keyboard.press("Enter")
    page.locator("#progress", has_text=name).wait_for()
    return page


def vote(page, concept, *, panel="single"):
    """Answer what is shown, by mouse and by keys."""
    page.locator(f"#panel_type label:has-text('{panel}')").click()
    page.locator("#primary [type=search]").fill(concept)
    page.keyboard.press("Enter")
    page.locator("#primary .chosen", has_text=concept).wait_for()
    page.keyboard.press("Escape")


def answered(page, text):
    """Wait until so many are answered, and nothing waits to be saved."""
    page.locator("#progress", has_text=text).wait_for()


def accessible(page):
    """Check what is shown against the rules of axe-core, WCAG's contrast among them."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    assert not [(one["id"], one["nodes"][0]["failureSummary"]) for one in found]
