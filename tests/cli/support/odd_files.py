"""Odd pictures and masks, and what is told of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from odd_pictures import saved
from PIL import Image
from program import Program

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


def turn(path: Path, orientation: int) -> Path:
    """The picture as a JPEG of this EXIF orientation."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return saved(path.with_suffix(".jpg"), Image.open(path).convert("RGB"), exif=exif)
