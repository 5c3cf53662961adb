"""Executes the tutorial and renews its outputs: ``python docs/run_tutorial.py``."""

from __future__ import annotations

import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

TUTORIAL = Path(__file__).parent / "tutorial.ipynb"


def executed() -> nbformat.NotebookNode:
    """Return the tutorial with the outputs of this run, without times and counts of cells."""
    notebook = nbformat.read(TUTORIAL, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        resources = {"metadata": {"path": folder}}
        NotebookClient(notebook, timeout=600, resources=resources, record_timing=False).execute()
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [one for one in cell.outputs if one.get("name") != "stderr"]
            for one in cell.outputs:  # the JPEG of an image is enough
                if "image/jpeg" in one.get("data", {}):
                    one.data.pop("image/png", None)
    return notebook


if __name__ == "__main__":
    nbformat.write(executed(), TUTORIAL)
