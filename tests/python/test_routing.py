"""python -m medplib.routing: which experts tokens took, as a table and a picture."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from medplib.routing import main, picture, read_routing, seg_against_others, share, table
from PIL import Image

ROUTING = {
    "image": [[30, 70], [50, 50]],
    "question": [[10, 10], [0, 20]],
    "answer": [[5, 5], [10, 0]],
    "seg": [[9, 1], [5, 5]],
}


def write_log(folder: Path, *routings: Any) -> Path:
    folder.mkdir(exist_ok=True)
    lines: list[Any] = [{"step": 1, "loss": 2.0}]
    lines += [{"step": step, "validation": {"giou": 0.1, "routing": it}} for step, it in enumerate(routings, 1)]
    (folder / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in [*lines, {"step": 9, "loss": 1.0}]))
    return folder


def write_answer(file: Path, routing: Any) -> Path:
    file.write_text(json.dumps({"text": "Yes.", "routing": [[1, 2]], "routing_by_kind": routing}, indent=1))
    return file


def test_a_trainings_last_validation_and_an_answer_are_read(tmp_path: Path) -> None:
    older = {"image": [[1, 0], [0, 1]]}
    run = write_log(tmp_path / "run", older, ROUTING)
    assert read_routing(run) == read_routing(run / "log.jsonl") == ROUTING
    assert read_routing(write_answer(tmp_path / "answer.json", ROUTING)) == ROUTING


def test_the_table_has_the_shares_of_every_layer_and_expert() -> None:
    head, *lines = table(ROUTING).splitlines()
    assert head.split()[:6] == ["layer", "expert", "image", "question", "answer", "seg"]
    assert [line.split()[:2] for line in lines] == [["0", "0"], ["0", "1"], ["1", "0"], ["1", "1"]]
    assert lines[0].split()[2:6] == ["0.300", "0.500", "0.500", "0.900"]
    assert lines[0].split()[6] == "+0.554"  # 9 of 10 against 45 of 130


def test_the_interval_holds_the_difference_and_no_zero_where_it_is_large() -> None:
    found = seg_against_others(ROUTING, 0, 0)
    assert found is not None
    assert found.value == pytest.approx(9 / 10 - 45 / 130)
    assert 0 < found.low < found.value < found.high <= 1
    many = {kind: [[100 * count for count in layer] for layer in layers] for kind, layers in ROUTING.items()}
    narrow = seg_against_others(many, 0, 0)
    assert narrow is not None and narrow.high - narrow.low < (found.high - found.low) / 5
    other = seg_against_others(ROUTING, 0, 1)
    assert other is not None and other.value == pytest.approx(-found.value)
    assert (other.low, other.high) == pytest.approx((-found.high, -found.low))


def test_newcombes_own_example() -> None:
    """56 of 70 against 48 of 80: Newcombe (1998), table II, example a, method 10."""
    found = seg_against_others({"seg": [[56, 14]], "image": [[48, 32]]}, 0, 0)
    assert found is not None
    assert (found.low, found.high) == pytest.approx((0.0524, 0.3339), abs=1e-4)


def test_without_a_seg_there_is_no_difference() -> None:
    without = {kind: ROUTING[kind] for kind in ("image", "answer")}
    assert seg_against_others(without, 0, 0) is None
    assert table(without).splitlines()[1].endswith("-")


def test_the_picture_is_darker_where_more_tokens_went() -> None:
    assert share([30, 70], 1) == 0.7
    drawn = Image.open(io.BytesIO(picture({"image": [[0, 100], [100, 0]]})))
    left, right = (drawn.getpixel((x, 30)) for x in (93, 127))  # expert 0 in layers 0 and 1
    assert left == (255, 255, 255) and right == (0, 114, 178)


def test_the_command_prints_and_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = write_log(tmp_path / "run", ROUTING)
    out = tmp_path / "routing.png"
    assert main([str(run), "--out", str(out)]) == 0
    assert capsys.readouterr().out == table(ROUTING) + "\n"
    assert Image.open(out).format == "PNG"


@pytest.mark.parametrize(
    ("routing", "saying"),
    [
        (None, "doesn't say which experts"),
        ({}, "doesn't say which experts"),
        ({"image": 3}, "isn't counts by layer and expert"),
        ({"image": [[1, 2]], "seg": [[1, 2], [1, 2]]}, "differ in layers"),
        ({"image": []}, "is empty"),
    ],
)
def test_what_has_no_routing_is_refused_with_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], routing: Any, saying: str
) -> None:
    run = write_log(tmp_path / "run", routing)
    assert main([str(run), "--out", str(tmp_path / "routing.png")]) == 1
    told = capsys.readouterr()
    assert told.out == "" and saying in told.err and len(told.err.splitlines()) == 1
    assert not (tmp_path / "routing.png").exists()


def test_missing_files_and_lines_that_are_no_json_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "none")]) == 1
    assert "none" in capsys.readouterr().err
    (tmp_path / "log.jsonl").write_text('{"step": 1}\n{"step"\n')
    assert main([str(tmp_path)]) == 1
    assert "log.jsonl, line 2, is not JSON" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main([str(tmp_path), "--out", "routing.jpg"])
