"""Many images in one call: none of them is written over, and what is told says whose it is."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import pytest
from PIL import Image
from program import BINARY, Program, environment

SHORT = ("--max-new-tokens", "1")


@pytest.mark.parametrize("option", ["--out-mask", "--overlay"])
def test_an_image_of_the_call_is_not_written_over(medplib: Program, picture: Path, tmp_path: Path, option: str) -> None:
    Image.open(picture).save(tmp_path / "eye.jpg")
    before = picture.read_bytes()
    ended = medplib("segment", "eye.jpg", "eye.png", "disc", option, "{}.png", *SHORT, code=5)
    assert "eye.png" in ended.err
    assert picture.read_bytes() == before


def test_a_further_mask_is_not_written_over_another_images(
    medplib: Program, segmenting_model: Path, picture: Path, tmp_path: Path
) -> None:
    for name in ("x.png", "x-2.png"):
        (tmp_path / name).write_bytes(picture.read_bytes())
    (tmp_path / "out").mkdir()
    options = ("what?", "--model", segmenting_model, "--max-new-tokens", "2", "--out-mask", "out/{}.png")
    for images in (("x.png", "x-2.png"), ("x-2.png", "x.png")):
        assert "x-2.png" in medplib("ask", *images, *options, code=5).err
        for mask in (tmp_path / "out").iterdir():
            mask.unlink()


def test_a_file_may_have_the_name_of_the_phrase(medplib: Program, picture: Path, tmp_path: Path) -> None:
    medplib("segment", picture, "disc", "--out-mask", "disc", *SHORT)
    assert (tmp_path / "disc").exists()


def test_a_mask_that_was_written_is_no_image_of_a_later_request(
    medplib: Program, picture: Path, other_picture: Path
) -> None:
    requests = [
        {"image": str(picture), "phrase": "disc", "out_mask": "m.png"},
        {"image": "m.png", "phrase": "disc"},
        {"image": str(other_picture), "phrase": "disc"},
    ]
    text = "".join(json.dumps(request) + "\n" for request in requests)
    events = medplib("segment", "-", "--jsonl", *SHORT, stdin=text, code=5).lines
    assert ["error" in event for event in events] == [False, True, False]


def test_a_single_images_error_is_an_event_too(medplib: Program) -> None:
    ended = medplib("ask", "none.png", "what?", "--jsonl", *SHORT, code=4)
    (event,) = ended.lines
    assert event["error"]["code"] == "NOT_FOUND"
    assert event["image"] == "none.png"


def test_warnings_say_whose_they_are(medplib: Program, picture: Path, other_picture: Path) -> None:
    told = medplib("ask", picture, other_picture, "what?", *SHORT).err
    for image in (picture, other_picture):
        assert f"medplib: warning: {image}: The answer was cut" in told


def test_a_request_that_is_nested_deeply_is_refused(medplib: Program, picture: Path) -> None:
    nested = '{"image": "eye.png", "question": "what?", "id": ' + "[" * 200_000 + "]" * 200_000 + "}\n"
    good = json.dumps({"image": str(picture), "question": "what?"}) + "\n"
    refused, answered = medplib("ask", "-", "--jsonl", *SHORT, stdin=nested + good, code=5).lines
    assert "nested" in refused["error"]["message"]
    assert "error" not in answered


def test_a_name_with_a_nul_byte_is_no_other_file(medplib: Program, picture: Path) -> None:
    request = json.dumps({"image": f"{picture}\0x", "question": "what?"}) + "\n"
    (event,) = medplib("ask", "-", "--jsonl", *SHORT, stdin=request, code=5).lines
    assert "NUL" in event["error"]["message"]


def test_a_picture_that_is_to_be_shown_turned_is_told(medplib: Program, picture: Path, tmp_path: Path) -> None:
    for name, orientation in (("turned.jpg", 6), ("turned.png", 3), ("plain.jpg", 1)):
        exif = Image.Exif()
        exif[0x0112] = orientation
        Image.open(picture).save(tmp_path / name, exif=exif)
        warnings = medplib("ask", name, "what?", "--json", *SHORT).json["warnings"]
        assert any(f"EXIF orientation {orientation}" in warning for warning in warnings) == (orientation != 1)
        assert medplib("info", "--image", name, "--json").json["warnings"] == [w for w in warnings if "EXIF" in w]


def test_further_pictures_of_a_tiff_are_told(medplib: Program, picture: Path, tmp_path: Path) -> None:
    first = Image.open(picture)
    first.save(tmp_path / "one.tif")
    first.save(tmp_path / "two.tif", save_all=True, append_images=[first])
    assert "the first is read" in medplib("ask", "two.tif", "what?", *SHORT).err
    assert "the first is read" not in medplib("ask", "one.tif", "what?", *SHORT).err


def test_an_ignored_ctrl_c_stays_ignored(medplib: Program, picture: Path) -> None:
    """As a shell starts what runs in the background."""
    call: list[str | Path] = [BINARY, "chat", picture, *SHORT]
    with subprocess.Popen(
        call,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(b"What?\n")
        process.stdin.flush()
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        process.communicate(b"What?\n", timeout=100)
        assert process.returncode == 0


def test_being_told_to_end_stops_as_cleanly_as_ctrl_c(medplib: Program, picture: Path) -> None:
    with subprocess.Popen(
        [BINARY, "chat", picture, *SHORT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment()
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(b"What?\n")
        process.stdin.flush()
        process.stdout.readline()
        process.terminate()
        assert process.wait(100) == 130


def test_more_threads_than_any_machine_has_are_refused(medplib: Program, picture: Path) -> None:
    medplib.refuses(2, "ask", picture, "what?", "--threads", "4096", saying="from 1 to 256")
