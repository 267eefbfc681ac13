"""How SA-Med2D-20M calls its files, and MeCoVQA the masks that are merged out of them.

images/IMAGE.png, masks/IMAGE--CLASS_INSTANCE.png with four and three digits, masks_merged/IMAGE--CLASS_merged.png.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from .files import UNSHOWN

IMAGES, MASKS, MERGED = "images", "masks", "masks_merged"

_CLASS = rf"([^/{UNSHOWN}]+)--([0-9]{{4,}})"
_INSTANCE = re.compile(rf"{_CLASS}_([0-9]{{3,}})\.png")
_MERGED = re.compile(rf"{_CLASS}_merged\.png")


class ClassOfImage(NamedTuple):
    """What one merged mask shows."""

    image: str  # without folder and ending
    number: str  # of the class, with leading zeros

    @property
    def merged(self) -> str:
        return f"{MERGED}/{self.image}--{self.number}_merged.png"

    def instance(self, instance: str) -> str:
        return f"{MASKS}/{self.image}--{self.number}_{instance}.png"


def parse_instance(name: str) -> tuple[ClassOfImage, str] | None:
    """Of a name in masks/ the class and the instance."""
    match = _INSTANCE.fullmatch(name)
    return (ClassOfImage(match[1], match[2]), match[3]) if match else None


def parse_merged(path: str) -> ClassOfImage | None:
    """Of a path as records have it."""
    folder, _, name = path.rpartition("/")
    match = _MERGED.fullmatch(name) if folder == MERGED else None
    return ClassOfImage(match[1], match[2]) if match else None
