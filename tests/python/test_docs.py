"""Code that users read: docs/python.md."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import medplib
import numpy as np
import pytest
from golden import MODEL, ROOT
from medplib import examples

PAGE = ROOT / "docs/python.md"


def blocks(text: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def run(code: list[str], names: dict[str, Any]) -> None:
    for block in code:
        exec(compile(block, "docs/python.md", "exec"), names)


@pytest.fixture
def beside_the_retina(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    shutil.copyfile(examples.packaged(examples.RETINA), tmp_path / "retina.jpg")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MEDPLIB_MODEL", raising=False)
    yield tmp_path


def test_the_code_of_the_python_page_runs_from_top_to_bottom(
    beside_the_retina: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = blocks(PAGE.read_text(encoding="utf-8"))
    assert len(code) > 8
    run(code, {})
    assert (beside_the_retina / "disc.png").exists()
    assert "INVALID_ARG" in capsys.readouterr().out


def test_the_code_about_clicks_runs_with_a_model_that_follows_them(
    beside_the_retina: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MEDPLIB_MODEL", str(MODEL))
    model = medplib.load()
    scan = model.session("retina.jpg")
    assert scan.image is not None
    disc = medplib.Mask.from_region(medplib.Region.box(170, 535, 325, 770), scan.image.width, scan.image.height)
    names: dict[str, Any] = {"medplib": medplib, "np": np, "model": model, "scan": scan, "disc": disc}
    names["pixels"] = scan.image.array
    section = PAGE.read_text(encoding="utf-8").partition("## Better masks by clicks")[2].partition("\n## ")[0]
    code = blocks(section)
    assert len(code) == 2
    run(code, names)
    assert names["better"].array.shape == names["by_box"].array.shape == names["masks"].shape[1:]
    assert len(names["masks"]) == 1
    assert capsys.readouterr().out == ""  # no refusal
