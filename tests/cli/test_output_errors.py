"""Results that cannot be written: told before computing where possible, and nothing half-written."""

from __future__ import annotations

import os
import resource
import signal
from pathlib import Path

import pytest
from program import Program

FAILURE, USAGE = 1, 2
ANSWERING = ("--max-new-tokens", "1")
# A model that is not there: an error about it would mean that the output was looked at too late.
NO_MODEL = ("--model", "nowhere")

needs_full_device = pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")


def limit_files() -> None:
    """In the program to be started: files of more than 20 bytes fail, as on a full disk."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20, 20))


@pytest.mark.parametrize("option", ["--out-mask", "--overlay"])
def test_a_folder_that_is_not_there_is_told_before_computing(medplib: Program, picture: Path, option: str) -> None:
    medplib.refuses(FAILURE, "segment", picture, "disc", option, "no/m.png", *NO_MODEL, saying="no folder")
    medplib.refuses(FAILURE, "refine", picture, "--click", "3,3,+", option, "no/m.png", *NO_MODEL, saying="no folder")
    medplib.refuses(FAILURE, "chat", picture, option, "no/m.png", *NO_MODEL, saying="no folder")


def test_a_folder_in_the_files_place_is_told_before_computing(medplib: Program, picture: Path, tmp_path: Path) -> None:
    (tmp_path / "m.png").mkdir()
    medplib.refuses(USAGE, "segment", picture, "disc", "--out-mask", "m.png", *NO_MODEL, saying="folder")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_one_may_not_write_to_is_told_before_computing(
    medplib: Program, picture: Path, tmp_path: Path
) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    medplib.refuses(FAILURE, "segment", picture, "disc", "--out-mask", "locked/m.png", *NO_MODEL, saying="locked")


@needs_full_device
def test_a_full_disk_is_told_and_the_device_stays(medplib: Program, picture: Path, tmp_path: Path) -> None:
    (tmp_path / "m.png").symlink_to("/dev/full")
    medplib.refuses(FAILURE, "segment", picture, "disc", "--out-mask", "m.png", *ANSWERING, saying="full")
    assert Path("/dev/full").is_char_device()


@pytest.mark.parametrize("option", ["--out-mask", "--overlay"])
def test_a_file_that_does_not_fit_leaves_the_old_one(
    medplib: Program, picture: Path, tmp_path: Path, option: str
) -> None:
    (tmp_path / "m.png").write_text("old")
    before = sorted(tmp_path.iterdir())
    ended = medplib("segment", picture, "disc", option, "m.png", *ANSWERING, code=FAILURE, before=limit_files)
    assert ended.out == ""
    assert ended.err.splitlines()[-1].startswith("medplib: error: Writing ")
    assert (tmp_path / "m.png").read_text() == "old"
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("option", ["--out-mask", "--overlay"])
@pytest.mark.parametrize("name", ["eye.png", "./eye.png", "link.png"])
def test_what_is_read_is_not_written_over(
    medplib: Program, picture: Path, tmp_path: Path, option: str, name: str
) -> None:
    (tmp_path / "link.png").symlink_to("eye.png")
    before = picture.read_bytes()
    saying = "would destroy"
    medplib.refuses(USAGE, "segment", "eye.png", "disc", option, name, *NO_MODEL, saying=saying)
    medplib.refuses(USAGE, "refine", "eye.png", "--click", "3,3,+", option, name, *NO_MODEL, saying=saying)
    medplib.refuses(USAGE, "chat", "eye.png", option, name, *NO_MODEL, saying=saying)
    region = ("--region", "mask:eye.png")
    medplib.refuses(USAGE, "ask", "other.png", "what?", *region, option, name, *NO_MODEL, saying=saying)
    assert picture.read_bytes() == before


def test_a_mask_and_an_overlay_of_one_name_are_refused_however_it_is_spelt(medplib: Program, picture: Path) -> None:
    names = ("--out-mask", "a.png", "--overlay", "./a.png")
    medplib.refuses(USAGE, "segment", picture, "disc", *names, *NO_MODEL, saying="cannot both")


@needs_full_device
@pytest.mark.parametrize("call", [["--help"], ["--version"], ["info"], ["ask", "eye.png", "what?", *ANSWERING]])
def test_a_standard_output_that_is_full_is_a_failure(medplib: Program, picture: Path, call: list[str]) -> None:
    with open("/dev/full", "wb") as full:
        ended = medplib(*call, code=FAILURE, stdout=full.fileno())
    assert "standard output" in ended.err
