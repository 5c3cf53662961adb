"""Without a network a command that needs one ends soon, in one line, with exit 1."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from biomedica_dataset.errors import SourceError, UsageError
from biomedica_dataset.io.failures import is_network

NOWHERE = "http://127.0.0.1:9"


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        ["annotate", "embed", "{archive}", "-o", "made", "--model", "org/nothing"],
        ["extract", "--query", "cancer", "-o", "made"],
        ["extract", "--limit", "2", "-o", "made"],
        ["select", "org/nothing", "-o", "made"],
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_a_network_that_is_not_there_is_told_in_one_line_with_exit_1(
    sample_archive, tmp_path, command
):
    given = [part.format(archive=sample_archive) for part in command]
    unset = ("HF_HUB_OFFLINE", "http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")
    environment = {n: v for n, v in os.environ.items() if n not in unset} | {
        "HF_ENDPOINT": NOWHERE, "NCBI_EUTILS_URL": NOWHERE, "AWS_ENDPOINT_URL": NOWHERE,
        "HF_HOME": str(tmp_path / "hf"),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "biomedica_dataset", *given],
        env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip

    assert done.returncode == 1, done.stderr
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("Error: ")
    assert not (tmp_path / "made").exists()


def test_the_error_that_led_to_another_tells_whose_failure_it_is():
    inner = ConnectionRefusedError()
    outer = OSError("We couldn't connect")
    outer.__cause__ = inner

    assert is_network(outer)
    assert is_network(SourceError("the server does not answer"))
    assert not is_network(UsageError("no such model"))
