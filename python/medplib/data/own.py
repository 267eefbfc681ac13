"""A user's own folder of images and masks, and what of it cannot be used."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Container, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

from PIL import Image

from . import notes
from .masks import How, Inside, Values, as_phrase, only_value, read_stored, split, whole
from .notes import Notes
from .pictures import PREPARED, Shown, pictures_in, prepare_image, save_png


@dataclass(frozen=True)
class Drawn:
    """A mask, and whether anything is set in it."""

    file: Path
    anything: bool


@dataclass(frozen=True)
class Own:
    """An image of the user's, and the mask of each structure that was looked for in it."""

    image: Path
    masks: dict[str, Drawn]  # by phrase
    group: str  # what it is learnt from or held out with, such as a patient
    places: Sequence[tuple[str, Drawn]] = ()  # each with the phrase of what is there, of which there may be no mask

    @property
    def name(self) -> str:
        return self.image.stem


@dataclass(frozen=True)
class MaskFile:
    """A file of masks/, and what it shows."""

    file: Path
    phrases: Sequence[str]
    values: Values | None = None  # of a label map


@dataclass(frozen=True)
class OwnFolder:
    """Images in root/images, masks in root/masks; what of them a training would read otherwise is copied."""

    root: Path
    phrase: str  # what masks show that don't say it in their names
    group: str  # what an image's group is found by in its name; without, it is one by itself
    how: How

    @cached_property
    def told(self) -> Notes:
        """What is to be said of the files."""
        return Notes(self.root)

    @cached_property
    def _values_met(self) -> dict[str, dict[str, Path]]:
        """Of each structure the values of masks that have one alone, and the first mask of each."""
        return defaultdict(dict)

    def read(self) -> list[Own]:
        """Every image that has masks. Errors: OSError, ValueError."""
        try:
            found = self._read()
            if self.how.chosen and not any(mask.anything for own in found for mask in own.masks.values()):
                raise ValueError(f"{self.root}: no mask shows anything by {self.how.chosen}")
        except ValueError as error:
            raise ValueError("; ".join([str(error), *self.told.lines(notes.BEHIND_ERRORS, named=1)])) from error
        return found

    def _read(self) -> list[Own]:
        files = pictures_in(self.root, "images", self.told)
        _refuse_twins(files)
        masks = self._masks_by_name({file.stem for file in files})
        if not masks:
            raise ValueError(f"{self.root}: no image in images/ has a mask in masks/")
        for file in files:
            if file.stem not in masks:
                self.told.add(notes.WITHOUT_MASK, file)
        found = [self._own(file, masks[file.stem]) for file in files if file.stem in masks]
        for met in self._values_met.values():
            for value, file in met.items() if len(met) > 1 else ():
                self.told.add(notes.VALUES_APART, file, value)
        return found

    def _own(self, file: Path, masks: Sequence[MaskFile]) -> Own:
        image = prepare_image(self.root, file, self.told)
        drawn: dict[str, Drawn] = {}
        for mask in masks:
            drawn |= self._drawn(mask, image)
        return Own(image.file, drawn, _group_of(file, self.group))

    def _masks_by_name(self, names: Container[str]) -> dict[str, list[MaskFile]]:
        """The masks of each image."""
        masks: dict[str, list[MaskFile]] = defaultdict(list)
        for file in pictures_in(self.root, "masks", self.told):
            name, structure = _split_name(file, names)
            mask = self._mask_file(file, structure, name)
            for other in masks[name]:
                if both := [phrase for phrase in mask.phrases if phrase in other.phrases]:
                    raise ValueError(
                        f"{file}: {other.file.name} shows {both[0]} in the same image; take one of them away"
                    )
            masks[name].append(mask)
        return masks

    def _mask_file(self, file: Path, structure: str, name: str) -> MaskFile:
        if said := as_phrase(structure.replace("_", " "), file):
            return MaskFile(file, [said])
        if self.how.values:
            return MaskFile(file, self.how.values.structures, self.how.values)
        if self.phrase:
            return MaskFile(file, [self.phrase])
        raise ValueError(
            f"{file}: what does this mask show? Say it with --phrase, or call it {name}__STRUCTURE{file.suffix}"
        )

    def _drawn(self, mask: MaskFile, image: Shown) -> dict[str, Drawn]:
        stored = read_stored(mask.file, self.told)
        _check_size(stored.picture, mask.file, image)
        if mask.values:
            structures, alike = split(stored, mask.values, self.told), False
        else:
            inside, alike = whole(stored, self.how.threshold, self.told)
            structures = {mask.phrases[0]: inside}
            if self.how.threshold is None and (value := only_value(stored)):
                self._values_met[mask.phrases[0]].setdefault(value, mask.file)
        if any(inside.all() for inside in structures.values()):
            self.told.add(notes.EVERYWHERE, mask.file)
        copies = self.root / PREPARED / "masks"
        return {
            phrase: Drawn(mask.file, bool(inside.any())) if alike else draw(inside, copies / image.file.stem, phrase)
            for phrase, inside in structures.items()
        }


def draw(inside: Inside, folder: Path, phrase: str) -> Drawn:
    """Write the mask of a structure into the folder, under its name."""
    file = folder / f"{quote(phrase, safe=' ')}.png"
    save_png(Image.fromarray(inside).convert("L"), file)
    return Drawn(file, bool(inside.any()))


def _refuse_twins(images: Sequence[Path]) -> None:
    """Two images of one name would share masks and the names of records."""
    by_name: dict[str, Path] = {}
    for image in images:
        first = by_name.setdefault(image.stem, image)
        if first is not image:
            raise ValueError(
                f"{image}: {first.name} has the same name, and a mask may be of either; rename one with its masks"
            )


def _split_name(mask: Path, names: Container[str]) -> tuple[str, str]:
    """The longest name of an image with which that of the mask begins, and the structure behind it."""
    stem = mask.stem
    for end in range(len(stem), 0, -1):
        if stem[:end] in names and stem[end : end + 2] in ("", "__"):
            return stem[:end], stem[end + 2 :]
    raise ValueError(f"{mask}: there is no image of this name in {mask.parent.with_name('images')}")


def _check_size(mask: Image.Image, file: Path, image: Shown) -> None:
    if mask.size != image.size:
        (width, height), turned = image.size, ", as its EXIF orientation has it shown" if image.turned else ""
        raise ValueError(
            f"{file}: the mask has {mask.width} x {mask.height} pixels, "
            f"but its image {image.file} has {width} x {height}{turned}"
        )


def _group_of(image: Path, group: str) -> str:
    if not group:
        return image.stem
    match = re.search(group, image.stem)
    if match is None or not match[0]:
        raise ValueError(f"{image}: --group {group} finds nothing in this name; it must find something in each")
    return match[0]
