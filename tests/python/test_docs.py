"""Code that users read: docs/python.md, and python/examples beside the command line."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from golden import MODEL, PICTURE, QUESTION, ROOT, python
from medplib import examples

PROGRAM = Path(os.environ.get("MEDPLIB_BIN", ROOT / "build/bin/medplib"))
EXAMPLES = ROOT / "python/examples"


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


def program(*arguments: str | Path, stdin: str = "", code: int = 0) -> str:
    done = subprocess.run(
        [PROGRAM, *arguments],
        input=stdin,
        env={**os.environ, "MEDPLIB_MODEL": str(MODEL)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done.stdout


def example(name: str, *arguments: str | Path) -> str:
    return python(str(EXAMPLES / f"{name}.py"), *map(str, arguments)).stdout


@pytest.mark.parametrize("name", ["ask", "stream"])
def test_ask_and_stream_print_the_text_that_the_command_line_gives(name: str) -> None:
    assert example(name, PICTURE, QUESTION) == json.loads(program("ask", PICTURE, QUESTION, "--json"))["text"] + "\n"


def test_segment_writes_what_the_command_line_writes(tmp_path: Path) -> None:
    example("segment", PICTURE, "tumour", tmp_path / "ours.png")
    program("segment", PICTURE, "tumour", "--out-mask", tmp_path / "theirs.png")
    assert (tmp_path / "ours.png").read_bytes() == (tmp_path / "theirs.png").read_bytes()


def test_batch_prints_the_answers_of_the_command_line() -> None:
    questions = [QUESTION, "Which modality is this?", "Is there a tumour?"]
    requests = "".join(json.dumps({"image": str(PICTURE), "question": each}) + "\n" for each in questions)
    texts = [json.loads(line)["text"] for line in program("ask", "-", "--jsonl", stdin=requests).splitlines()]
    assert example("batch", PICTURE, *questions) == "".join(
        f"{question}\t{text}\n" for question, text in zip(questions, texts, strict=True)
    )


def test_batch_goes_on_behind_a_question_that_cannot_be_asked() -> None:
    done = python(str(EXAMPLES / "batch.py"), str(PICTURE), "", QUESTION, check=False)
    assert done.returncode == 5
    assert done.stderr.startswith("batch.py: : ")
    assert done.stdout.startswith(f"{QUESTION}\t")


def test_the_examples_are_those_of_every_language() -> None:
    assert {file.stem for file in EXAMPLES.glob("*.py")} == {"ask", "segment", "stream", "batch"}
