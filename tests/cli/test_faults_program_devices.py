"""What users stumble over: files that are devices, pipes or the program's own output. A test is named
FAULT__WHERE_it_is_met."""

from __future__ import annotations

import io
import json
import os
import resource
import signal
import subprocess
from pathlib import Path

import pytest
from PIL import Image
from program import Once, Program, started

FAILURE, USAGE = 1, 2
SHORT = ("--max-new-tokens", "1")
# Draws a mask whatever is said.
DRAWING = ("--compat", "reference", *SHORT)
# A model that is not there: an error about it would mean that the fault was looked for too late.
NO_MODEL = ("--model", "nowhere")
PNG = b"\x89PNG\r\n\x1a\n"
OUTPUTS = ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "link"]
SEGMENT = ["segment", "eye.png", "disc", *DRAWING]
REFINE = ["refine", "eye.png", "--click", "3,3,+"]


@pytest.fixture
def link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/dev/stdout")


def in_a_file(once: Once, call: list[str], option: str) -> tuple[bytes, str]:
    """The picture in a file, and the words."""
    name = f"{call[0]}{option}.png"
    words = once(*call, option, name, "--quiet").out
    return (once.folder / name).read_bytes(), words.replace(f", {name}", "")


@pytest.mark.usefixtures("link")
@pytest.mark.parametrize(
    ("kind", "name", "call", "option"),
    [(kind, name, SEGMENT, "--out-mask") for kind in ("pipe", "file") for name in OUTPUTS]
    + [("pipe", "/dev/stdout", call, "--overlay") for call in (SEGMENT, REFINE)]
    + [("pipe", "/dev/stdout", REFINE, "--out-mask")],
)
def test_device_files__program__the_standard_output_has_the_picture_alone(
    once: Once, picture: Path, tmp_path: Path, kind: str, name: str, call: list[str], option: str
) -> None:
    written, said = in_a_file(once, call, option)
    with (tmp_path / "out").open("wb") as file:
        output = subprocess.PIPE if kind == "pipe" else file
        done = started(tmp_path, *call, option, name, "--quiet", stdout=output, stderr=subprocess.PIPE)
    assert done.returncode == 0, done.stderr
    assert (done.stdout if kind == "pipe" else (tmp_path / "out").read_bytes()) == written
    assert done.stderr.decode().replace(f", {name}", "") == said
    assert Image.open(io.BytesIO(written)).size == (64, 48)


@pytest.mark.parametrize("option", ["--out-mask", "--overlay"])
@pytest.mark.parametrize("call", [SEGMENT, REFINE], ids=["segment", "refine"])
@pytest.mark.parametrize("name", ["/dev/stderr", "/dev/fd/2"])
def test_device_files__program__the_standard_error_has_the_picture(
    once: Once, picture: Path, tmp_path: Path, name: str, call: list[str], option: str
) -> None:
    written, said = in_a_file(once, call, option)
    done = started(tmp_path, *call, option, name, "--quiet", capture_output=True)
    assert done.returncode == 0
    assert done.stderr == written
    assert done.stdout.decode().replace(f", {name}", "") == said


@pytest.mark.parametrize("option", ["--out-mask", "--overlay"])
def test_device_files__program__another_open_file_has_the_picture_and_json_the_output(
    once: Once, picture: Path, tmp_path: Path, option: str
) -> None:
    written, _ = in_a_file(once, SEGMENT, option)
    reader, writer = os.pipe()
    try:
        done = started(
            tmp_path, *SEGMENT, option, f"/dev/fd/{writer}", "--json", pass_fds=[writer], capture_output=True
        )
    finally:
        os.close(writer)
    with open(reader, "rb") as read:
        assert read.read() == written
    told = json.loads(done.stdout)
    assert f"/dev/fd/{writer}" in (told.get("overlay"), told["masks"][0].get("file"))


@pytest.mark.parametrize("option", ["--out-mask", "--overlay"])
def test_device_files__program__a_named_pipe_has_the_picture(
    medplib: Program, once: Once, picture: Path, tmp_path: Path, option: str
) -> None:
    written, _ = in_a_file(once, SEGMENT, option)
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        medplib(*SEGMENT, option, "pipe")
        assert os.read(reader, len(written) + 1) == written
    finally:
        os.close(reader)
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.parametrize("option", ["--out-mask", "--overlay"])
def test_device_files__program__the_null_device_takes_any_number(medplib: Program, picture: Path, option: str) -> None:
    key = option.removeprefix("--").replace("-", "_")
    text = (json.dumps({"image": str(picture), "phrase": "disc", key: "/dev/null"}) + "\n") * 2
    assert all("error" not in event for event in medplib("segment", "-", "--jsonl", *DRAWING, stdin=text).lines)
    assert Path("/dev/null").is_char_device()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("option", ["--out-mask", "--overlay"])
def test_device_files__program__a_full_device_is_told(medplib: Program, picture: Path, option: str) -> None:
    medplib.refuses(FAILURE, *SEGMENT, option, "/dev/full", saying="No space left")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_device_files__program__a_full_standard_output_is_told(medplib: Program, picture: Path) -> None:
    with open("/dev/full", "wb") as full:
        ended = medplib(*SEGMENT, "--out-mask", "/dev/stdout", stdout=full.fileno(), code=FAILURE)
    assert 'Writing "/dev/stdout" failed: No space left' in ended.err


@pytest.mark.parametrize("option", ["--out-mask", "--overlay"])
@pytest.mark.parametrize("call", [[*SEGMENT, "--json"], [*SEGMENT, "--jsonl"], [*REFINE, "--json"]], ids=" ".join)
def test_device_files__program__json_and_a_picture_do_not_share_the_output(
    medplib: Program, picture: Path, call: list[str], option: str
) -> None:
    ended = medplib(*call, option, "/dev/stdout", *NO_MODEL, code=USAGE)
    said = json.loads(ended.out)["error"]["message"] if "--jsonl" in call else ended.err
    assert "cannot both go to the standard output" in said


def test_device_files__program__a_chat_and_a_picture_do_not_share_the_output(medplib: Program, picture: Path) -> None:
    medplib.refuses(USAGE, "chat", picture, "--overlay", "/dev/stdout", *NO_MODEL, saying="standard output")


def test_device_files__program__mask_and_overlay_do_not_share_the_output(medplib: Program, picture: Path) -> None:
    both = ("--out-mask", "/dev/stdout", "--overlay", "/dev/fd/1")
    medplib.refuses(USAGE, *SEGMENT, *both, *NO_MODEL, saying="cannot both")


def test_device_files__program__of_several_masks_the_first_is_written_and_that_is_told(
    picture: Path, segmenting_model: Path, tmp_path: Path
) -> None:
    call = ("ask", picture, "what?", "--model", segmenting_model, "--max-new-tokens", "3")
    done = started(tmp_path, *call, "--out-mask", "/dev/stdout", capture_output=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(PNG) == 1
    assert 'The answer has 3 masks; only the first went to "/dev/stdout".' in done.stderr.decode()


def test_device_files__program__what_is_not_open_is_told(medplib: Program, picture: Path) -> None:
    medplib.refuses(FAILURE, *SEGMENT, "--out-mask", "/dev/fd/99", *NO_MODEL, saying="/dev/fd/99")


def test_device_files__program__a_file_that_the_standard_output_goes_to_is_not_mixed_with_words(
    once: Once, picture: Path, tmp_path: Path
) -> None:
    written, said = in_a_file(once, SEGMENT, "--out-mask")
    with (tmp_path / "m.png").open("wb") as file:
        done = started(tmp_path, *SEGMENT, "--out-mask", "m.png", "--quiet", stdout=file, stderr=subprocess.PIPE)
    assert (tmp_path / "m.png").read_bytes() == written
    assert done.stderr.decode().replace(", m.png", "") == said


@pytest.mark.parametrize("option", ["--out-mask", "--overlay"])
def test_endings__program__a_dash_is_no_file(medplib: Program, picture: Path, tmp_path: Path, option: str) -> None:
    call = ("segment", picture, "disc", option, "-", *NO_MODEL)
    medplib.refuses(USAGE, *call, saying="name a file, or /dev/stdout")
    assert not (tmp_path / "-").exists()


def limit_files() -> None:
    """In the program to be started: files of more than 20 bytes fail, and the system sends the signal for that."""
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20, 20))


@pytest.mark.parametrize("option", ["--out-mask", "--overlay"])
@pytest.mark.parametrize("call", [SEGMENT, REFINE], ids=["segment", "refine"])
def test_full_disk__program__its_signal_is_an_error_of_writing(
    medplib: Program, picture: Path, tmp_path: Path, call: list[str], option: str
) -> None:
    (tmp_path / "m.png").write_text("old")
    ended = medplib(*call, option, "m.png", code=FAILURE, before=limit_files)
    assert ended.err.splitlines()[-1].startswith("medplib: error: Writing ")
    assert (tmp_path / "m.png").read_text() == "old"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["eye.png", "m.png"]


@pytest.mark.parametrize("closed", [1, 2], ids=["stdout", "stderr"])
def test_closed_streams__program__no_file_takes_their_place(
    once: Once, picture: Path, tmp_path: Path, closed: int
) -> None:
    written, _ = in_a_file(once, SEGMENT, "--out-mask")
    call = (*SEGMENT, "--out-mask", "m.png")
    done = started(tmp_path, *call, preexec_fn=lambda: os.close(closed), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == (FAILURE if closed == 1 else 0)
    assert (tmp_path / "m.png").read_bytes() == written


def test_closed_streams__program__a_list_from_nowhere_is_told(tmp_path: Path) -> None:
    call = ("ask", "-", "what?", *NO_MODEL)
    done = started(tmp_path, *call, preexec_fn=lambda: os.close(0), input=None, stderr=subprocess.PIPE)
    assert b"The list on stdin cannot be read" in done.stderr


@pytest.mark.parametrize("closed", [1, 2], ids=["stdout", "stderr"])
def test_closed_streams__training__the_log_holds_lines_of_json_alone(folder: Path, closed: int) -> None:
    started(folder, "train", "recipe.json", "steps=2", "--out", "out", preexec_fn=lambda: os.close(closed))
    for line in (folder / "out/log.jsonl").read_text().splitlines() if (folder / "out").exists() else ():
        json.loads(line)


@pytest.mark.parametrize("name", ["none\x1b[31m.png", "no\nsuch.png", "no\x07ne\x7f.png"])
def test_control_characters__program__in_names_do_nothing_to_a_terminal(medplib: Program, name: str) -> None:
    ended = medplib("ask", name, "what?", *NO_MODEL, code=4)
    (line,) = ended.err.splitlines()
    assert line.isprintable()
    assert line.endswith("does not exist. Check the path.")
