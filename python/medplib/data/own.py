"""A user's own folder of images and masks, and what of it cannot be used."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff")
KEPT_WORDS = ("<", ">", "USER:", "ASSISTANT:")


@dataclass(frozen=True)
class Drawn:
    """A mask, and whether anything or everything is set in it."""

    file: Path
    anything: bool
    everything: bool


@dataclass(frozen=True)
class Own:
    """An image of the user's, and the mask of each structure that was looked for in it."""

    image: Path
    masks: dict[str, Drawn]  # by phrase
    group: str  # what it is learnt from or held out with, such as a patient

    @property
    def name(self) -> str:
        return self.image.stem


def as_phrase(text: str, where: str | Path) -> str:
    """Words for a question or an answer, with single spaces."""
    phrase = " ".join(text.split())
    for word in KEPT_WORDS:
        if word in phrase:
            raise ValueError(
                f'{where}: "{phrase}" holds {word}, which means something else to a training: leave it out'
            )
    return phrase


def read_folder(root: Path, phrase: str, group: str) -> tuple[list[Own], list[Path]]:
    """Every image of root/images that has masks, and those that have none.

    root/masks/NAME.png shows `phrase`, NAME__structure.png structure. An image's group is what `group` finds in its
    name; without `group`, it is one by itself.
    """
    files = _pictures(root, "images")
    _refuse_twins(files)
    masks = _masks_by_name(root, {file.stem for file in files}, phrase)
    if not masks:
        raise ValueError(f"{root}: no image in images/ has a mask in masks/")
    found = []
    for file in files:
        if file.stem in masks:
            drawn = {phrase: _read_mask(mask, file) for phrase, mask in masks[file.stem].items()}
            found.append(Own(file, drawn, _group_of(file, group)))
    return found, [file for file in files if file.stem not in masks]


def _pictures(root: Path, folder: str) -> list[Path]:
    files = sorted(file for file in (root / folder).iterdir() if file.suffix.lower() in SUFFIXES)
    for file in files:
        if not file.resolve().is_relative_to(root.resolve()):
            raise ValueError(f"{file} leads out of {root}, to {file.resolve()}, which no training reads: copy it there")
    return files


def _refuse_twins(images: Sequence[Path]) -> None:
    """Two images of one name would share masks and the names of records."""
    by_name: dict[str, Path] = {}
    for image in images:
        first = by_name.setdefault(image.stem, image)
        if first is not image:
            raise ValueError(
                f"{image}: {first.name} has the same name, and a mask may be of either; rename one with its masks"
            )


def _masks_by_name(root: Path, names: Container[str], phrase: str) -> dict[str, dict[str, Path]]:
    """The masks of each image by what they show."""
    masks: dict[str, dict[str, Path]] = defaultdict(dict)
    for mask in _pictures(root, "masks"):
        name, structure = _split_name(mask, names)
        shown = as_phrase(structure.replace("_", " "), mask) or phrase
        if not shown:
            raise ValueError(
                f"{mask}: what does this mask show? Say it with --phrase, or call it {name}__STRUCTURE{mask.suffix}"
            )
        if shown in masks[name]:
            raise ValueError(
                f"{mask}: {masks[name][shown].name} shows {shown} in the same image; take one of them away"
            )
        masks[name][shown] = mask
    return masks


def _split_name(mask: Path, names: Container[str]) -> tuple[str, str]:
    """The longest name of an image with which that of the mask begins, and the structure behind it."""
    stem = mask.stem
    for end in range(len(stem), 0, -1):
        if stem[:end] in names and stem[end : end + 2] in ("", "__"):
            return stem[:end], stem[end + 2 :]
    raise ValueError(f"{mask}: there is no image of this name in {mask.parent.with_name('images')}")


@contextmanager
def _opened(file: Path) -> Iterator[Image.Image]:
    """The picture, and a sentence that names the file where it cannot be read, also later."""
    try:
        with Image.open(file) as picture:
            yield picture
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:  # Pillow raises each of them
        raise ValueError(f"{file} cannot be read: {error}") from error


def _read_mask(file: Path, image: Path) -> Drawn:
    with _opened(image) as picture:
        width, height = picture.size
    with _opened(file) as mask:
        if mask.size != (width, height):
            raise ValueError(
                f"{file}: the mask has {mask.width} x {mask.height} pixels, "
                f"but its image {image} has {width} x {height}"
            )
        if mask.mode == "F":
            raise ValueError(f"{file}: the mask has fractions, which no training reads: save it with 8 bits a pixel")
        if _is_transparent(mask):
            raise ValueError(
                f"{file}: the mask is transparent in places, but only its colours are read: "
                "save it without an alpha channel, black outside and white inside"
            )
        grey = np.asarray(mask.convert("L"))
    return Drawn(file, bool(grey.any()), bool(grey.all()))


def _is_transparent(mask: Image.Image) -> bool:
    if "A" not in mask.getbands() and "transparency" not in mask.info:
        return False
    return bool((np.asarray(mask.convert("RGBA"))[..., 3] < 255).any())


def _group_of(image: Path, group: str) -> str:
    if not group:
        return image.stem
    match = re.search(group, image.stem)
    if match is None or not match[0]:
        raise ValueError(f"{image}: --group {group} finds nothing in this name; it must find something in each")
    return match[0]
