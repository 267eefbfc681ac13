"""docs/cli.md says what the program prints."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from program import ROOT, Program

SHORT = ("--max-new-tokens", "1")


@pytest.fixture(scope="module")
def told() -> list[set[str]]:
    """The keys of each table of the document."""
    text = (ROOT / "docs/cli.md").read_text()
    tables = [table.split("|---|---|\n")[1].splitlines() for table in re.findall(r"\| key [^\n]*\n(?:\|.*\n)+", text)]
    return [{key for line in table for key in re.findall("`([a-z_]+)`", line.split("|")[1])} for table in tables]


def test_every_key_of_an_answer_is_explained(
    medplib: Program, segmenting_model: Path, picture: Path, told: list[set[str]]
) -> None:
    request = {"id": 1, "image": str(picture), "phrase": "disc", "out_mask": "m.png", "overlay": "o.png"}
    wrong = {"image": "none.png", "phrase": "disc"}
    lines = json.dumps(request) + "\n" + json.dumps(wrong) + "\n"
    model = ("--model", segmenting_model)
    answered, failed = medplib("segment", "-", "--jsonl", *model, *SHORT, stdin=lines, code=5).lines
    together = medplib("ask", picture, picture, "what?", "--together", "--json", *model, *SHORT).json
    answer, mask, timing = told[:3]
    assert answer == answered.keys() | failed.keys() | together.keys()
    assert mask == answered["masks"][0].keys()
    assert timing == answered["timing"].keys()
    assert answered["finish"] in ("end_of_text", "length", "stopped")


def test_every_key_of_a_models_files_and_memory_is_explained(medplib: Program, told: list[set[str]]) -> None:
    weights, memory = told[3:5]
    info = medplib("info", "--json").json
    assert weights == info["weights"].keys() == medplib("verify", "--json").json["weights"].keys()
    assert memory == info["memory"].keys()
    assert info["memory_bytes"] == info["memory"]["mapped_bytes"] + info["memory"]["resident_bytes"]


def test_every_key_and_fault_of_checked_records_is_explained(
    medplib: Program, tmp_path: Path, told: list[set[str]]
) -> None:
    (tmp_path / "train.json").write_text("[{}]")
    summary, finding = told[5:]
    found = medplib("data", "check", "train.json", "--json", code=1).json
    assert summary == found.keys()
    assert finding == found["findings"][0].keys()
    text = (ROOT / "docs/cli.md").read_text().split("| kind | means |")[1].split("\n\n")[0]
    kinds = [kind for row in text.splitlines()[2:] for kind in re.findall("`([a-z_]+)`", row.split("|")[1])]
    header = (ROOT / "core/include/medplib/core/check.h").read_text()
    assert kinds == re.findall(r'\{DataFault::\w+, "(\w+)"\}', header)


def test_the_request_that_is_shown_is_one(medplib: Program, picture: Path) -> None:
    (line,) = re.findall(r"^    (\{.*\})$", (ROOT / "docs/cli.md").read_text(), re.MULTILINE)
    request: dict[str, Any] = json.loads(line) | {"image": str(picture), "region": ["box:10,10,30,30"]}
    (answered,) = medplib("ask", "-", "--jsonl", *SHORT, stdin=json.dumps(request) + "\n").lines
    assert answered["id"] == 7 and "error" not in answered
