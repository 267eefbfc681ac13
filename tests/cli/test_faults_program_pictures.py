"""What users stumble over in pictures and places, at the program: test_FAULT__program__VERB, for each format."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from odd_files import SHORT, Bytes, painted, told_everywhere, turn
from odd_pictures import ALPHA_MASKS, ODD_PICTURES, noisy_jpeg, saved, tiff
from PIL import Image
from program import Once, Program


@pytest.fixture
def brush() -> Bytes:
    return painted()


@pytest.fixture(params=ALPHA_MASKS)
def alpha_mask(request: pytest.FixtureRequest, brush: Bytes, tmp_path: Path) -> Path:
    return ALPHA_MASKS[request.param](tmp_path, brush)


@pytest.fixture(scope="module")
def grey_mask(once: Once) -> str:
    """The same shape, in grey."""
    return saved(once.folder / "grey.png", Image.fromarray((painted()[..., 3] > 0).astype(np.uint8) * 255)).name


@pytest.mark.parametrize("verb", [("ask", "what?"), ("describe",)])
def test_alpha_mask__program__region(
    medplib: Program, once: Once, picture: Path, alpha_mask: Path, grey_mask: str, verb: tuple[str, ...]
) -> None:
    call = (verb[0], "eye.png", *verb[1:], *SHORT, "--overlay", f"{verb[0]}.png", "--region")
    told_everywhere(medplib, "alpha is the mask", *call, f"mask:{alpha_mask}")
    once(*call, f"mask:{grey_mask}")
    alpha, grey = (folder / f"{verb[0]}.png" for folder in (medplib.folder, once.folder))
    assert alpha.read_bytes() == grey.read_bytes()


def test_alpha_mask__program__refine(
    medplib: Program, once: Once, picture: Path, alpha_mask: Path, grey_mask: str
) -> None:
    call = ("refine", "eye.png", "--click", "30,20,+", "--mask")
    alpha = told_everywhere(medplib, "alpha is the mask", *call, alpha_mask)
    grey = once(*call, grey_mask, "--json").json
    assert grey["warnings"] == []
    assert alpha["masks"][0]["rle"] == grey["masks"][0]["rle"]


AS_A_MASK = ["exif-png", "channels_left_out-rgbx_tiff", "pages_left_out-tiff", "pages_left_out-png"]
VERBS = {
    "ask": ("what?", *SHORT),
    "segment": ("disc", *SHORT),
    "describe": ("--region", "box:5,5,40,30", *SHORT),
    "refine": ("--click", "3,3,+"),
}


@pytest.mark.parametrize(
    ("verb", "form"),
    [(verb, form) for verb in VERBS for form in (ODD_PICTURES if verb in ("ask", "refine") else AS_A_MASK)],
)
def test_odd_picture__program(medplib: Program, picture: Path, verb: str, form: str, tmp_path: Path) -> None:
    make, saying = ODD_PICTURES[form]
    (tmp_path / "odd").mkdir()
    odd = make(tmp_path / "odd", np.array(Image.open(picture)))
    told_everywhere(medplib, saying, verb, odd, *VERBS[verb])


@pytest.mark.parametrize("form", AS_A_MASK)
def test_odd_picture__program__as_a_mask(medplib: Program, picture: Path, form: str, tmp_path: Path) -> None:
    make, saying = ODD_PICTURES[form]
    (tmp_path / "odd").mkdir()
    mask = make(tmp_path / "odd", np.array(Image.open(picture)))
    told_everywhere(medplib, saying, "ask", picture, "what?", "--region", f"mask:{mask}", *SHORT)
    told_everywhere(medplib, saying, "refine", picture, "--click", "3,3,+", "--mask", mask)


def test_noisy_jpeg_mask__program(medplib: Program, picture: Path, brush: Bytes, tmp_path: Path) -> None:
    mask = noisy_jpeg(tmp_path / "m.jpg", brush[..., 3] > 0)
    told_everywhere(medplib, "is a JPEG file", "ask", picture, "what?", "--region", f"mask:{mask}", *SHORT)
    told_everywhere(medplib, "is a JPEG file", "refine", picture, "--click", "30,20,+", "--mask", mask)


def test_exif__program__mask(medplib: Program, picture: Path, brush: Bytes, tmp_path: Path) -> None:
    mask = turn(saved(tmp_path / "m.png", Image.fromarray(brush[..., 3])), 6)
    told_everywhere(medplib, "EXIF orientation 6", "ask", picture, "what?", "--region", f"mask:{mask}", *SHORT)
    told_everywhere(medplib, "EXIF orientation 6", "refine", picture, "--click", "3,3,+", "--mask", mask)


def test_outlier_of_16_bits__program__info(medplib: Program, tmp_path: Path) -> None:
    rows, columns = np.indices((200, 240))
    values = np.clip(4000 - ((rows - 100) ** 2 + (columns - 120) ** 2) / 3, 0, None).astype(np.uint16)
    values[3, 3] = 65535
    for path in (
        saved(tmp_path / "s.png", Image.fromarray(values)),
        tiff(tmp_path / "s.tif", values[np.newaxis], 1),
        tiff(tmp_path / "rgb.tif", np.repeat(values[np.newaxis], 3, axis=0), 1),
    ):
        told = medplib("info", "--image", path, "--json").json
        assert (told["window_low"], told["window_high"]) == (0, 4000)
        assert medplib("info", "--image", path, "--json", "--sixteen-bit", "high-byte").json["window_high"] == 65535


@pytest.mark.parametrize(
    "place",
    ["point:0.15,0.47", "box:0.12,0.38,0.23,0.55", "polygon:0.1,0.2,0.5,0.2,0.3,0.7", "scribble:0.1,0.2,0.5,0.2"],
)
@pytest.mark.parametrize("verb", [("ask", "what?"), ("describe",)])
def test_fractions__program__region(medplib: Program, picture: Path, verb: tuple[str, ...], place: str) -> None:
    told_everywhere(medplib, "looks like fractions", verb[0], picture, *verb[1:], "--region", place, *SHORT)


@pytest.mark.parametrize("place", [("--click", "0.15,0.47,+"), ("--region", "box:0.12,0.38,0.23,0.55")])
def test_fractions__program__refine(medplib: Program, picture: Path, place: tuple[str, ...]) -> None:
    told_everywhere(medplib, "looks like fractions", "refine", picture, *place)


def test_fractions__program__chat_and_jsonl(medplib: Program, picture: Path) -> None:
    request = {"image": str(picture), "question": "what?", "region": ["box:0.1,0.2,0.3,0.4"]}
    (told,) = medplib("ask", "-", "--jsonl", *SHORT, stdin=json.dumps(request) + "\n").lines
    assert any("looks like fractions" in warning for warning in told["warnings"])
    said = medplib("chat", picture, "--region", "box:0.1,0.2,0.3,0.4", *SHORT, stdin="what?\n").err
    assert "looks like fractions" in said


@pytest.fixture
def small(tmp_path: Path) -> Path:
    pixels = (np.arange(784) % 251).astype(np.uint8).reshape(28, 28)
    saved(tmp_path / "all.png", Image.fromarray(np.full((28, 28), 255, np.uint8)))
    return saved(tmp_path / "small.png", Image.fromarray(pixels))


WHOLE = "covers the whole of the image of 28 × 28 pixels"


@pytest.mark.parametrize("place", ["point:14,14", "box:0,0,27,27", "mask:all.png"])
@pytest.mark.parametrize("verb", [("ask", "what?"), ("describe",)])
def test_whole_picture__program__region(medplib: Program, small: Path, verb: tuple[str, ...], place: str) -> None:
    told_everywhere(medplib, WHOLE, verb[0], small, *verb[1:], "--region", place, *SHORT)


@pytest.mark.parametrize("place", [("--region", "box:0,0,27,27"), ("--click", "3,3,+", "--mask", "all.png")])
def test_whole_picture__program__refine(medplib: Program, small: Path, place: tuple[str, ...]) -> None:
    told_everywhere(medplib, WHOLE, "refine", small, *place)


def test_no_fault__program__refine_has_a_list_of_warnings(medplib: Program, picture: Path) -> None:
    told = medplib("refine", picture, "--click", "3,3,+", "--json").json
    assert told["warnings"] == []
    assert set(told) == {"image", "masks", "warnings"}
