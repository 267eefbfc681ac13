"""What users stumble over in pictures and places, in a training: test_FAULT__training, for each format."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from odd_files import SHORT, turn
from odd_pictures import ALPHA_MASKS, ODD_PICTURES, noisy_jpeg, saved, tiff
from PIL import Image
from program import Program
from training import make_training


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


def test_exif__training__jpeg(medplib: Program, folder: Path) -> None:
    for i in range(3):
        turn(folder / f"{i}.png", 3 if i < 2 else 8)
    change_records(folder, lambda text: text.replace('.png", "set"', '.jpg", "set"'))
    first, second = trained(medplib)
    assert first.startswith("Of 2 files (0.jpg, 1.jpg) each says (EXIF orientation 3) that it is to be shown turned")
    assert "2.jpg" in second
    assert "says (EXIF orientation 8) that it is to be shown turned" in second


@pytest.mark.parametrize("what", ["mask", "region", "validation"])
def test_exif__training__masks_and_validation(medplib: Program, folder: Path, what: str) -> None:
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
def test_whole_picture__training__and_small_places(
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


def test_outlier_of_16_bits__training__is_told_as_when_asked(medplib: Program, folder: Path) -> None:
    width, height = Image.open(folder / "0.png").size
    scan = np.arange(width * height, dtype=np.uint16).reshape(height, width) % 3000
    scan[0] = 65535
    saved(folder / "burned.png", Image.fromarray(scan))
    change_records(folder, lambda text: text.replace('"image": "0.png"', '"image": "burned.png"'))
    (told,) = trained(medplib)
    assert "burned.png" in told
    assert "nearly all its values in a small part" in told
    assert told in warnings_of(medplib, "ask", str(folder / "burned.png"), "what?", *SHORT)


def test_exif__training__more_than_five_files_are_counted(medplib: Program, folder: Path) -> None:
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


@pytest.mark.parametrize("form", ALPHA_MASKS)
def test_alpha_mask__training(medplib: Program, folder: Path, loss_of_grey: float, form: str) -> None:
    inside = np.asarray(Image.open(folder / "mask-1.png"))
    painted = np.zeros((*inside.shape, 4), np.uint8)
    painted[..., 0], painted[..., 3] = 255, inside
    (folder / "alpha").mkdir()
    mask = ALPHA_MASKS[form](folder / "alpha", painted)
    change_records(folder, lambda text: text.replace("mask-1.png", f"alpha/{mask.name}"))
    (told,) = trained(medplib)
    assert "alpha is the mask" in told
    assert loss(folder / "out") == loss_of_grey


def test_channels_left_out__training__and_pages(medplib: Program, folder: Path) -> None:
    pixels = np.asarray(Image.open(folder / "0.png"))
    saved(folder / "0.tif", Image.open(folder / "0.png"), save_all=True, append_images=[Image.open(folder / "1.png")])
    tiff(folder / "1.tif", np.concatenate([np.moveaxis(pixels, -1, 0)] * 2), 1)
    change_records(folder, lambda text: text.replace('"0.png"', '"0.tif"').replace('"1.png"', '"1.tif"'))
    pages, channels = trained(medplib)
    assert "0.tif" in pages
    assert "holds several pictures" in pages
    assert "1.tif" in channels
    assert "holds 6 channels; the first is read" in channels


def test_no_fault__training__is_not_told(medplib: Program, folder: Path) -> None:
    assert trained(medplib) == []


@pytest.mark.parametrize("form", ODD_PICTURES)
def test_odd_picture__training__is_told_as_when_asked(medplib: Program, folder: Path, form: str) -> None:
    make, saying = ODD_PICTURES[form]
    (folder / "odd").mkdir()
    picture = make(folder / "odd", np.array(Image.open(folder / "0.png")))
    change_records(folder, lambda text: text.replace('"image": "0.png"', f'"image": "odd/{picture.name}"'))
    (told,) = trained(medplib)
    assert saying in told
    assert told in warnings_of(medplib, "ask", str(picture), "what?", *SHORT)


def test_noisy_jpeg_mask__training(medplib: Program, folder: Path) -> None:
    for kind in ("mask", "region"):
        mask = noisy_jpeg(folder / f"noisy-{kind}.jpg", np.array(Image.open(folder / "mask-1.png")) > 0)
        change_records(folder, lambda text: text.replace(f"<{kind}>mask-1.png", f"<{kind}>{mask.name}"))  # noqa: B023
    (told,) = trained(medplib)
    assert told.startswith("Of 2 files (noisy-region.jpg, noisy-mask.jpg) each is a JPEG file, which blurs edges")


def test_list_with_nul__training__a_name_in_records_is_refused(medplib: Program, folder: Path) -> None:
    change_records(folder, lambda text: text.replace('"image": "0.png"', '"image": "0.png\\u0000x"'))
    ended = medplib("train", "recipe.json", "--dry-run", code=4)
    assert "0.png" in ended.err
    assert '"0.png\\0x"' in ended.err


def test_white_space_in_words__training__is_learnt_as_it_is_seen(
    medplib: Program, folder: Path, loss_of_grey: float
) -> None:
    odd = {"segment the": "segment\\u00a0\\u200bthe", "in this": "in\\tthis"}
    for plain, seen_the_same in odd.items():
        assert plain in (folder / "records.json").read_text()
        change_records(folder, lambda text: text.replace(plain, seen_the_same))  # noqa: B023
    assert trained(medplib) == []
    assert loss(folder / "out") == loss_of_grey
