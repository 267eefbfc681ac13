"""docs/c-api.md is what the header says."""

from __future__ import annotations

import runpy
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_is_made_from_the_header() -> None:
    docs = runpy.run_path(str(ROOT / "capi/docs.py"))
    page = docs["page"]((ROOT / "capi/include/medplib.h").read_text(encoding="utf-8"))
    assert page == (ROOT / "docs/c-api.md").read_text(encoding="utf-8"), "run: python capi/docs.py"


def test_every_function_is_on_the_page() -> None:
    page = (ROOT / "docs/c-api.md").read_text(encoding="utf-8")
    for line in (ROOT / "capi/symbols.txt").read_text(encoding="utf-8").splitlines()[1:]:
        assert f"### {line.split()[1]}\n" in page
