"""Answers, masks and the shapes that scripts rely on."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from program import BINARY, GOLDENS, MODEL, Program, environment, mask_values

GOLDEN = GOLDENS / "cases/s01_emits_seg_wide"
FACTS = json.loads(GOLDEN.with_suffix(".json").read_text())
# Asks for a mask and gets one, with the golden model.
SEGMENTING = [
    f"{GOLDEN}.image.png",
    FACTS["question"],
    "--region",
    f"point:{FACTS['regions'][0]['info']['col']},{FACTS['regions'][0]['info']['row']}",
]
# Draws a mask whatever is said.
DRAWING = ["--compat", "reference", "--max-new-tokens", "4"]


def decode_rle(size: list[int], counts: str) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """COCO's ASCII counts, read by its definition."""
    runs: list[int] = []
    at = 0
    while at < len(counts):
        value = shift = 0
        more = True
        while more:
            byte = ord(counts[at]) - 48
            value |= (byte & 31) << shift
            more = bool(byte & 32)
            at += 1
            shift += 5
            if not more and byte & 16:
                value |= -1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
    flat = np.concatenate([np.full(run, i % 2, dtype=np.uint8) for i, run in enumerate(runs)])
    return flat.reshape(size[::-1]).T


def test_the_golden_answer_comes_out_of_the_command_line(medplib: Program) -> None:
    told = medplib("ask", *SEGMENTING, "--json", "--threshold", "0.5").json
    assert told["prompt"] == FACTS["prompt"]
    assert told["tokens"] == FACTS["generated_ids"][:-1]
    assert told["text"] == FACTS["generated_text"]
    assert told["finish"] == "end_of_text"
    (mask,) = told["masks"]
    assert mask["area"] == pytest.approx(FACTS["gen_mask_area_0.5"], abs=0.001 * FACTS["mask_pixels"])


def test_an_answer_in_json_has_the_documented_keys(medplib: Program) -> None:
    told = medplib("ask", *SEGMENTING, "--json").json
    assert {"image", "question", "text", "masks", "presence", "prompt", "warnings", "finish", "timing"} <= told.keys()
    (mask,) = told["masks"]
    assert {"label", "area", "presence", "iou_estimate", "threshold", "bbox", "rle"} == mask.keys()
    assert 0 <= mask["presence"] <= 1
    timing = told["timing"]
    parts = ["image_encode", "prefill", "decode", "masks", "first_token", "total"]
    counts = ["prompt_tokens", "reused_tokens", "generated_tokens"]
    assert sorted(timing) == sorted(parts + counts)
    assert timing["total"] > 0
    assert told["finish"] == "end_of_text"
    assert timing["generated_tokens"] == len(told["tokens"])  # without the end token


def test_file_run_lengths_box_and_area_are_of_one_mask(medplib: Program, tmp_path: Path) -> None:
    told = medplib("ask", *SEGMENTING, "--json", "--out-mask", "m.png").json
    (mask,) = told["masks"]
    pixels = mask_values(tmp_path / "m.png")
    assert mask["file"] == "m.png"
    assert pixels.shape == (FACTS["height"], FACTS["width"])
    assert set(np.unique(pixels)) <= {0, 255}
    inside = pixels == 255
    assert mask["area"] == inside.sum()
    assert mask["rle"]["size"] == list(pixels.shape)
    assert np.array_equal(decode_rle(mask["rle"]["size"], mask["rle"]["counts"]), inside)
    rows, columns = np.nonzero(inside)
    left, top, width, height = mask["bbox"]
    assert (left, top) == (columns.min(), rows.min())
    assert (left + width - 1, top + height - 1) == (columns.max(), rows.max())


def test_of_several_masks_the_first_goes_to_the_file_itself(
    medplib: Program, segmenting_model: Path, tmp_path: Path
) -> None:
    image, model = f"{GOLDEN}.image.png", ("--model", segmenting_model, "--max-new-tokens", "3")
    told = medplib("ask", image, "what?", *model, "--json", "--out-mask", "m.png").json
    assert [mask["file"] for mask in told["masks"]] == ["m.png", "m-2.png", "m-3.png"]
    assert sorted(path.name for path in tmp_path.glob("*.png")) == ["m-2.png", "m-3.png", "m.png"]
    for mask in told["masks"]:
        assert (mask_values(tmp_path / mask["file"]) == 255).sum() == mask["area"]
    said = medplib("chat", image, *model, "--out-mask", "{}.png", stdin="what?\n").out
    assert [line.split(", ")[-1] for line in said.splitlines()[-3:]] == ["1.png", "1-2.png", "1-3.png"]
    assert {"1.png", "1-2.png", "1-3.png"} <= {path.name for path in tmp_path.iterdir()}


def test_an_overlay_does_not_overwrite_a_further_mask(medplib: Program, segmenting_model: Path, tmp_path: Path) -> None:
    options = ("--model", segmenting_model, "--max-new-tokens", "3", "--out-mask", "m.png", "--overlay", "m-2.png")
    medplib.refuses(2, "ask", f"{GOLDEN}.image.png", "what?", *options, saying="m-2.png")
    assert not list(tmp_path.glob("*.png"))


def test_a_higher_threshold_gives_a_smaller_mask(medplib: Program) -> None:
    areas = [medplib("ask", *SEGMENTING, "--json", "--threshold", t).json["masks"][0]["area"] for t in ("0.1", "0.9")]
    assert areas[1] < areas[0]


def test_segment_writes_a_mask_of_image_size(medplib: Program, picture: Path, tmp_path: Path) -> None:
    told = medplib("segment", picture, "optic disc", "--out-mask", "m.png", "--overlay", "o.png", "--json").json
    assert "Please segment the optic disc in this image." in told["prompt"]
    assert told["phrase"] == "optic disc"
    pixels = mask_values(tmp_path / "m.png")
    assert pixels.shape == (48, 64)
    assert pixels.dtype == np.uint8
    assert set(np.unique(pixels)) <= {0, 255}
    overlay = Image.open(tmp_path / "o.png")
    assert overlay.size == (64, 48)
    assert overlay.mode == "RGB"


def test_without_a_mask_in_the_answer_the_file_has_nothing_inside(
    medplib: Program, picture: Path, tmp_path: Path
) -> None:
    ended = medplib("ask", picture, "what?", "--max-new-tokens", "1", "--out-mask", "m.png", "--json")
    assert ended.json["masks"] == []
    assert not mask_values(tmp_path / "m.png").any()
    assert mask_values(tmp_path / "m.png").shape == (48, 64)
    assert any("m.png" in warning for warning in ended.json["warnings"])
    assert "medplib: warning: " in ended.err
    assert medplib("ask", picture, "what?", "--max-new-tokens", "1", "--out-mask", "m.png", "--quiet").err == ""


def test_the_overlay_differs_from_the_image_where_the_region_is(
    medplib: Program, picture: Path, tmp_path: Path
) -> None:
    medplib("describe", picture, "--region", "box:10,10,40,30", "--overlay", "o.png", "--max-new-tokens", "1")
    changed = (np.asarray(Image.open(tmp_path / "o.png")) != np.asarray(Image.open(picture))).any(axis=2)
    assert changed[8:33, 8:43].any()
    assert not changed[40:, 50:].any()


def test_describe_takes_a_region_and_asks_about_it(medplib: Program, picture: Path) -> None:
    told = medplib("describe", picture, "--region", "polygon:5,5,50,5,50,40", "--json").json
    assert "<region></region>" in told["prompt"]
    assert "question" not in told


def test_a_region_may_be_a_mask_file(medplib: Program, picture: Path, tmp_path: Path) -> None:
    pixels = np.zeros((48, 64), dtype=np.uint8)
    pixels[10:31, 10:41] = 255
    Image.fromarray(pixels).save(tmp_path / "region.png")

    def mask_about(region: str) -> Any:
        told = medplib("ask", picture, "what?", "--json", *DRAWING, "--region", region).json
        return told["masks"][0]

    about_the_file = mask_about("mask:region.png")
    assert about_the_file == mask_about("box:10,10,40,30")
    assert about_the_file != mask_about("box:30,20,60,45")


def test_several_regions_go_into_one_question(medplib: Program, picture: Path) -> None:
    told = medplib(
        "ask", picture, "what?", "--json", "--max-new-tokens", "1", "--region", "point:10,10", "--region", "point:50,40"
    ).json
    assert told["prompt"].count("<region></region>") == 2


def test_plain_text_goes_to_stdout_and_nothing_else(medplib: Program, picture: Path) -> None:
    ended = medplib("ask", picture, "what?", "--max-new-tokens", "4")
    assert ended.out == medplib("ask", picture, "what?", "--max-new-tokens", "4", "--json").json["text"] + "\n"
    assert ended.err == "medplib: warning: The answer was cut at max_new_tokens = 4.\n"


def test_the_same_seed_draws_the_same_words(medplib: Program, picture: Path) -> None:
    def tokens(seed: str) -> list[int]:
        drawing = ("--temperature", "2", "--top-k", "200", "--top-p", "0.95", "--max-new-tokens", "12")
        told: list[int] = medplib("ask", picture, "what?", "--json", "--seed", seed, *drawing).json["tokens"]
        return told

    drawn = tokens("1")
    assert drawn == tokens("1")
    assert drawn != tokens("2")


def test_the_model_is_named_by_an_option_too(medplib: Program, picture: Path) -> None:
    call = ("ask", picture, "what?", "--json", "--max-new-tokens", "2")
    by_option = medplib(*call, "--model", MODEL, env={"MEDPLIB_MODEL": "/nowhere"}).json
    assert by_option["tokens"] == medplib(*call).json["tokens"]


def test_half_the_precision_gives_other_numbers(medplib: Program, picture: Path) -> None:
    def estimate(precision: str) -> float:
        told = medplib("ask", picture, "what?", "--json", *DRAWING, "--precision", precision).json
        return float(told["masks"][0]["iou_estimate"])

    half, whole = estimate("bfloat16"), estimate("float32")
    assert half != whole
    assert half == pytest.approx(whole, abs=0.1)


def test_an_answer_ends_where_the_context_does(medplib: Program, picture: Path) -> None:
    call = ("ask", picture, "what?", "--json", "--max-new-tokens", "4")
    prompt = medplib(*call).json["timing"]["prompt_tokens"]
    told = medplib(*call, "--context", str(prompt + 2)).json
    assert len(told["tokens"]) == 2
    assert told["finish"] == "length"


def test_a_device_that_is_not_there_is_named(medplib: Program, picture: Path) -> None:
    medplib.refuses(3, "ask", picture, "what?", "--device", "cuda:99", saying="device cuda")
    assert medplib("ask", picture, "what?", "--device", "cpu", "--max-new-tokens", "1", "--quiet").out


def test_it_computes_with_as_many_threads_as_it_is_told(medplib: Program, picture: Path) -> None:
    def running(threads: str) -> int:
        call: list[str | Path] = [BINARY, "chat", picture, "--threads", threads, "--max-new-tokens", "1", "--quiet"]
        pipe = subprocess.PIPE
        with subprocess.Popen(call, stdin=pipe, stdout=pipe, env=environment()) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(b"what?\n")
            process.stdin.flush()
            assert process.stdout.readline()
            return len(list(Path(f"/proc/{process.pid}/task").iterdir()))

    assert running("1") < running("3")


def test_the_reference_draws_a_mask_without_being_asked(medplib: Program, picture: Path) -> None:
    told = medplib("ask", picture, "what?", "--compat", "reference", "--max-new-tokens", "3", "--json").json
    assert len(told["masks"]) == 1


def test_several_images_are_asked_one_by_one(medplib: Program, picture: Path, other_picture: Path) -> None:
    ended = medplib("ask", picture, other_picture, "what?", "--max-new-tokens", "3")
    alone = [medplib("ask", image, "what?", "--max-new-tokens", "3").out for image in (picture, other_picture)]
    assert ended.out == f"{picture}: {alone[0]}{other_picture}: {alone[1]}"


def test_several_images_write_their_own_masks(
    medplib: Program, picture: Path, other_picture: Path, tmp_path: Path
) -> None:
    medplib("segment", picture, other_picture, "disc", "--out-mask", "{}-mask.png", "--max-new-tokens", "2")
    assert mask_values(tmp_path / "eye-mask.png").shape == (48, 64)
    assert mask_values(tmp_path / "other-mask.png").shape == (40, 30)


def test_two_images_of_one_name_do_not_overwrite_each_others_mask(
    medplib: Program, picture: Path, tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    shutil.copy(picture, tmp_path / "folder" / picture.name)
    call = ("segment", picture, f"folder/{picture.name}", "disc", "--out-mask", "{}-mask.png", "--max-new-tokens", "1")
    assert "eye-mask.png" in medplib(*call, code=5).err


def test_a_request_that_failed_keeps_no_later_one_from_its_file(
    medplib: Program, picture: Path, other_picture: Path, tmp_path: Path
) -> None:
    images = ["none.png", str(picture), str(other_picture)]
    text = "".join(json.dumps({"image": image, "phrase": "disc", "out_mask": "m.png"}) + "\n" for image in images)
    missing, written, refused = medplib("segment", "-", "--jsonl", "--max-new-tokens", "1", stdin=text, code=5).lines
    assert missing["error"]["code"] == "NOT_FOUND"
    assert "error" not in written
    assert "m.png" in refused["error"]["message"]
    assert mask_values(tmp_path / "m.png").shape == (48, 64)


def test_together_puts_all_images_into_one_prompt(medplib: Program, picture: Path, other_picture: Path) -> None:
    told = medplib("ask", picture, other_picture, "what?", "--together", "--json", "--max-new-tokens", "2").json
    assert told["images"] == [str(picture), str(other_picture)]
    assert told["prompt"].count("<image>") == 2
    listed = medplib(
        "ask", "-", "what?", "--together", "--json", "--max-new-tokens", "2", stdin=f"{picture}\n{other_picture}\n"
    ).json
    assert listed["tokens"] == told["tokens"]


def test_an_image_that_cannot_be_read_spoils_only_itself(medplib: Program, picture: Path) -> None:
    ended = medplib("ask", "none.png", picture, "what?", "--max-new-tokens", "2", code=5)
    assert ended.out.startswith(f"{picture}: ")
    assert "medplib: error: " in ended.err
    assert "none.png" in ended.err


def test_a_list_of_images_comes_from_stdin(medplib: Program, picture: Path, other_picture: Path) -> None:
    ended = medplib("ask", "-", "what?", "--max-new-tokens", "2", stdin=f"{picture}\n\n{other_picture}\n")
    assert [line.split(":")[0] for line in ended.out.splitlines()] == [str(picture), str(other_picture)]
    assert medplib("ask", "-", "what?", stdin="").out == ""
    windows = f"{picture}\r\n\r\n{other_picture}\r\n"
    assert medplib("ask", "-", "what?", "--max-new-tokens", "2", stdin=windows).out == ended.out


def test_one_bad_line_of_requests_gives_an_event_and_the_rest_goes_on(
    medplib: Program, picture: Path, tmp_path: Path
) -> None:
    image = str(picture)
    requests: list[Any] = [
        {"id": "a", "image": image, "question": "what?", "region": ["box:1,1,30,30"]},
        "nonsense",
        ["image", image],
        {"question": "what?"},
        {"image": image},
        {"image": image, "question": 7},
        {"image": image, "question": "what?", "region": "box:1,1,30,30"},
        {"image": image, "question": "what?", "regions": []},
        {"id": [1], "image": "none.png", "question": "what?"},
        {"image": image, "question": "what?", "region": ["point:999,999"]},
        {"image": image, "question": "what?", "out_mask": "nowhere/m.png"},
        f'{{"image": "{image}", "question": 1e400}}',
        {"id": 12, "image": image, "question": "what?", "out_mask": "m.png", "overlay": "o.png"},
    ]
    text = "".join((r if isinstance(r, str) else json.dumps(r)) + "\n" for r in requests)
    events = medplib("ask", "-", "--jsonl", "--max-new-tokens", "2", stdin=text, code=5).lines
    assert [event["line"] for event in events] == list(range(1, len(requests) + 1))
    assert [i for i, event in enumerate(events) if "error" not in event] == [0, len(requests) - 1]
    assert [event.get("id") for event in events if "id" in event] == ["a", [1], 12]
    assert all(event["error"]["message"] and event["error"]["code"] for event in events if "error" in event)
    assert [event["question"] for event in (events[0], *events[8:11], events[-1])] == ["what?"] * 5
    assert not any("question" in event for event in (events[1], events[4]))  # it is not known
    assert events[8]["error"]["code"] == "NOT_FOUND"
    assert events[-2]["error"]["code"] == "FORMAT"
    assert (tmp_path / "m.png").exists()
    assert (tmp_path / "o.png").exists()


def test_requests_without_words_take_those_of_the_command_line(medplib: Program, picture: Path) -> None:
    text = json.dumps({"image": str(picture)}) + "\n" + json.dumps({"image": str(picture), "phrase": "lens"}) + "\n"
    events = medplib("segment", "-", "disc", "--jsonl", "--max-new-tokens", "1", stdin=text).lines
    assert [event["phrase"] for event in events] == ["disc", "lens"]


def test_an_image_asked_about_again_is_not_encoded_again(medplib: Program, picture: Path, other_picture: Path) -> None:
    images = [picture, picture, other_picture, picture]
    text = "".join(json.dumps({"image": str(image), "question": "what?"}) + "\n" for image in images)
    events = medplib("ask", "-", "--jsonl", "--max-new-tokens", "3", stdin=text).lines
    assert [event["timing"]["image_encode"] > 0 for event in events] == [True, False, True, True]
    assert events[0]["tokens"] == events[1]["tokens"] == events[3]["tokens"]


def test_refine_mends_a_mask_with_clicks(medplib: Program, picture: Path, tmp_path: Path) -> None:
    medplib("refine", picture, "--region", "box:10,10,40,30", "--out-mask", "first.png", "--threshold", "0.5")
    first = mask_values(tmp_path / "first.png")
    assert first.shape == (48, 64)
    pixels = np.zeros((48, 64), dtype=np.uint8)
    pixels[10:31, 10:41] = 255
    Image.fromarray(pixels).save(tmp_path / "drawn.png")
    clicks = ("--click", "20,20,+", "--click", "60,45,-")
    told = medplib("refine", picture, *clicks, "--mask", "drawn.png", "--out-mask", "m.png", "--json").json
    (mask,) = told["masks"]
    assert mask["area"] == (mask_values(tmp_path / "m.png") == 255).sum()
    assert mask["presence"] is None
    other = medplib("refine", picture, *clicks, "--json").json["masks"][0]
    assert other["rle"] != mask["rle"], "the mask so far has no effect"


def test_refine_says_which_file_of_a_region_is_missing(medplib: Program, picture: Path) -> None:
    medplib.refuses(4, "refine", picture, "--region", "mask:none.png", saying="none.png")


@pytest.mark.parametrize("click", ["nan,4,+", "64,4,+", "-9,4,+"])
def test_a_click_must_be_on_the_image(medplib: Program, picture: Path, click: str) -> None:
    medplib.refuses(2, "refine", picture, f"--click={click}", saying="click")


def test_a_chat_knows_what_was_said_before(medplib: Program, picture: Path) -> None:
    short = ("--max-new-tokens", "12", "--quiet")
    ended = medplib("chat", picture, *short, stdin="What is it?\n\nAnd where?\n")
    alone = [medplib("ask", picture, question, *short).out for question in ("What is it?", "And where?")]
    assert ended.out.startswith(alone[0])
    assert ended.out.removeprefix(alone[0]) not in ("", alone[1])
    assert ended.err == ""


def test_a_message_that_cannot_be_answered_does_not_end_the_chat(medplib: Program, picture: Path) -> None:
    ended = medplib("chat", picture, "--max-new-tokens", "1", stdin="What?\n" + "long " * 9000 + "\nWhat?\n", code=5)
    assert len(ended.out.splitlines()) == 2
    assert "medplib: error: " in ended.err
    assert "Question 2 is empty" in medplib("chat", picture, "--max-new-tokens", "1", stdin="What?\n\f\n", code=5).err
