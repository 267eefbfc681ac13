"""What users stumble over in pictures and places, at the program: test_FAULT_VERB, for each format."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from odd_pictures import saved, sixteen_bit_png, tiff
from PIL import Image
from program import Once, Program
from training import make_training

SHORT = ("--max-new-tokens", "1")
WIDTH, HEIGHT = 64, 48  # of the picture
Bytes = npt.NDArray[np.uint8]


def told_everywhere(medplib: Program, words: str, *call: str | Path) -> Any:
    """Whether a warning with these words, and one only, is in the JSON and the same on stderr; without --json, too.

    Gives the JSON.
    """
    ended = medplib(*call, "--json")
    (warning,) = [each for each in ended.json["warnings"] if words in each]
    assert f"medplib: warning: {warning}\n" in ended.err
    assert f"medplib: warning: {warning}\n" in medplib(*call).err
    return ended.json


def painted() -> Bytes:
    """RGBA: red all over, a shape in alpha alone."""
    rows, columns = np.indices((HEIGHT, WIDTH))
    pixels = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    pixels[..., 0] = 255
    pixels[..., 3] = np.where(((columns - 30) / 16) ** 2 + ((rows - 20) / 12) ** 2 <= 1, 180, 0)
    return pixels


@pytest.fixture
def brush() -> Bytes:
    return painted()


MASKS: dict[str, Callable[[Path, Bytes], Path]] = {
    "rgba_png": lambda folder, brush: saved(folder / "m.png", Image.fromarray(brush)),
    "la_png": lambda folder, brush: saved(folder / "m.png", Image.fromarray(brush[..., [0, 3]], "LA")),
    "rgba16_png": lambda folder, brush: sixteen_bit_png(folder / "m.png", brush),
    "rgba_tiff": lambda folder, brush: saved(folder / "m.tif", Image.fromarray(brush)),
    "la_tiff": lambda folder, brush: saved(folder / "m.tif", Image.fromarray(brush[..., [0, 3]], "LA")),
}


@pytest.fixture(params=MASKS)
def alpha_mask(request: pytest.FixtureRequest, brush: Bytes, tmp_path: Path) -> Path:
    return MASKS[request.param](tmp_path, brush)


@pytest.fixture(scope="module")
def grey_mask(once: Once) -> str:
    """The same shape, in grey."""
    return saved(once.folder / "grey.png", Image.fromarray((painted()[..., 3] > 0).astype(np.uint8) * 255)).name


@pytest.mark.parametrize("verb", [("ask", "what?"), ("describe",)])
def test_alpha_mask_region(
    medplib: Program, once: Once, picture: Path, alpha_mask: Path, grey_mask: str, verb: tuple[str, ...]
) -> None:
    call = (verb[0], "eye.png", *verb[1:], *SHORT, "--overlay", f"{verb[0]}.png", "--region")
    told_everywhere(medplib, "alpha is the mask", *call, f"mask:{alpha_mask}")
    once(*call, f"mask:{grey_mask}")
    alpha, grey = (folder / f"{verb[0]}.png" for folder in (medplib.folder, once.folder))
    assert alpha.read_bytes() == grey.read_bytes()


def test_alpha_mask_refine(medplib: Program, once: Once, picture: Path, alpha_mask: Path, grey_mask: str) -> None:
    call = ("refine", "eye.png", "--click", "30,20,+", "--mask")
    alpha = told_everywhere(medplib, "alpha is the mask", *call, alpha_mask)
    grey = once(*call, grey_mask, "--json").json
    assert grey["warnings"] == []
    assert alpha["masks"][0]["rle"] == grey["masks"][0]["rle"]


def turn(path: Path, orientation: int) -> Path:
    """The picture as a JPEG of this EXIF orientation."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return saved(path.with_suffix(".jpg"), Image.open(path).convert("RGB"), exif=exif)


@pytest.mark.parametrize("verb", [("ask", "what?"), ("segment", "disc"), ("refine", "--click", "3,3,+")])
def test_exif_every_verb(medplib: Program, picture: Path, verb: tuple[str, ...]) -> None:
    short = () if verb[0] == "refine" else SHORT
    told_everywhere(medplib, "EXIF orientation 3", verb[0], turn(picture, 3), *verb[1:], *short)


def test_exif_mask(medplib: Program, picture: Path, brush: Bytes, tmp_path: Path) -> None:
    mask = turn(saved(tmp_path / "m.png", Image.fromarray(brush[..., 3])), 6)
    told_everywhere(medplib, "EXIF orientation 6", "ask", picture, "what?", "--region", f"mask:{mask}", *SHORT)
    told_everywhere(medplib, "EXIF orientation 6", "refine", picture, "--click", "3,3,+", "--mask", mask)


def change_records(folder: Path, change: Callable[[str], str]) -> None:
    """Puts other files into the place of those that the records name."""
    records = (folder / "records.json").read_text()
    (folder / "records.json").write_text(change(records))


def warnings_of(medplib: Program, *call: str) -> list[str]:
    begin = "medplib: warning: "
    return [line.removeprefix(begin) for line in medplib(*call).err.splitlines() if line.startswith(begin)]


def trained(medplib: Program) -> list[str]:
    """What a training and its dry run both warn of."""
    planned = warnings_of(medplib, "train", "recipe.json", "steps=1", "--dry-run")
    assert warnings_of(medplib, "train", "recipe.json", "steps=1", "--out", "out") == planned
    return planned


def test_exif_train_jpeg(medplib: Program, folder: Path) -> None:
    for i in range(3):
        turn(folder / f"{i}.png", 3 if i < 2 else 8)
    change_records(folder, lambda text: text.replace('.png", "set"', '.jpg", "set"'))
    first, second = trained(medplib)
    assert first.startswith("Of 2 files (0.jpg, 1.jpg) each says (EXIF orientation 3) that it is to be shown turned")
    assert "2.jpg" in second
    assert "says (EXIF orientation 8) that it is to be shown turned" in second


@pytest.mark.parametrize("what", ["mask", "region", "validation"])
def test_exif_train_masks_and_validation(medplib: Program, folder: Path, what: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 3
    saved(folder / "turned.png", Image.open(folder / "mask-1.png"), exif=exif)
    if what == "validation":
        validated = json.loads((folder / "records.json").read_text())
        validated[2]["conversations"][1]["value"] = "Sure, it is <SEG>.<mask>turned.png</mask>"
        (folder / "judge.json").write_text(json.dumps(validated))
        recipe = json.loads((folder / "recipe.json").read_text())
        (folder / "recipe.json").write_text(json.dumps({**recipe, "validate": "judge.json"}))
    else:
        change_records(folder, lambda text: text.replace(f"<{what}>mask-1.png", f"<{what}>turned.png"))
    (told,) = trained(medplib)
    assert "turned.png" in told
    assert "EXIF orientation 3" in told


@pytest.mark.parametrize(
    ("area", "saying"), [((20, 20, 21, 21), "is too small for the model's grid"), (None, "covers the whole of")]
)
def test_whole_and_small_places_train(
    medplib: Program, folder: Path, area: tuple[int, int, int, int] | None, saying: str
) -> None:
    place = Image.new("L", Image.open(folder / "mask-1.png").size, 0 if area else 255)
    if area:
        place.paste(255, area)
    saved(folder / "place.png", place)
    change_records(folder, lambda text: text.replace("<region>mask-1.png", "<region>place.png"))
    (told,) = trained(medplib)
    assert "place.png" in told
    assert saying in told


def test_outlier_of_16_bits_train(medplib: Program, folder: Path) -> None:
    width, height = Image.open(folder / "0.png").size
    scan = np.arange(width * height, dtype=np.uint16).reshape(height, width) % 3000
    scan[0] = 65535
    saved(folder / "burned.png", Image.fromarray(scan))
    change_records(folder, lambda text: text.replace('"image": "0.png"', '"image": "burned.png"'))
    (told,) = trained(medplib)
    assert "burned.png" in told
    assert "nearly all its values in a small part" in told
    assert told in warnings_of(medplib, "ask", str(folder / "burned.png"), "what?", *SHORT)


def test_more_than_five_files_are_counted_train(medplib: Program, folder: Path) -> None:
    records = json.loads((folder / "records.json").read_text())
    copies = []
    for i in range(7):
        exif = Image.Exif()
        exif[0x0112] = 3
        saved(folder / f"copy{i}.jpg", Image.open(folder / "0.png"), exif=exif)
        copies.append({**records[0], "id": f"c{i}", "image": f"copy{i}.jpg"})
    (folder / "records.json").write_text(json.dumps(copies))
    (told,) = trained(medplib)
    assert told.startswith("Of 7 files (copy0.jpg, copy1.jpg, copy2.jpg, copy3.jpg, copy4.jpg and 2 more) each says")


def loss(folder: Path) -> float:
    return float(json.loads((folder / "log.jsonl").read_text())["loss"])


@pytest.fixture(scope="module")
def loss_of_grey(tmp_path_factory: pytest.TempPathFactory) -> float:
    folder = tmp_path_factory.mktemp("grey")
    make_training(folder)
    Program(folder)("train", "recipe.json", "steps=1", "--out", "out")
    return loss(folder / "out")


@pytest.mark.parametrize("form", ["rgba_png", "la_png", "rgba_tiff"])
def test_alpha_mask_train(medplib: Program, folder: Path, loss_of_grey: float, form: str) -> None:
    inside = np.asarray(Image.open(folder / "mask-1.png"))
    painted = np.zeros((*inside.shape, 4), np.uint8)
    painted[..., 0], painted[..., 3] = 255, inside
    (folder / "alpha").mkdir()
    mask = MASKS[form](folder / "alpha", painted)
    change_records(folder, lambda text: text.replace("mask-1.png", f"alpha/{mask.name}"))
    (told,) = trained(medplib)
    assert "alpha is the mask" in told
    assert loss(folder / "out") == loss_of_grey


def test_channels_and_pages_train(medplib: Program, folder: Path) -> None:
    pixels = np.asarray(Image.open(folder / "0.png"))
    saved(folder / "0.tif", Image.open(folder / "0.png"), save_all=True, append_images=[Image.open(folder / "1.png")])
    tiff(folder / "1.tif", np.concatenate([np.moveaxis(pixels, -1, 0)] * 2), 1)
    change_records(folder, lambda text: text.replace('"0.png"', '"0.tif"').replace('"1.png"', '"1.tif"'))
    pages, channels = trained(medplib)
    assert "0.tif" in pages
    assert "holds several pictures" in pages
    assert "1.tif" in channels
    assert "holds 6 channels; the first is read" in channels


def test_nothing_odd_is_not_told_train(medplib: Program, folder: Path) -> None:
    assert trained(medplib) == []


def test_outlier_of_16_bits_info(medplib: Program, tmp_path: Path) -> None:
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
def test_fractions_region(medplib: Program, picture: Path, verb: tuple[str, ...], place: str) -> None:
    told_everywhere(medplib, "looks like fractions", verb[0], picture, *verb[1:], "--region", place, *SHORT)


@pytest.mark.parametrize("place", [("--click", "0.15,0.47,+"), ("--region", "box:0.12,0.38,0.23,0.55")])
def test_fractions_refine(medplib: Program, picture: Path, place: tuple[str, ...]) -> None:
    told_everywhere(medplib, "looks like fractions", "refine", picture, *place)


def test_fractions_chat_and_jsonl(medplib: Program, picture: Path) -> None:
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
def test_whole_picture_region(medplib: Program, small: Path, verb: tuple[str, ...], place: str) -> None:
    told_everywhere(medplib, WHOLE, verb[0], small, *verb[1:], "--region", place, *SHORT)


@pytest.mark.parametrize("place", [("--region", "box:0,0,27,27"), ("--click", "3,3,+", "--mask", "all.png")])
def test_whole_picture_refine(medplib: Program, small: Path, place: tuple[str, ...]) -> None:
    told_everywhere(medplib, WHOLE, "refine", small, *place)


def test_refine_json_has_warnings(medplib: Program, picture: Path) -> None:
    told = medplib("refine", picture, "--click", "3,3,+", "--json").json
    assert told["warnings"] == []
    assert set(told) == {"image", "masks", "warnings"}
