"""What the masks of an image say about it: which structures there are, where, how large, in how many areas."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from .masks import Inside, read_stored, whole
from .notes import Notes
from .pictures import opened, shown_size

MODALITIES = ("CT", "MRI", "X-Ray", "Ultrasound", "Endoscopy", "Fundus photograph", "Dermoscopy", "PET")  # MeCoVQA's

SPREAD = 0.6  # of a side: what reaches further has no place along it
LOW, HIGH = 0.4, 0.6  # of a side: a centre between them is in the middle
SMALL, LARGE = 0.01, 0.1  # of the image
SPECK = 0.01  # of a structure: smaller areas are not counted


@dataclass(frozen=True)
class Masked:
    """A structure of an image and its masks, relative to the root of the data."""

    name: str
    masks: tuple[str, ...]  # several are of its instances
    whole: str  # the one mask that shows all of it; empty where there is none


@dataclass(frozen=True)
class Picture:
    """An image whose masks are described."""

    set: str
    id: str
    group: str  # what it is learnt from or held out with, such as a patient
    image: str  # relative to the root of the data
    modality: str  # one of MODALITIES
    view: str  # part of the body, in the set's words; may be empty
    masked: tuple[Masked, ...]
    absent: tuple[str, ...]  # structures that are surely not there
    held_out: bool = False
    marks: dict[str, bool] = field(default_factory=dict)  # what its records say of a held-out image


@dataclass(frozen=True)
class Seen:
    """A structure that masks show. Places are fractions of the image's sides, from its upper left corner."""

    name: str
    masks: tuple[str, ...]
    whole: str
    area: float  # of the image
    x: float  # of the centre
    y: float
    across: str  # left, centre or right of the image, as it is seen; empty for what spreads over it
    down: str  # upper, centre or lower
    areas: int  # that do not touch each other

    @property
    def size(self) -> str:
        return "small" if self.area < SMALL else "large" if self.area > LARGE else "medium-sized"

    @property
    def percent(self) -> str:
        return "less than 1%" if self.area < SMALL else f"about {self.area:.0%}"


@dataclass(frozen=True)
class MetaData:
    """Step 1 of 3."""

    modality: str
    view: str
    seen: tuple[Seen, ...]
    absent: tuple[str, ...]

    def of(self, name: str) -> Seen | None:
        return next((each for each in self.seen if each.name == name), None)

    def about(self, names: tuple[str, ...]) -> dict[str, Any]:
        """As JSON has it, with what is known of these structures."""
        kept = [asdict(each) for each in self.seen if each.name in names]
        denied = [name for name in self.absent if name in names]
        return {"modality": self.modality, "view": self.view, "structures": kept, "absent": denied}


def read_metadata(root: Path, picture: Picture, told: Notes) -> MetaData:
    """An empty mask says that its structure isn't there. Errors: ValueError, for a mask of another size or damaged."""
    with opened(root / picture.image) as opened_image:
        size = shown_size(opened_image)
    seen, empty = [], []
    for masked in picture.masked:
        inside = np.logical_or.reduce([_inside(root / mask, size, told) for mask in masked.masks])
        if inside.any():
            seen.append(_seen(masked, inside))
        else:
            empty.append(masked.name)
    shown = {each.name for each in seen}
    absent = tuple(name for name in dict.fromkeys((*empty, *picture.absent)) if name not in shown)
    return MetaData(picture.modality, picture.view, tuple(seen), absent)


def _inside(file: Path, size: tuple[int, int], told: Notes) -> Inside:
    stored = read_stored(file, told)
    if stored.picture.size != size:
        raise ValueError(
            f"{file}: the mask has {stored.picture.width} x {stored.picture.height} pixels, but its image "
            f"{size[0]} x {size[1]}: label the image again, or take the mask away"
        )
    return whole(stored, None, told)[0]


def _seen(masked: Masked, inside: Inside) -> Seen:
    height, width = inside.shape
    rows, columns = np.nonzero(inside)
    x, y = (columns.mean() + 0.5) / width, (rows.mean() + 0.5) / height
    wide, high = (columns.max() + 1 - columns.min()) / width, (rows.max() + 1 - rows.min()) / height
    return Seen(
        name=masked.name,
        masks=masked.masks,
        whole=masked.whole,
        area=round(float(inside.mean()), 4),
        x=round(float(x), 3),
        y=round(float(y), 3),
        across=_place(x, wide, ("left", "centre", "right")),
        down=_place(y, high, ("upper", "centre", "lower")),
        areas=count_areas(inside),
    )


def _place(centre: float, extent: float, words: tuple[str, str, str]) -> str:
    if extent > SPREAD:
        return ""
    return words[0] if centre < LOW else words[2] if centre > HIGH else words[1]


def place(seen: Seen) -> str:
    """Where it is, as an adverb; empty for what has no place."""
    if seen.across == seen.down == "centre":
        return "in the centre of the image"
    if seen.across in ("left", "right"):
        if seen.down in ("upper", "lower"):
            return f"in the {seen.down} {seen.across} part of the image"
        return f"on the {seen.across} side of the image"
    return f"in the {seen.down} part of the image" if seen.down in ("upper", "lower") else ""


def count_areas(inside: Inside) -> int:
    """Areas that do not touch each other, not even by a corner, without specks."""
    parent: list[int] = []
    sizes: list[int] = []

    def root_of(area: int) -> int:
        while parent[area] != area:
            parent[area] = area = parent[parent[area]]
        return area

    before: list[tuple[int, int, int]] = []  # the runs of the row above: first, behind the last, area
    for row in _runs(inside):
        current = []
        for first, end in row:
            area = len(parent)
            parent.append(area)
            sizes.append(end - first)
            for other in {root_of(known) for start, stop, known in before if start <= end and first <= stop}:
                parent[other] = area
                sizes[area] += sizes[other]
            current.append((first, end, area))
        before = current
    whole_areas = [sizes[area] for area in range(len(parent)) if parent[area] == area]
    return sum(size >= SPECK * sum(whole_areas) for size in whole_areas)


def _runs(inside: Inside) -> Iterator[list[tuple[int, int]]]:
    """Of each row the columns where runs begin and end."""
    padded = np.pad(inside, ((0, 0), (1, 1))).astype(np.int8)
    steps = np.diff(padded, axis=1)
    for row in steps:
        yield list(zip(np.flatnonzero(row > 0).tolist(), np.flatnonzero(row < 0).tolist(), strict=True))
