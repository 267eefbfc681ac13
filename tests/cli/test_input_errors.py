"""Images, regions and masks that cannot be used: one sentence each, and the exit code that says whose fault it is."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from program import Program

USAGE, INPUT = 2, 4


def test_a_missing_image_is_named(medplib: Program) -> None:
    medplib.refuses(INPUT, "ask", "none.png", "what?", saying="none.png")


def test_a_folder_is_no_image(medplib: Program, tmp_path: Path) -> None:
    medplib.refuses(INPUT, "ask", tmp_path, "what?", saying="folder")


def test_an_empty_file_is_no_image(medplib: Program, tmp_path: Path) -> None:
    (tmp_path / "empty.png").write_bytes(b"")
    medplib.refuses(INPUT, "ask", "empty.png", "what?", saying="empty.png")


def test_text_called_png_is_no_image(medplib: Program, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("I am not a picture.\n" * 100)
    medplib.refuses(INPUT, "ask", "text.png", "what?", saying="text.png")


@pytest.mark.parametrize("kind", ["png", "jpg", "tif"])
def test_a_truncated_image_is_refused(medplib: Program, picture: Path, tmp_path: Path, kind: str) -> None:
    whole = tmp_path / f"whole.{kind}"
    Image.open(picture).save(whole)
    (tmp_path / f"half.{kind}").write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    medplib.refuses(INPUT, "ask", f"half.{kind}", "what?", saying=f"half.{kind}")


def test_a_renamed_image_is_known_by_its_content(medplib: Program, picture: Path, tmp_path: Path) -> None:
    Image.open(picture).save(tmp_path / "eye.jpg")
    (tmp_path / "eye.jpg").rename(tmp_path / "wrong.png")
    assert medplib("info", "--image", "wrong.png", "--json").json["format"] == "JPEG"
    medplib("ask", "wrong.png", "what?", "--max-new-tokens", "1")


@pytest.mark.parametrize("size", [(1, 1), (30000, 2), (2, 3000)])
def test_the_oddest_shapes_are_answered(medplib: Program, tmp_path: Path, size: tuple[int, int]) -> None:
    Image.new("RGB", size, (10, 200, 30)).save(tmp_path / "odd.png")
    files = ("--out-mask", "m.png", "--overlay", "o.png")
    call = ("segment", "odd.png", "dot", "--max-new-tokens", "2", "--compat", "reference", *files, "--json")
    (mask,) = medplib(*call).json["masks"]
    assert mask["area"] > 0
    assert Image.open(tmp_path / "m.png").size == size


def test_an_image_over_a_limit_is_refused(medplib: Program, picture: Path) -> None:
    medplib.refuses(INPUT, "ask", picture, "what?", "--max-pixels", "3000", saying="pixels")
    medplib.refuses(INPUT, "ask", picture, "what?", "--max-bytes", "100", saying="bytes")


def test_a_bomb_of_an_image_is_refused_by_its_header(medplib: Program, tmp_path: Path) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 200_000, 200_000, 8, 2, 0, 0, 0))
    (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", b"") + chunk(b"IEND", b""))
    medplib.refuses(INPUT, "ask", "bomb.png", "what?", saying="pixels")


@pytest.mark.parametrize(
    ("region", "saying"),
    [
        ("point:640,10", "outside"),
        ("box:-50,-50,-10,-10", "outside"),
        ("point:nan,3", "nan"),
        ("point:inf,3", "inf"),
        ("point:3", "point"),
        ("box:1,2,3", "box"),
        ("polygon:1,2,3,4", "polygon"),
        ("circle:1,2,3", "circle"),
        ("point:3,4x", "point"),
        ("", "region"),
    ],
)
def test_a_region_that_cannot_be_used_is_refused(medplib: Program, picture: Path, region: str, saying: str) -> None:
    medplib.refuses(USAGE, "ask", picture, "what?", "--region", region, saying=saying)


def test_a_chat_refuses_a_region_outside_the_image_once_and_before_loading(medplib: Program, picture: Path) -> None:
    call = ("chat", picture, "--region", "point:640,10", "--model", "nowhere")
    ended = medplib.refuses(USAGE, *call, stdin="What?\nAnd where?\n", saying="outside")
    assert ended.err.count("medplib: error: ") == 1


@pytest.mark.parametrize("command", [["ask", "eye.png", "what?"], ["chat", "eye.png"]])
def test_the_limits_of_images_are_those_of_a_mask_as_region_too(
    medplib: Program, picture: Path, tmp_path: Path, command: list[str]
) -> None:
    noise = np.random.default_rng(2).integers(0, 256, (200, 200), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "large.png")
    for limit in (("--max-pixels", "4000"), ("--max-bytes", "20000")):
        medplib.refuses(INPUT, *command, "--region", "mask:large.png", *limit, saying="large.png")


def test_a_mask_as_region_must_be_of_image_size_and_not_empty(medplib: Program, picture: Path, tmp_path: Path) -> None:
    def save(name: str, shape: tuple[int, int], value: int) -> None:
        Image.fromarray(np.full(shape, value, dtype=np.uint8)).save(tmp_path / name)

    save("small.png", (10, 10), 255)
    save("nothing.png", (48, 64), 0)
    medplib.refuses(USAGE, "ask", picture, "what?", "--region", "mask:small.png", saying="10")
    medplib.refuses(USAGE, "ask", picture, "what?", "--region", "mask:nothing.png", saying="without a pixel")
    medplib.refuses(USAGE, "refine", picture, "--click", "3,3,+", "--mask", "small.png", saying="10")
    medplib.refuses(INPUT, "ask", picture, "what?", "--region", "mask:none.png", saying="none.png")
    medplib.refuses(INPUT, "refine", picture, "--click", "3,3,+", "--mask", "none.png", saying="none.png")
