"""What users stumble over in words, at the C interface: as the program has them. A test is named FAULT__c__WHAT."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from golden import MODEL, PICTURE, ROOT
from programs import compiled, run

EMBEDDED = ROOT / "models/tiny"
ODD = {
    "no_break_space": "optic\u00a0disc",
    "tab": "optic\tdisc",
    "line_break": "optic\r\ndisc",
    "byte_order_mark": "\ufeffoptic disc",
    "zero_width_space": "op\u200btic disc\u200b",
    "soft_hyphen": "op\u00adtic disc",
    "control_character": "optic\u0007 disc\u001b",
}


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(ROOT / "tests/capi/interfaces/words.c", tmp_path_factory.mktemp("program") / "words")


def told_by(program: Path, text: str, *region: str, model: Path = MODEL) -> str:
    return run(program, PICTURE, text, *region, MEDPLIB_MODEL=str(model))


@pytest.fixture(scope="module")
def plain(program: Path) -> str:
    return told_by(program, "optic disc")


@pytest.mark.parametrize("kind", ODD)
def test_white_space_in_words__c__is_asked_as_it_is_seen(program: Path, plain: str, kind: str) -> None:
    assert "optic disc" in plain
    assert told_by(program, ODD[kind]) == plain


@pytest.mark.parametrize("nothing", ["\u200b", "\ufeff \u00a0", "\n"])
def test_white_space_in_words__c__of_nothing_else_is_no_words(program: Path, nothing: str) -> None:
    refused = told_by(program, nothing)
    assert refused.count("refused: ") == refused.count("is empty") == 2


def test_case_of_words__c__segment_draws_of_capitals_what_it_draws_of_small_letters(program: Path) -> None:
    small, capitals = (told_by(program, words, model=EMBEDDED) for words in ("optic disc", "Optic Disc"))
    assert [line for line in small.splitlines() if line.startswith("segment prompt")] == [
        line for line in capitals.splitlines() if line.startswith("segment prompt")
    ]


@pytest.mark.parametrize("region", ["box:10,10,40,30", "point:10,10", "polygon:5,5,50,5,50,40", "scribble:1,1,30,30"])
def test_phrase_and_region__c__segment_is_refused_by_the_manifest(program: Path, region: str, tmp_path: Path) -> None:
    untaught = tmp_path / "model"
    shutil.copytree(MODEL, untaught)
    (untaught / "medplib.json").write_text(json.dumps({"format_version": 1, "segment_in_region": False}))
    told = told_by(program, "disc", region, model=untaught)
    assert "ask prompt: " in told
    assert "segment refused: " in told
    assert "to refine" in told
