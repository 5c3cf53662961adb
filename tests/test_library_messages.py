"""What libraries say stays out of the terminal, unless -v asks for it; what we say does not."""

from __future__ import annotations

import os
import subprocess
import sys

NOISY = """
import logging, os, subprocess, sys, warnings
from biomedica_dataset.cli.group import main

@main.command()
def noisy():
    from huggingface_hub.utils import logging as hub
    warnings.warn("deprecated by a library", FutureWarning, stacklevel=1)
    logging.getLogger("urllib3.connectionpool").warning("Retrying a library's request")
    hub.get_logger("huggingface_hub.file_download").warning("a library's notice")
    logging.getLogger("a.library").error("a library's failure")
    logging.getLogger("biomedica_dataset.io.web").warning("our notice")
    script = "import warnings; warnings.warn('deprecated in a worker', FutureWarning)"
    subprocess.run([sys.executable, "-c", script], check=True)

main(sys.argv[1:])
"""
OF_LIBRARIES = [
    "deprecated by a library", "Retrying a library's request", "a library's notice",
    "deprecated in a worker",
]  # fmt: skip


def said(*arguments):
    command = [sys.executable, "-c", NOISY, *arguments]
    bare = {n: v for n, v in os.environ.items() if n not in ("PYTHONWARNINGS", "HF_HUB_VERBOSITY")}
    return subprocess.run(command, capture_output=True, text=True, check=True, env=bare).stderr


def test_libraries_are_heard_on_request_alone():
    quiet, verbose = said("noisy"), said("noisy", "-v")

    assert "WARNING biomedica_dataset.io.web: our notice" in quiet
    assert "ERROR a.library: a library's failure" in quiet
    assert not [text for text in OF_LIBRARIES if text in quiet]
    assert not [text for text in [*OF_LIBRARIES, "our notice"] if text not in verbose]
