"""How SA-Med2D-20M calls its files, and MeCoVQA the masks that are merged out of them.

images/IMAGE.png with IMAGE = {modality}_{nn}--{dataset}--{case}--{axis}_{index}, masks/IMAGE--CLASS_INSTANCE.png with
four and three digits, masks_merged/IMAGE--CLASS_merged.png.
"""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import NamedTuple

from .files import UNSHOWN

IMAGES, MASKS, MERGED = "images", "masks", "masks_merged"

_SPELT = {"ct": "CT", "mr": "MR", "pet": "PET", "x": "X-ray"}
_CLASS = rf"([^/{UNSHOWN}]+)--([0-9]{{4,}})"
_INSTANCE = re.compile(rf"{_CLASS}_([0-9]{{3,}})\.png")
_MERGED = re.compile(rf"{_CLASS}_merged\.png")


class PictureName(NamedTuple):
    """What an image's name tells; all empty where it is of another form."""

    modality: str = ""  # as medplib data check counts it: "CT", "X-ray", "ultrasound"
    set: str = ""
    case: str = ""


class ClassOfImage(NamedTuple):
    """What one merged mask shows."""

    image: str  # without folder and ending
    number: str  # of the class, with leading zeros

    @property
    def merged(self) -> str:
        return f"{MERGED}/{self.image}--{self.number}_merged.png"

    def instance(self, instance: str) -> str:
        return f"{MASKS}/{self.image}--{self.number}_{instance}.png"


def parse_picture(image: str) -> PictureName:
    """As the engine's parse_picture_name has it."""
    beginning, *parts = PurePath(image).name.split("--", 3)
    modality, numbered, _ = beginning.partition("_")
    if len(parts) < 3 or not (modality and numbered and parts[0]):
        return PictureName()
    return PictureName(_SPELT.get(modality, modality), parts[0], parts[1])


def parse_instance(name: str) -> tuple[ClassOfImage, str] | None:
    """Of a name in masks/ the class and the instance."""
    match = _INSTANCE.fullmatch(name)
    return (ClassOfImage(match[1], match[2]), match[3]) if match else None


def parse_merged(path: str) -> ClassOfImage | None:
    """Of a path as records have it."""
    folder, _, name = path.rpartition("/")
    match = _MERGED.fullmatch(name) if folder == MERGED else None
    return ClassOfImage(match[1], match[2]) if match else None
