"""Each notebook runs from top to bottom on the embedded model, and what is committed of its outputs is small."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))


def test_the_notebooks_are_there() -> None:
    assert len(NOTEBOOKS) >= 4


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_it_runs_from_top_to_bottom(file: Path) -> None:
    notebook = nbformat.read(file, as_version=4)
    done = NotebookClient(notebook, timeout=1800, resources={"metadata": {"path": file.parent}}).execute()
    outputs = [output for cell in done.cells for output in cell.get("outputs", [])]
    assert any("image/jpeg" in output.get("data", {}) or "image/png" in output.get("data", {}) for output in outputs)


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_what_is_committed_is_small_and_was_made_by_running(file: Path) -> None:
    assert file.stat().st_size < 300_000
    notebook = nbformat.read(file, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert any(cell.outputs for cell in code)
    assert str(file.parents[1]) not in file.read_text(encoding="utf-8"), "a path of this machine"
