"""What users stumble over in pictures and places, at the C interface: the same warnings as at the program."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from golden import MODEL, PICTURE, ROOT
from odd_pictures import ALPHA_MASKS, ODD_PICTURES, noisy_jpeg, saved
from PIL import Image
from programs import BUILD, compiled, run

WIDTH, HEIGHT = 330, 150
FRACTIONS, ALPHA, WHOLE = "looks like fractions", "alpha is the mask", "covers the whole of the image"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(ROOT / "tests/capi/interfaces/warnings.c", tmp_path_factory.mktemp("program") / "warnings")


def told_by(program: Path, picture: Path, region: str, click: tuple[float, float]) -> dict[str, list[str]]:
    """What ask, refine and embed_region are warned of in C."""
    told: dict[str, list[str]] = {"ask": [], "refine": [], "embed": []}
    for line in run(program, picture, region, *map(str, click), MEDPLIB_MODEL=str(MODEL)).splitlines():
        verb, sentence = line.split(": ", 1)
        told[verb].append(sentence)
    return told


def asked_of_the_program(picture: Path, region: str) -> list[str]:
    options = ["--max-new-tokens", "1", "--json", "--region", region]
    answer = run(BUILD / "bin/medplib", "ask", picture, "What is this?", *options, MEDPLIB_MODEL=str(MODEL))
    warnings: list[str] = json.loads(answer)["warnings"]
    return warnings


def brush() -> npt.NDArray[np.uint8]:
    pixels = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    pixels[..., 0] = 255
    pixels[40:100, 90:200, 3] = 180
    return pixels


@pytest.mark.parametrize("form", ALPHA_MASKS)
def test_alpha_mask__c(program: Path, form: str, tmp_path: Path) -> None:
    mask = ALPHA_MASKS[form](tmp_path, brush())
    told = told_by(program, PICTURE, f"mask:{mask}", (100, 80))
    assert told["ask"] == asked_of_the_program(PICTURE, f"mask:{mask}")
    for verb, sentences in told.items():
        (sentence,) = [each for each in sentences if ALPHA in each]
        assert (str(mask) in sentence) == (verb == "ask"), "a log holds no name"


@pytest.mark.parametrize("form", ODD_PICTURES)
def test_odd_picture__c(program: Path, form: str, tmp_path: Path) -> None:
    make, saying = ODD_PICTURES[form]
    picture = make(tmp_path, np.array(Image.open(PICTURE).convert("RGB")))
    told = told_by(program, picture, "box:50,50,150,140", (100, 80))
    assert told["ask"] == asked_of_the_program(picture, "box:50,50,150,140")
    for verb, sentences in told.items():
        (sentence,) = [each for each in sentences if saying in each]
        assert (str(picture) in sentence) == (verb == "ask"), "a log holds no name"


def test_noisy_jpeg_mask__c(program: Path, tmp_path: Path) -> None:
    mask = noisy_jpeg(tmp_path / "m.jpg", brush()[..., 3] > 0)
    told = told_by(program, PICTURE, f"mask:{mask}", (100, 80))
    assert told["ask"] == asked_of_the_program(PICTURE, f"mask:{mask}")
    for sentences in told.values():
        assert sum("is a JPEG file" in each for each in sentences) == 1


@pytest.mark.parametrize("region", ["point:0.15,0.47", "box:0.12,0.38,0.23,0.55", "polygon:0.1,0.2,0.5,0.2,0.3,0.7"])
def test_fractions__c(program: Path, region: str) -> None:
    told = told_by(program, PICTURE, region, (0.15, 0.47))
    assert told["ask"] == asked_of_the_program(PICTURE, region)
    assert {verb: sum(FRACTIONS in each for each in said) for verb, said in told.items()} == {
        "ask": 1,
        "refine": 2,  # of the region and of the click
        "embed": 1,
    }


@pytest.mark.parametrize("region", ["point:14,14", "box:0,0,27,27"])
def test_whole_picture__c(program: Path, region: str, tmp_path: Path) -> None:
    picture = saved(tmp_path / "small.png", Image.fromarray((np.arange(784) % 251).astype(np.uint8).reshape(28, 28)))
    told = told_by(program, picture, region, (5, 5))
    assert told["ask"] == asked_of_the_program(picture, region)
    for sentences in told.values():
        assert sum(WHOLE in each for each in sentences) == 1


def test_no_fault__c__is_not_told(program: Path) -> None:
    told = told_by(program, PICTURE, "box:50,50,150,140", (100, 80))
    assert (told["refine"], told["embed"]) == ([], [])
    assert all("cut at max_new_tokens" in each for each in told["ask"])
