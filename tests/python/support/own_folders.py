"""Folders of pictures and masks as users have them, and what a training would see of them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import medplib
import numpy as np
import numpy.typing as npt
from medplib.data.__main__ import main
from PIL import Image, ImageOps

MODEL = Path(__file__).resolve().parents[3] / "models/tiny"
WIDTH, HEIGHT = 48, 32
Array = npt.NDArray[Any]


def scene() -> Array:
    """A picture that differs from itself however it is turned."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    return np.dstack([rows * 5, columns * 5, rows + columns]).astype(np.uint8)


def shape(x: int, y: int) -> Array:
    inside = np.zeros((HEIGHT, WIDTH), bool)
    inside[y : y + 8, x : x + 12] = True
    return inside


LIVER, SPLEEN = shape(3, 4), shape(30, 20)
LABELS = LIVER * np.uint8(1) + SPLEEN * np.uint8(2)


def save(array: Array, file: Path, mode: str = "", orientation: int = 1, **options: Any) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(array)
    exif = Image.Exif()
    exif[0x0112] = orientation
    if orientation != 1:
        options["exif"] = exif
    (picture.convert(mode) if mode else picture).save(file, **options)


def pairs(root: Path, mask: Array, ending: str = "png", count: int = 10, **options: Any) -> Path:
    """`count` pictures, each with this mask."""
    for index in range(count):
        save(scene(), root / f"images/case{index}.png")
        save(mask, root / f"masks/case{index}.{ending}", **options)
    return root


def read(root: Path, *more: str) -> int:
    return main(["folder", str(root), "--model", str(MODEL), *more])


def records(root: Path) -> list[dict[str, Any]]:
    return [record for part in ("train", "validate") for record in json.loads((root / f"{part}.json").read_text())]


def files_of(root: Path) -> dict[tuple[str, str], tuple[Path, Path | None]]:
    """By name and structure the image and, where there is something, the mask that are learnt from."""
    files: dict[tuple[str, str], tuple[Path, Path | None]] = {}
    for record in records(root):
        if record["task"] in ("segment", "absent"):
            image, answer = root / record["image"], record["conversations"][1]["value"]
            mask = re.search("<mask>(.*)</mask>", answer)
            files[image.stem, record["structure"]] = (image, root / mask[1] if mask else None)
    return files


def inside(file: Path | None) -> Array:
    """As a training reads the mask."""
    assert file is not None
    with Image.open(file) as picture:
        width, height = picture.size
    return medplib.Mask.from_region(medplib.Region.mask_file(file), width, height).array


def masks_are(root: Path, structure: str, expected: Array, count: int = 10) -> None:
    files = [mask for (_, named), (_, mask) in files_of(root).items() if named == structure]
    assert len(files) == count
    for mask in files:
        np.testing.assert_array_equal(inside(mask), expected)


def written(array: Array, **options: Any) -> Callable[[Path], None]:
    return lambda file: save(array, file, **options)


def with_masks(root: Path, write: Callable[[Path], None], ending: str) -> Path:
    for index in range(10):
        save(scene(), root / f"images/case{index}.png")
        write(root / f"masks/case{index}.{ending}")
    return root


def stored(upright: Array, orientation: int) -> Array:
    """The pixels that EXIF's orientation makes a viewer show as `upright`."""
    back = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}[orientation]
    picture = Image.fromarray(upright)
    picture.getexif()[0x0112] = back
    return np.asarray(ImageOps.exif_transpose(picture))


def as_viewed(file: Path) -> Array:
    with Image.open(file) as picture:
        return np.asarray(ImageOps.exif_transpose(picture).convert("RGB"))


def in_alpha(mode: str) -> Array:
    """Red or white everywhere, the shape in alpha alone."""
    alpha = LIVER * np.uint8(255)
    colours = [np.full_like(alpha, 255)] if mode == "LA" else [np.full_like(alpha, value) for value in (200, 30, 30)]
    return np.dstack([*colours, alpha])
