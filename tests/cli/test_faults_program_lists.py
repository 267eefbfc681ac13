"""What users stumble over: lists and ids. A test is named FAULT__program__WHAT."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from program import Program, mask_values, started

USAGE, SOME_FAILED = 2, 5
SHORT = ("--max-new-tokens", "1")
# Draws a mask whatever is said.
DRAWING = ("--compat", "reference", *SHORT)
# A model that is not there: an error about it would mean that the fault was looked for too late.
NO_MODEL = ("--model", "nowhere")
NAMES = ["b.png", "a c.png", "d.png"]


@pytest.fixture
def pictures(tmp_path: Path) -> list[str]:
    """Three pictures of other sizes."""
    for at, name in enumerate(NAMES):
        Image.fromarray(np.full((20 + at, 30 + at), 40 * at, np.uint8)).save(tmp_path / name)
    return NAMES


def size_of(name: str) -> tuple[int, int]:
    return 20 + NAMES.index(name), 30 + NAMES.index(name)


def request_line(**fields: Any) -> str:
    return json.dumps(fields) + "\n"


# List with NUL


def test_list_with_nul__program__segment_reads_each_name_and_writes_each_mask_under_its_own(
    medplib: Program, pictures: list[str], tmp_path: Path
) -> None:
    ended = medplib("segment", "-", "disc", "--out-mask", "mask-{}.png", *DRAWING, stdin="\0".join(pictures) + "\0")
    assert [line.split(": ")[0] for line in ended.out.splitlines()[::2]] == pictures
    assert sorted(tmp_path.glob("mask-*")) == sorted(tmp_path / f"mask-{name}" for name in pictures)
    for name in pictures:
        assert mask_values(tmp_path / f"mask-{name}").shape == size_of(name)


@pytest.mark.parametrize("call", [["ask", "-", "what?"], ["describe", "-", "--region", "box:1,1,9,9"]])
def test_list_with_nul__program__ask_and_describe_read_each_name(
    medplib: Program, pictures: list[str], call: list[str]
) -> None:
    by_nul = medplib(*call, *SHORT, stdin="\0".join(pictures))
    assert by_nul.out == medplib(*call, *SHORT, stdin="\n".join(pictures)).out
    assert len(by_nul.out.splitlines()) == 3


def test_list_with_nul__program__as_json_lines_is_told(medplib: Program, pictures: list[str]) -> None:
    ended = medplib("ask", "-", "what?", "--jsonl", *NO_MODEL, stdin="\0".join(pictures), code=SOME_FAILED)
    assert "with --jsonl each line is one" in ended.out
    assert "empty" not in ended.err


def test_list_with_nul__program__or_with_a_byte_order_mark_reads_each_name(
    medplib: Program, pictures: list[str]
) -> None:
    plain = medplib("ask", "-", "what?", *SHORT, stdin="\r\n".join(pictures))
    assert medplib("ask", "-", "what?", *SHORT, stdin="\ufeff" + "\r\n".join(pictures)).out == plain.out


def test_list_with_nul__program__together_reads_each_name(medplib: Program, pictures: list[str]) -> None:
    told = medplib("ask", "-", "what?", "--together", "--json", *SHORT, stdin="\0".join(pictures)).json
    assert told["images"] == pictures


@pytest.mark.parametrize("name", ["a\nb.png", "a.png\r", " ", "\n.png"])
def test_list_with_nul__program__a_name_may_hold_what_ends_a_line(medplib: Program, tmp_path: Path, name: str) -> None:
    Image.new("L", (30, 20)).save(tmp_path / name, format="PNG")
    ended = medplib("ask", "-", "what?", *SHORT, stdin=f"{name}\0none.png\0", code=SOME_FAILED)
    assert ended.out.startswith(f"{name}: ")
    assert ended.err.count("medplib: error: ") == 1


def test_list_with_nul__program__a_list_that_began_with_lines_refuses_it(medplib: Program, pictures: list[str]) -> None:
    lines = "\n" * 70_000  # more than is read at once
    text = f"{lines}{pictures[0]}\0x\n{pictures[2]}\n"
    ended = medplib("ask", "-", "what?", *SHORT, stdin=text, code=SOME_FAILED)
    assert [line.split(": ")[0] for line in ended.out.splitlines()] == [pictures[2]]
    assert "line 70001: The line holds a NUL byte" in ended.err


@pytest.mark.parametrize(
    "field",
    [
        {"image": "b.png\0x"},
        {"region": ["mask:b.png\0x"]},
        {"region": ["box:1,1,9,9\0x"]},
        {"out_mask": "m.png\0x"},
        {"overlay": "m.png\0x"},
    ],
    ids=lambda field: next(iter(field)),
)
@pytest.mark.parametrize("verb", ["ask", "segment"])
def test_list_with_nul__program__a_name_in_json_is_refused(
    medplib: Program, pictures: list[str], tmp_path: Path, verb: str, field: dict[str, Any]
) -> None:
    words = {"question" if verb == "ask" else "phrase": "disc"}
    text = request_line(**{"image": pictures[0], **words, **field})
    (event,) = medplib(verb, "-", "--jsonl", *NO_MODEL, stdin=text, code=SOME_FAILED).lines
    assert event["error"]["code"] == "FORMAT"
    assert "NUL" in event["error"]["message"]
    assert not (tmp_path / "m.png").exists()


# Ids

IDS = {
    "39_digits": "329800000000000000000000000000000000001",
    "beyond_any_double": "1e400",
    "tiny": "-1.0E-999",
    "trailing_zero": "1.10",
    "minus_zero": "-0",
    "64_bit": "18446744073709551616",
    "text": '"a \\u00e9 \\/ é \\"}, "',
    "null": "null",
    "false": "false",
    "list": '[1.50, {"a" : [1e999, "]"]},  2]',
    "object": '{"id": 1.0, "b": "}"}',
}


@pytest.mark.parametrize("place", ["first", "last"])
def test_ids__program__come_back_letter_by_letter(medplib: Program, picture: Path, place: str) -> None:
    rest = f'"image": "{picture}", "question": "what?"'
    lines = {"first": '{{"id": {raw}, {rest}}}\n', "last": '{{{rest} ,"id":{raw}\t}}\n'}
    text = "".join(lines[place].format(raw=raw, rest=rest) for raw in IDS.values())
    told = medplib("ask", "-", "--jsonl", *SHORT, stdin=text).out.splitlines()
    for number, (name, line) in enumerate(zip(IDS, told, strict=True), start=1):
        assert line.startswith(f'{{"id":{IDS[name]},"line":{number},"image":'), name
        json.loads(line)


def test_ids__program__come_back_with_an_error(medplib: Program) -> None:
    text = "".join(f'{{"image": "none.png", "id": {raw}}}\n' for raw in IDS.values())
    told = medplib("describe", "-", "--jsonl", stdin=text, code=SOME_FAILED).out.splitlines()
    for number, (name, line) in enumerate(zip(IDS, told, strict=True), start=1):
        assert line.startswith(f'{{"id":{IDS[name]},"line":{number},"image":"none.png","error":'), name


def test_ids__program__what_is_no_json_is_refused(medplib: Program) -> None:
    wrong = ["01", "1.", "+1", "1e", "-", "nul", '"a', "[1", "[1,]", '{"a"}', "0x1", "1 2", "", "]", "1]", '"\x01"']
    text = "".join(f'{{"image": "none.png", "question": "what?", "id": {raw}}}\n' for raw in wrong)
    for raw, event in zip(wrong, medplib("ask", "-", "--jsonl", stdin=text, code=SOME_FAILED).lines, strict=True):
        assert event["error"]["code"] == "FORMAT", raw
        assert "id" not in event, raw


def test_ids__program__other_numbers_that_no_double_holds_are_still_refused(medplib: Program, picture: Path) -> None:
    line = f'{{"image": "{picture}", "question": 1e400, "id": 7}}\n'
    (event,) = medplib("ask", "-", "--jsonl", *SHORT, stdin=line, code=SOME_FAILED).lines
    assert "too large" in event["error"]["message"]


# Empty list


@pytest.mark.parametrize(
    "call",
    [
        ["ask", "-", "what?"],
        ["segment", "-", "disc"],
        ["describe", "-", "--region", "box:1,1,9,9"],
        ["ask", "-", "--jsonl"],
        ["segment", "-", "--jsonl"],
        ["describe", "-", "--jsonl"],
        ["ask", "-", "what?", "--jsonl"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("nothing", ["", "\n", " \r\n\n"])
def test_empty_list__program__is_told(medplib: Program, call: list[str], nothing: str) -> None:
    ended = medplib(*call, *NO_MODEL, stdin=nothing)
    assert ended.out == ""
    assert ended.err == (
        "medplib: warning: The list on the standard input is empty: there is no image in it to answer about.\n"
    )


def test_empty_list__program__of_nul_bytes_alone_is_told(medplib: Program) -> None:
    assert "is empty" in medplib("ask", "-", "what?", *NO_MODEL, stdin="\0\0").err


def test_empty_list__program__beside_another_image_is_told(medplib: Program, picture: Path) -> None:
    assert "is empty" in medplib("ask", picture, "-", "what?", *SHORT).err
    assert "is empty" in medplib("ask", picture, "-", "what?", "--together", *SHORT).err
    medplib.refuses(USAGE, "ask", "-", "what?", "--together", saying="No image")


def test_empty_list__program__of_messages_is_told(medplib: Program, picture: Path) -> None:
    assert "there is no message" in medplib("chat", picture).err


def test_empty_list__program__with_an_item_is_not(medplib: Program, picture: Path) -> None:
    assert "The list" not in medplib("ask", "-", "what?", *SHORT, stdin=f"{picture}\n").err
    assert "The list" not in medplib("ask", "-", "what?", *SHORT, stdin="none.png\n", code=SOME_FAILED).err


def test_empty_list__program__that_is_a_folder_is_told_once(medplib: Program, tmp_path: Path) -> None:
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        done = started(tmp_path, "ask", "-", "what?", input=None, stdin=folder, capture_output=True)
    finally:
        os.close(folder)
    assert done.returncode == SOME_FAILED
    assert done.stderr.decode().count("The list on stdin cannot be read") == 1
