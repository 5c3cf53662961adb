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
import urllib.request

import pytest
from playwright.sync_api import TimeoutError as NoAnswerError

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage",
]  # fmt: skip


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def served(*arguments, port=None):
    """Run the page as its command does; yield its address and its process."""
    port = port or free_port()
    command = [sys.executable, "-m", "biomedica_dataset", "annotate", "review"]
    command += [*map(str, arguments), "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    address = f"http://127.0.0.1:{port}/"
    try:
        for _ in range(600):
            if process.poll() is not None:
                pytest.fail(process.stderr.read().decode())
            with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=1):
                break
            time.sleep(0.1)
        yield address, process
    finally:
        process.terminate()
        process.wait()
        process.stderr.close()


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
    page.goto(f"{address}?annotator={name}")
    page.locator("#progress", has_text=name).wait_for()
    return page


def vote(page, concept, *, panel="single"):
    """Answer what is shown, by mouse and by keys, and go on."""
    page.locator(f"#panel_type label:has-text('{panel}')").click()
    page.locator("#primary input").fill(concept)
    page.locator("#primary").get_by_role("option", name=concept, exact=True).click()
    page.keyboard.press("Escape")


def answered(page, text):
    page.locator("#progress", has_text=text).wait_for()


def until(is_so):
    """Wait until something is so."""
    for _ in range(200):
        if is_so():
            return
        time.sleep(0.1)
    pytest.fail("20 seconds went by")
