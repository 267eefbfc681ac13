"""What users stumble over: lists, words, places, ids and endings. A test is named FAULT__WHERE_it_is_met."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from program import ROOT, Once, Program, mask_values, started

FAILURE, USAGE, SOME_FAILED = 1, 2, 5
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


def test_list_with_nul__segment_reads_each_name_and_writes_each_mask_under_its_own(
    medplib: Program, pictures: list[str], tmp_path: Path
) -> None:
    ended = medplib("segment", "-", "disc", "--out-mask", "mask-{}.png", *DRAWING, stdin="\0".join(pictures) + "\0")
    assert [line.split(": ")[0] for line in ended.out.splitlines()[::2]] == pictures
    assert sorted(tmp_path.glob("mask-*")) == sorted(tmp_path / f"mask-{name}" for name in pictures)
    for name in pictures:
        assert mask_values(tmp_path / f"mask-{name}").shape == size_of(name)


@pytest.mark.parametrize("call", [["ask", "-", "what?"], ["describe", "-", "--region", "box:1,1,9,9"]])
def test_list_with_nul__ask_and_describe_read_each_name(medplib: Program, pictures: list[str], call: list[str]) -> None:
    by_nul = medplib(*call, *SHORT, stdin="\0".join(pictures))
    assert by_nul.out == medplib(*call, *SHORT, stdin="\n".join(pictures)).out
    assert len(by_nul.out.splitlines()) == 3


def test_list_with_nul__as_json_lines_is_told(medplib: Program, pictures: list[str]) -> None:
    ended = medplib("ask", "-", "what?", "--jsonl", *NO_MODEL, stdin="\0".join(pictures), code=SOME_FAILED)
    assert "with --jsonl each line is one" in ended.out
    assert "empty" not in ended.err


def test_list_with_nul__or_with_a_byte_order_mark_reads_each_name(medplib: Program, pictures: list[str]) -> None:
    plain = medplib("ask", "-", "what?", *SHORT, stdin="\r\n".join(pictures))
    assert medplib("ask", "-", "what?", *SHORT, stdin="\ufeff" + "\r\n".join(pictures)).out == plain.out


def test_list_with_nul__together_reads_each_name(medplib: Program, pictures: list[str]) -> None:
    told = medplib("ask", "-", "what?", "--together", "--json", *SHORT, stdin="\0".join(pictures)).json
    assert told["images"] == pictures


@pytest.mark.parametrize("name", ["a\nb.png", "a.png\r", " ", "\n.png"])
def test_list_with_nul__a_name_may_hold_what_ends_a_line(medplib: Program, tmp_path: Path, name: str) -> None:
    Image.new("L", (30, 20)).save(tmp_path / name, format="PNG")
    ended = medplib("ask", "-", "what?", *SHORT, stdin=f"{name}\0none.png\0", code=SOME_FAILED)
    assert ended.out.startswith(f"{name}: ")
    assert ended.err.count("medplib: error: ") == 1


def test_list_with_nul__a_list_that_began_with_lines_refuses_it(medplib: Program, pictures: list[str]) -> None:
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
def test_list_with_nul__a_name_in_json_is_refused(
    medplib: Program, pictures: list[str], tmp_path: Path, verb: str, field: dict[str, Any]
) -> None:
    words = {"question" if verb == "ask" else "phrase": "disc"}
    text = request_line(**{"image": pictures[0], **words, **field})
    (event,) = medplib(verb, "-", "--jsonl", *NO_MODEL, stdin=text, code=SOME_FAILED).lines
    assert event["error"]["code"] == "FORMAT"
    assert "NUL" in event["error"]["message"]
    assert not (tmp_path / "m.png").exists()


# White space and case in words

SEEN_THE_SAME = {
    "no_break_space": "optic\u00a0disc",
    "tab": "optic\tdisc",
    "line_break": "optic\ndisc",
    "windows_line_break": "optic\r\ndisc",
    "thin_space": "optic\u2009disc",
    "ideographic_space": "optic\u3000disc",
    "line_separator": "optic\u2028disc",
    "two_spaces": "optic  disc",
    "spaces_around": " \u00a0optic disc\u3000",
    "byte_order_mark": "\ufeffoptic disc",
    "zero_width_space": "op\u200btic\u200b disc\u200b",
    "zero_width_joiner": "op\u200dtic disc",
    "word_joiner": "optic \u2060disc",
    "soft_hyphen": "op\u00adtic disc",
    "mark_of_direction": "\u200eoptic disc\u202c",
    "variation_selector": "optic disc\ufe0f",
    "control_character": "optic\u0007 disc\u001b",
}


def asked(medplib: Program, verb: str, requests: list[dict[str, Any]], *options: str) -> list[Any]:
    text = "".join(request_line(**request) for request in requests)
    return medplib(verb, "-", "--jsonl", *options, stdin=text).lines


def test_white_space_in_words__segment(medplib: Program, picture: Path) -> None:
    phrases = ["optic disc", *SEEN_THE_SAME.values()]
    requests = [{"image": str(picture), "phrase": phrase} for phrase in phrases]
    plain, *told = asked(medplib, "segment", requests, *DRAWING)
    assert plain["masks"][0]["label"] == "optic disc"
    for name, each in zip(SEEN_THE_SAME, told, strict=True):
        assert (each["prompt"], each["masks"]) == (plain["prompt"], plain["masks"]), name


def test_white_space_in_words__ask_requests(medplib: Program, picture: Path) -> None:
    phrases = ["optic disc", *SEEN_THE_SAME.values()]
    requests = [{"image": str(picture), "question": phrase} for phrase in phrases]
    plain, *told = asked(medplib, "ask", requests, *DRAWING)
    for name, each in zip(SEEN_THE_SAME, told, strict=True):
        assert (each["prompt"], each["masks"]) == (plain["prompt"], plain["masks"]), name


def test_white_space_in_words__of_the_command_line(medplib: Program, picture: Path) -> None:
    calls = [["segment", picture, phrase, "--json", *DRAWING] for phrase in ("optic\u00a0disc\u200b", "optic disc")]
    odd, plain = (medplib(*call).json for call in calls)
    assert (odd["prompt"], odd["masks"]) == (plain["prompt"], plain["masks"])


@pytest.mark.parametrize(
    "question", ["What is\nthis?", "What\u00a0is this?\n", "\ufeffWhat is this?", "What is\t this?"]
)
def test_white_space_in_words__ask(medplib: Program, once: Once, picture: Path, question: str) -> None:
    told = medplib("ask", picture, question, "--json", *DRAWING).json
    plain = once("ask", "eye.png", "What is this?", "--json", *DRAWING).json
    assert (told["prompt"], told["masks"]) == (plain["prompt"], plain["masks"])


def test_white_space_in_words__chat(medplib: Program, picture: Path) -> None:
    call = ("chat", picture, "--max-new-tokens", "8", "--quiet")
    odd = medplib(*call, stdin="\ufeffWhat\u00a0is this?\r\nAnd\there\u200b?\n").out
    assert odd == medplib(*call, stdin="What is this?\nAnd here?\n").out


@pytest.mark.parametrize("nothing", ["\u200b", "\ufeff \u00a0", "\u00ad\n"])
def test_white_space_in_words__of_nothing_else_are_no_words(medplib: Program, picture: Path, nothing: str) -> None:
    medplib.refuses(USAGE, "segment", picture, nothing, saying="phrase is empty")
    medplib.refuses(USAGE, "ask", picture, nothing, saying="question is empty")


# Case of words


@pytest.mark.parametrize("phrase", ["White matter", "White Matter", "WHITE MATTER", "wHITE mATTER"])
def test_case_of_words__segment_draws_of_capitals_what_it_draws_of_small_letters(
    medplib: Program, picture: Path, phrase: str
) -> None:
    call = ("--model", ROOT / "models/tiny", "--json")
    plain = medplib("segment", picture, "white matter", *call).json
    told = medplib("segment", picture, phrase, *call).json
    assert {mask.pop("label") for mask in told["masks"]} <= {phrase}
    for mask in plain["masks"]:
        mask.pop("label")
    assert told["masks"] == plain["masks"]
    assert told["text"] == plain["text"]


# Phrase and region


@pytest.fixture
def untaught(model_copy: Path) -> Path:
    """A model that never learnt to look for a phrase in a region, nor to estimate its IoU."""
    facts = {"format_version": 1, "segment_in_region": False, "iou_estimate": False}
    (model_copy / "medplib.json").write_text(json.dumps(facts))
    return model_copy


REGIONS = ["box:10,10,40,30", "point:10,10", "polygon:5,5,50,5,50,40", "scribble:1,1,30,30", "mask:eye.png"]


@pytest.mark.parametrize("region", REGIONS, ids=lambda region: region.split(":")[0])
def test_phrase_and_region__segment_is_refused_by_the_manifest(
    medplib: Program, picture: Path, untaught: Path, tmp_path: Path, region: str
) -> None:
    call = ("segment", picture, "disc", "--region", region)
    medplib.refuses(FAILURE, *call, "--out-mask", "m.png", "--model", untaught, saying="to refine")
    assert not (tmp_path / "m.png").exists()
    medplib(*call, *SHORT, "--quiet")  # nothing says so of the model that is used without --model


def test_phrase_and_region__a_request_is_refused_and_the_others_go_on(
    medplib: Program, picture: Path, untaught: Path
) -> None:
    text = request_line(image=str(picture), phrase="disc", region=["box:1,1,9,9"])
    text += request_line(image=str(picture), phrase="disc")
    call = ("segment", "-", "--jsonl", "--model", untaught, *SHORT)
    refused, drawn = medplib(*call, stdin=text, code=SOME_FAILED).lines
    assert refused["error"]["code"] == "UNSUPPORTED"
    assert "error" not in drawn


def test_phrase_and_region__other_verbs_take_the_region(medplib: Program, picture: Path, untaught: Path) -> None:
    with_region = ("--region", "box:10,10,40,30", "--model", untaught)
    medplib("ask", picture, "what?", *with_region, *SHORT)
    medplib("describe", picture, *with_region, *SHORT)
    medplib("refine", picture, *with_region)


def test_phrase_and_region__info_says_so(medplib: Program, untaught: Path) -> None:
    told = medplib("info", "--json", "--model", untaught).json
    assert (told["segments_in_region"], told["estimates_iou"]) == (False, False)
    assert "phrase + region no" in medplib("info", "--model", untaught).out
    assert medplib("info", "--json").json["segments_in_region"]


def test_phrase_and_region__the_embedded_model_says_so(medplib: Program) -> None:
    told = medplib("info", "--json", "--model", ROOT / "models/tiny").json
    assert (told["segments_in_region"], told["estimates_iou"]) == (False, False)


@pytest.mark.parametrize("call", [["segment", "eye.png", "disc", *DRAWING], ["refine", "eye.png", "--click", "3,3,+"]])
def test_untaught_iou_estimate__is_not_shown(medplib: Program, picture: Path, untaught: Path, call: list[str]) -> None:
    assert "IoU estimate" not in medplib(*call, "--model", untaught).out
    assert medplib(*call, "--model", untaught, "--json").json["masks"][0]["iou_estimate"] is None
    assert "IoU estimate" in medplib(*call).out
    assert isinstance(medplib(*call, "--json").json["masks"][0]["iou_estimate"], float)


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
def test_ids__come_back_letter_by_letter(medplib: Program, picture: Path, place: str) -> None:
    rest = f'"image": "{picture}", "question": "what?"'
    lines = {"first": '{{"id": {raw}, {rest}}}\n', "last": '{{{rest} ,"id":{raw}\t}}\n'}
    text = "".join(lines[place].format(raw=raw, rest=rest) for raw in IDS.values())
    told = medplib("ask", "-", "--jsonl", *SHORT, stdin=text).out.splitlines()
    for number, (name, line) in enumerate(zip(IDS, told, strict=True), start=1):
        assert line.startswith(f'{{"id":{IDS[name]},"line":{number},"image":'), name
        json.loads(line)


def test_ids__come_back_with_an_error(medplib: Program) -> None:
    text = "".join(f'{{"image": "none.png", "id": {raw}}}\n' for raw in IDS.values())
    told = medplib("describe", "-", "--jsonl", stdin=text, code=SOME_FAILED).out.splitlines()
    for number, (name, line) in enumerate(zip(IDS, told, strict=True), start=1):
        assert line.startswith(f'{{"id":{IDS[name]},"line":{number},"image":"none.png","error":'), name


def test_ids__what_is_no_json_is_refused(medplib: Program) -> None:
    wrong = ["01", "1.", "+1", "1e", "-", "nul", '"a', "[1", "[1,]", '{"a"}', "0x1", "1 2", "", "]", "1]", '"\x01"']
    text = "".join(f'{{"image": "none.png", "question": "what?", "id": {raw}}}\n' for raw in wrong)
    for raw, event in zip(wrong, medplib("ask", "-", "--jsonl", stdin=text, code=SOME_FAILED).lines, strict=True):
        assert event["error"]["code"] == "FORMAT", raw
        assert "id" not in event, raw


def test_ids__other_numbers_that_no_double_holds_are_still_refused(medplib: Program, picture: Path) -> None:
    line = f'{{"image": "{picture}", "question": 1e400, "id": 7}}\n'
    (event,) = medplib("ask", "-", "--jsonl", *SHORT, stdin=line, code=SOME_FAILED).lines
    assert "too large" in event["error"]["message"]


# Endings

ENDINGS = ["jpg", "JPEG", "tif", "tiff", "nii", "nii.gz", "npy", "dcm", "bmp", "gif", "webp", "nrrd", "json", "png.gz"]
CALLS = {
    "segment": ["segment", "eye.png", "disc"],
    "ask": ["ask", "eye.png", "what?"],
    "describe": ["describe", "eye.png", "--region", "box:1,1,9,9"],
    "refine": ["refine", "eye.png", "--click", "3,3,+"],
    "chat": ["chat", "eye.png"],
    "list": ["segment", "-", "disc"],
}


@pytest.mark.parametrize(
    ("call", "ending"),
    [("segment", each) for each in ENDINGS] + [(call, each) for call in [*CALLS][1:] for each in ENDINGS[2:5]],
)
@pytest.mark.parametrize("option", ["--out-mask", "--overlay"])
def test_endings__of_another_format_are_refused_before_anything_is_computed(
    medplib: Program, picture: Path, tmp_path: Path, call: str, option: str, ending: str
) -> None:
    name = f"{'{}' if call == 'list' else ''}m.{ending}"
    medplib.refuses(USAGE, *CALLS[call], option, name, *NO_MODEL, saying="written as PNG", stdin="eye.png\n")
    assert [file.name for file in tmp_path.iterdir()] == ["eye.png"]


@pytest.mark.parametrize("field", ["out_mask", "overlay"])
def test_endings__of_another_format_in_a_request_are_refused(medplib: Program, picture: Path, field: str) -> None:
    text = request_line(image=str(picture), phrase="disc", **{field: "m.nii.gz"})
    (event,) = medplib("segment", "-", "--jsonl", *NO_MODEL, stdin=text, code=SOME_FAILED).lines
    assert event["error"]["code"] == "INVALID_ARG"
    assert "written as PNG" in event["error"]["message"]


def test_endings__that_an_image_gives_are_looked_at_too(medplib: Program, picture: Path, tmp_path: Path) -> None:
    picture.rename(tmp_path / "brain.nii.png")
    medplib.refuses(USAGE, "segment", "brain.nii.png", "disc", "--out-mask", "{}", *NO_MODEL, saying="written as PNG")


@pytest.mark.parametrize("name", ["m.png", "M.PNG", "mask", "a.b/m"])
def test_endings__of_png_and_none_are_written(medplib: Program, picture: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "a.b").mkdir()
    medplib("segment", picture, "disc", "--out-mask", name, *SHORT)
    assert Image.open(tmp_path / name).format == "PNG"


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
def test_empty_list__is_told(medplib: Program, call: list[str], nothing: str) -> None:
    ended = medplib(*call, *NO_MODEL, stdin=nothing)
    assert ended.out == ""
    assert ended.err == (
        "medplib: warning: The list on the standard input is empty: there is no image in it to answer about.\n"
    )


def test_empty_list__of_nul_bytes_alone_is_told(medplib: Program) -> None:
    assert "is empty" in medplib("ask", "-", "what?", *NO_MODEL, stdin="\0\0").err


def test_empty_list__beside_another_image_is_told(medplib: Program, picture: Path) -> None:
    assert "is empty" in medplib("ask", picture, "-", "what?", *SHORT).err
    assert "is empty" in medplib("ask", picture, "-", "what?", "--together", *SHORT).err
    medplib.refuses(USAGE, "ask", "-", "what?", "--together", saying="No image")


def test_empty_list__of_messages_is_told(medplib: Program, picture: Path) -> None:
    assert "there is no message" in medplib("chat", picture).err


def test_empty_list__with_an_item_is_not(medplib: Program, picture: Path) -> None:
    assert "The list" not in medplib("ask", "-", "what?", *SHORT, stdin=f"{picture}\n").err
    assert "The list" not in medplib("ask", "-", "what?", *SHORT, stdin="none.png\n", code=SOME_FAILED).err


def test_a_list_that_is_a_folder_is_told_once(medplib: Program, tmp_path: Path) -> None:
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        done = started(tmp_path, "ask", "-", "what?", input=None, stdin=folder, capture_output=True)
    finally:
        os.close(folder)
    assert done.returncode == SOME_FAILED
    assert done.stderr.decode().count("The list on stdin cannot be read") == 1
