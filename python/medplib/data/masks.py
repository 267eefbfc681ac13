"""Masks as users have them: label maps, heat maps, colours, shapes in an alpha channel."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Set
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from . import notes
from .notes import Notes
from .pictures import is_read_alike, opened, tell, upright, varying_alpha
from .words import plain_words

Array = npt.NDArray[Any]
Inside = npt.NDArray[np.bool_]  # (H, W)

LOSSY = ("JPEG", "MPO")
KEPT_WORDS = ("<", ">", "USER:", "ASSISTANT:")


def as_phrase(text: str, where: str | Path) -> str:
    """Words for a question or an answer, as they are seen. Errors: ValueError."""
    phrase = plain_words(text)
    for word in KEPT_WORDS:
        if word in phrase:
            raise ValueError(
                f'{where}: "{phrase}" holds {word}, which means something else to a training: leave it out'
            )
    return phrase


@dataclass(frozen=True)
class Values:
    """The values and the colours of label maps that show each structure."""

    numbers: dict[str, set[int]]
    colours: dict[str, set[int]]  # 0xRRGGBB

    @property
    def structures(self) -> list[str]:
        return list(dict.fromkeys((*self.numbers, *self.colours)))

    @classmethod
    def parse(cls, text: str) -> Values:
        """Of "1=liver,2=spleen,#ff0000=left_kidney". Errors: ValueError."""
        numbers: dict[str, set[int]] = defaultdict(set)
        colours: dict[str, set[int]] = defaultdict(set)
        for part in text.split(","):
            key, _, name = (plain_words(side) for side in part.partition("="))
            structure = as_phrase(name.replace("_", " "), "--values")
            if not structure or not re.fullmatch(r"[0-9]{1,9}|#[0-9a-fA-F]{6}", key):
                raise ValueError(
                    f"--values {part[:60]!r}: say VALUE=NAME, such as 1=liver, or '#ff0000=liver' for a colour"
                )
            value = int(key.lstrip("#"), 16 if key.startswith("#") else 10)
            if value == 0:
                raise ValueError(f"--values {part[:60]!r}: 0 is what lies outside of every structure")
            (colours if key.startswith("#") else numbers)[structure].add(value)
        return cls(dict(numbers), dict(colours))


@dataclass(frozen=True)
class How:
    """What is inside a mask: where its values begin, or which of a label map's are of which structure."""

    threshold: float | None = None
    values: Values | None = None

    def __post_init__(self) -> None:
        if self.threshold is not None and not (isfinite(self.threshold) and self.threshold > 0):
            raise ValueError(f"--threshold is {self.threshold}: give a value above 0, where the inside begins")
        if self.threshold is not None and self.values is not None:
            raise ValueError("--threshold cuts heat maps and --values splits label maps: give one of them")

    @property
    def chosen(self) -> str:
        """The option that says it, if one does."""
        return "--values" if self.values else "--threshold" if self.threshold else ""


@dataclass(frozen=True)
class Stored:
    """A mask's pixels as a viewer shows them."""

    file: Path
    picture: Image.Image = field(repr=False)
    values: Array = field(repr=False)  # (H, W); uint32 are 0xRRGGBB, where not all of it is grey
    alpha: Array | None = field(repr=False)  # (H, W) uint8, where it is not the same everywhere
    lossy: bool  # its values have noise
    read_alike: bool  # a training can read the file itself, and sees the same pixels

    @property
    def coloured(self) -> bool:
        return self.values.dtype == np.uint32

    @property
    def shown(self) -> Array:
        """(H, W): above 0 is inside."""
        return self.values if self.alpha is None else self.alpha

    @property
    def grey(self) -> Array:
        """(H, W), as a training sees colours."""
        return np.asarray(self.picture.convert("L")) if self.coloured else self.values


def read_stored(file: Path, told: Notes) -> Stored:
    """Errors: ValueError."""
    with opened(file) as picture:
        tell(picture, file, notes.TURNED_MASKS, told)
        alike, lossy, shown = is_read_alike(picture), picture.format in LOSSY, upright(picture)
        if shown.mode.startswith(("I", "F")):  # of 32 bits a training reads none
            return Stored(file, shown, np.asarray(shown), None, lossy, alike and shown.mode != "I")
        alpha = varying_alpha(shown)
        if shown.mode in ("1", "L"):
            return Stored(file, shown, np.asarray(shown.convert("L")), alpha, lossy, alike and alpha is None)
        rgb = np.asarray(shown.convert("RGB"))
        is_grey = bool((rgb == rgb[..., :1]).all())
        return Stored(file, shown, rgb[..., 0] if is_grey else _codes(rgb), alpha, lossy, alike and alpha is None)


def _codes(rgb: Array) -> Array:
    red, green, blue = np.moveaxis(rgb.astype(np.uint32), -1, 0)
    codes: Array = red << 16 | green << 8 | blue
    return codes


def whole(stored: Stored, threshold: float | None, told: Notes) -> tuple[Inside, bool]:
    """All that the mask shows, and whether a training sees the same in the file itself. Errors: ValueError."""
    if stored.alpha is not None:
        told.add(notes.ALPHA, stored.file)
    if threshold is not None:
        return _cut(stored, threshold, told), False
    if stored.shown.dtype.kind == "f":
        raise ValueError(
            f"{stored.file}: the mask has fractions: say with --threshold where the inside begins, such as 0.5"
        )
    inside: Inside = stored.shown > 0
    if stored.lossy:
        told.add(notes.JPEG, stored.file)
    elif several := _several_values(stored.shown[inside]):
        told.add(notes.SEVERAL_VALUES, stored.file, several)
    return inside, stored.read_alike and bool((inside == (stored.grey > 0)).all())


def only_value(stored: Stored) -> str:
    """The one value above 0 that a mask has; nothing where it has several, or none, or noise."""
    values = np.unique(stored.values[stored.values > 0])
    return _listed(values) if len(values) == 1 and stored.alpha is None and not stored.lossy else ""


def _cut(stored: Stored, threshold: float, told: Notes) -> Inside:
    values = stored.grey if stored.alpha is None else stored.alpha
    inside: Inside = values >= threshold
    if not inside.any() and (values > 0).any():
        told.add(notes.CUT_AWAY, stored.file, f"up to {np.nanmax(values):g}")
    return inside


def split(stored: Stored, named: Values, told: Notes) -> dict[str, Inside]:
    """Each structure of a label map, also those of which it shows nothing."""
    numbers, colours = _layers(stored)
    nothing = np.zeros(stored.values.shape, bool)
    opaque = ~nothing if stored.alpha is None else stored.alpha > 0

    def any_of(layer: Array | None, keys: Set[int]) -> Inside:
        return nothing if layer is None or not keys else np.isin(layer, sorted(keys)) & opaque

    structures = {
        name: any_of(numbers, named.numbers.get(name, set())) | any_of(colours, named.colours.get(name, set()))
        for name in named.structures
    }
    left = stored.values[(stored.values > 0) & opaque & ~np.logical_or.reduce(list(structures.values()))]
    if left.size:
        told.add(notes.WITHOUT_NAME, stored.file, _listed(np.unique(left)))
    return structures


def _layers(stored: Stored) -> tuple[Array | None, Array | None]:
    """The numbers and the colours of a label map; None where it has none."""
    if stored.coloured:
        return (np.asarray(stored.picture) if stored.picture.mode == "P" else None), stored.values
    colours = stored.values * np.uint32(0x010101) if stored.values.dtype == np.uint8 else None
    return stored.values, colours


def _several_values(values: Array) -> str:
    """The first of them, where there is more than one."""
    if values.size == 0 or values.min() == values.max():
        return ""
    return _listed(np.unique(values))


def _listed(values: Array) -> str:
    """Colours are uint32."""
    names = [f"#{value:06x}" if values.dtype == np.uint32 else f"{value:g}" for value in values[: notes.NAMED]]
    return ", ".join(names) + (", …" if len(values) > notes.NAMED else "")
