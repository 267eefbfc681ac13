"""What users stumble over: words, places and endings. A test is named FAULT__program__WHAT."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from program import ROOT, Once, Program

FAILURE, USAGE, SOME_FAILED = 1, 2, 5
SHORT = ("--max-new-tokens", "1")
# Draws a mask whatever is said.
DRAWING = ("--compat", "reference", *SHORT)
# A model that is not there: an error about it would mean that the fault was looked for too late.
NO_MODEL = ("--model", "nowhere")


def request_line(**fields: Any) -> str:
    return json.dumps(fields) + "\n"


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


def test_white_space_in_words__program__segment(medplib: Program, picture: Path) -> None:
    phrases = ["optic disc", *SEEN_THE_SAME.values()]
    requests = [{"image": str(picture), "phrase": phrase} for phrase in phrases]
    plain, *told = asked(medplib, "segment", requests, *DRAWING)
    assert plain["masks"][0]["label"] == "optic disc"
    for name, each in zip(SEEN_THE_SAME, told, strict=True):
        assert (each["prompt"], each["masks"]) == (plain["prompt"], plain["masks"]), name


def test_white_space_in_words__program__ask_requests(medplib: Program, picture: Path) -> None:
    phrases = ["optic disc", *SEEN_THE_SAME.values()]
    requests = [{"image": str(picture), "question": phrase} for phrase in phrases]
    plain, *told = asked(medplib, "ask", requests, *DRAWING)
    for name, each in zip(SEEN_THE_SAME, told, strict=True):
        assert (each["prompt"], each["masks"]) == (plain["prompt"], plain["masks"]), name


def test_white_space_in_words__program__of_the_command_line(medplib: Program, picture: Path) -> None:
    calls = [["segment", picture, phrase, "--json", *DRAWING] for phrase in ("optic\u00a0disc\u200b", "optic disc")]
    odd, plain = (medplib(*call).json for call in calls)
    assert (odd["prompt"], odd["masks"]) == (plain["prompt"], plain["masks"])


@pytest.mark.parametrize(
    "question", ["What is\nthis?", "What\u00a0is this?\n", "\ufeffWhat is this?", "What is\t this?"]
)
def test_white_space_in_words__program__ask(medplib: Program, once: Once, picture: Path, question: str) -> None:
    told = medplib("ask", picture, question, "--json", *DRAWING).json
    plain = once("ask", "eye.png", "What is this?", "--json", *DRAWING).json
    assert (told["prompt"], told["masks"]) == (plain["prompt"], plain["masks"])


def test_white_space_in_words__program__chat(medplib: Program, picture: Path) -> None:
    call = ("chat", picture, "--max-new-tokens", "8", "--quiet")
    odd = medplib(*call, stdin="\ufeffWhat\u00a0is this?\r\nAnd\there\u200b?\n").out
    assert odd == medplib(*call, stdin="What is this?\nAnd here?\n").out


@pytest.mark.parametrize("nothing", ["\u200b", "\ufeff \u00a0", "\u00ad\n"])
def test_white_space_in_words__program__of_nothing_else_are_no_words(
    medplib: Program, picture: Path, nothing: str
) -> None:
    medplib.refuses(USAGE, "segment", picture, nothing, saying="phrase is empty")
    medplib.refuses(USAGE, "ask", picture, nothing, saying="question is empty")


# Case of words


@pytest.mark.parametrize("phrase", ["White matter", "White Matter", "WHITE MATTER", "wHITE mATTER"])
def test_case_of_words__program__segment_draws_of_capitals_what_it_draws_of_small_letters(
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
def test_phrase_and_region__program__segment_is_refused_by_the_manifest(
    medplib: Program, picture: Path, untaught: Path, tmp_path: Path, region: str
) -> None:
    call = ("segment", picture, "disc", "--region", region)
    medplib.refuses(FAILURE, *call, "--out-mask", "m.png", "--model", untaught, saying="to refine")
    assert not (tmp_path / "m.png").exists()
    medplib(*call, *SHORT, "--quiet")  # nothing says so of the model that is used without --model


def test_phrase_and_region__program__a_request_is_refused_and_the_others_go_on(
    medplib: Program, picture: Path, untaught: Path
) -> None:
    text = request_line(image=str(picture), phrase="disc", region=["box:1,1,9,9"])
    text += request_line(image=str(picture), phrase="disc")
    call = ("segment", "-", "--jsonl", "--model", untaught, *SHORT)
    refused, drawn = medplib(*call, stdin=text, code=SOME_FAILED).lines
    assert refused["error"]["code"] == "UNSUPPORTED"
    assert "error" not in drawn


def test_phrase_and_region__program__other_verbs_take_the_region(
    medplib: Program, picture: Path, untaught: Path
) -> None:
    with_region = ("--region", "box:10,10,40,30", "--model", untaught)
    medplib("ask", picture, "what?", *with_region, *SHORT)
    medplib("describe", picture, *with_region, *SHORT)
    medplib("refine", picture, *with_region)


def test_phrase_and_region__program__info_says_so(medplib: Program, untaught: Path) -> None:
    told = medplib("info", "--json", "--model", untaught).json
    assert (told["segments_in_region"], told["estimates_iou"]) == (False, False)
    assert "phrase + region no" in medplib("info", "--model", untaught).out
    assert medplib("info", "--json").json["segments_in_region"]


def test_phrase_and_region__program__the_embedded_model_says_so(medplib: Program) -> None:
    told = medplib("info", "--json", "--model", ROOT / "models/tiny").json
    assert (told["segments_in_region"], told["estimates_iou"]) == (False, False)


@pytest.mark.parametrize("call", [["segment", "eye.png", "disc", *DRAWING], ["refine", "eye.png", "--click", "3,3,+"]])
def test_untaught_iou_estimate__program__is_not_shown(
    medplib: Program, picture: Path, untaught: Path, call: list[str]
) -> None:
    assert "IoU estimate" not in medplib(*call, "--model", untaught).out
    assert medplib(*call, "--model", untaught, "--json").json["masks"][0]["iou_estimate"] is None
    assert "IoU estimate" in medplib(*call).out
    assert isinstance(medplib(*call, "--json").json["masks"][0]["iou_estimate"], float)


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
def test_endings__program__of_another_format_are_refused_before_anything_is_computed(
    medplib: Program, picture: Path, tmp_path: Path, call: str, option: str, ending: str
) -> None:
    name = f"{'{}' if call == 'list' else ''}m.{ending}"
    medplib.refuses(USAGE, *CALLS[call], option, name, *NO_MODEL, saying="written as PNG", stdin="eye.png\n")
    assert [file.name for file in tmp_path.iterdir()] == ["eye.png"]


@pytest.mark.parametrize("field", ["out_mask", "overlay"])
def test_endings__program__of_another_format_in_a_request_are_refused(
    medplib: Program, picture: Path, field: str
) -> None:
    text = request_line(image=str(picture), phrase="disc", **{field: "m.nii.gz"})
    (event,) = medplib("segment", "-", "--jsonl", *NO_MODEL, stdin=text, code=SOME_FAILED).lines
    assert event["error"]["code"] == "INVALID_ARG"
    assert "written as PNG" in event["error"]["message"]


def test_endings__program__that_an_image_gives_are_looked_at_too(
    medplib: Program, picture: Path, tmp_path: Path
) -> None:
    picture.rename(tmp_path / "brain.nii.png")
    medplib.refuses(USAGE, "segment", "brain.nii.png", "disc", "--out-mask", "{}", *NO_MODEL, saying="written as PNG")


@pytest.mark.parametrize("name", ["m.png", "M.PNG", "mask", "a.b/m"])
def test_endings__program__of_png_and_none_are_written(
    medplib: Program, picture: Path, tmp_path: Path, name: str
) -> None:
    (tmp_path / "a.b").mkdir()
    medplib("segment", picture, "disc", "--out-mask", name, *SHORT)
    assert Image.open(tmp_path / name).format == "PNG"
