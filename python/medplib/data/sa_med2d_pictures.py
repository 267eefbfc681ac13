"""The pictures of SA-Med2D-20M's layout, and what the names of images and masks say of them."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from .metadata import Masked, Picture
from .notes import Notes
from .sa_med2d import IMAGES, MASKS, MERGED, ClassOfImage, parse_instance, parse_merged
from .sources import phrase

CLASSES = "SAMed2D_v1_class_mapping_id.json"  # of each data set the number of each class
OTHER_NAME = "passed over: {} files whose names are not SA-Med2D's, such as {}"
OTHER_MODALITY = "passed over: {} images of other modalities than MeCoVQA's eight, such as {}"
WITHOUT_IMAGE = "passed over: {} masks without an image, such as {}"
WITHOUT_CLASS = f"passed over: {{}} masks of a class without a name in {CLASSES}, such as {{}}"
UNMERGED = (
    "not asked to be drawn: {} structures with several masks and none of all in masks_merged/, such as {}; "
    "merge-masks makes these"
)
KINDS = (OTHER_NAME, OTHER_MODALITY, WITHOUT_IMAGE, WITHOUT_CLASS, UNMERGED)

_MODALITIES = {
    **{"ct": "CT", "mr": "MRI", "mri": "MRI", "x": "X-Ray", "xray": "X-Ray", "pet": "PET"},
    **{"ultrasound": "Ultrasound", "us": "Ultrasound", "endoscopy": "Endoscopy", "fundus": "Fundus photograph"},
    "dermoscopy": "Dermoscopy",
}
_IMAGE = re.compile(r"(?P<modality>[A-Za-z]+)[^-]*--(?P<set>.+?)--(?P<case>.+)--(?P<slice>[^-]+)")


@dataclass(frozen=True)
class _Names:
    """Class names by data set and number."""

    by_set: dict[str, dict[int, str]]

    @classmethod
    def read(cls, root: Path) -> _Names:
        """Errors: OSError, ValueError."""
        file = root / CLASSES
        try:
            sets = json.loads(file.read_text(encoding="utf-8"))
            found = {name: {int(n): phrase(of) for of, n in classes.items()} for name, classes in sets.items()}
        except FileNotFoundError as error:
            raise ValueError(f"{file} is missing: it comes with SA-Med2D-20M and names the classes") from error
        except (ValueError, TypeError, AttributeError) as error:
            raise ValueError(f"{file} must hold a number for each class of each data set: {error}") from error
        return cls(found)


def is_sa_med2d(root: Path) -> bool:
    return (root / IMAGES).is_dir() and (root / MASKS).is_dir() and not (root / "labels.json").exists()


def read_sa_med2d(root: Path, told: Notes) -> list[Picture]:
    """Every image that has masks; cases are groups. Errors: OSError, ValueError."""
    names = _Names.read(root)
    masks = _masks_by_image(root, told)
    pictures = []
    for file in sorted((root / IMAGES).iterdir()):
        found = _IMAGE.fullmatch(file.stem)
        if not found or file.suffix != ".png":
            told.add(OTHER_NAME, file)
        elif found["modality"].lower() not in _MODALITIES:
            told.add(OTHER_MODALITY, file)
        elif own := masks.pop(file.stem, None):
            pictures.append(_picture(root, file, found, own, names, told))
    for left in masks.values():
        for mask in left:
            told.add(WITHOUT_IMAGE, mask)
    return pictures


def _class_of(file: Path) -> ClassOfImage | None:
    found = parse_instance(file.name)
    return found[0] if found else parse_merged(f"{MERGED}/{file.name}")


def _masks_by_image(root: Path, told: Notes) -> dict[str, list[Path]]:
    masks: dict[str, list[Path]] = defaultdict(list)
    for folder in (MASKS, MERGED):
        for file in sorted((root / folder).iterdir()) if (root / folder).is_dir() else []:
            if shown := _class_of(file):
                masks[shown.image].append(file)
            else:
                told.add(OTHER_NAME, file)
    return masks


def _picture(root: Path, image: Path, found: re.Match[str], masks: list[Path], names: _Names, told: Notes) -> Picture:
    instances: dict[str, list[str]] = defaultdict(list)
    merged: dict[str, str] = {}
    for file in masks:
        shown = _class_of(file)
        name = names.by_set.get(found["set"], {}).get(int(shown.number)) if shown else None
        if name is None or name.startswith("union "):
            told.add(WITHOUT_CLASS, file)
        elif file.parent.name == MERGED:
            merged[name] = file.relative_to(root).as_posix()
        else:
            instances[name].append(file.relative_to(root).as_posix())
    masked = []
    for name in sorted({*instances, *merged}):
        own = instances.get(name) or [merged[name]]
        whole = merged.get(name) or (own[0] if len(own) == 1 else "")
        if not whole:
            told.add(UNMERGED, image, name)
        masked.append(Masked(name, tuple(own), whole))
    group = f"{found['set']}--{found['case']}"
    modality = _MODALITIES[found["modality"].lower()]
    return Picture(found["set"], image.stem, group, f"{IMAGES}/{image.name}", modality, "", tuple(masked), ())
