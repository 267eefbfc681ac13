"""Code that users read: docs/python.md."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from golden import ROOT
from medplib import examples


def blocks(page: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.fixture
def beside_the_retina(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    shutil.copyfile(examples.packaged(examples.RETINA), tmp_path / "retina.jpg")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MEDPLIB_MODEL", raising=False)
    yield tmp_path


def test_the_code_of_the_python_page_runs_from_top_to_bottom(
    beside_the_retina: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names: dict[str, Any] = {}
    code = blocks(ROOT / "docs/python.md")
    assert len(code) > 8
    for block in code:
        exec(compile(block, "docs/python.md", "exec"), names)
    assert (beside_the_retina / "disc.png").exists()
    assert "INVALID_ARG" in capsys.readouterr().out
