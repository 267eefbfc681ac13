"""COCO's instances: polygons, run lengths and boxes of the objects in pictures."""

from __future__ import annotations

import argparse
import posixpath
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..commands import Commands
from ..json_files import read_json
from ..masks import Inside, as_phrase
from ..own import Drawn, Own
from ..pictures import Shown
from ..progress import told_of
from .images import absent, add_images, source_of
from .output import Output
from .parts import as_parts, by_part
from .rle import mask_of

OF_NOTHING = "skipped: {} annotations of an image or a category that the file does not list, such as {}"
DAMAGED = "skipped: {} annotations whose shape cannot be read, such as {}"
NO_PIXEL = "skipped: {} annotations that cover no pixel of their image, such as {}"
OTHER_SIZE = "skipped: {} images of another size than the file says, such as {}"
NO_NAME = "skipped: {} images without an id or a file name, such as {}"
TWICE = "skipped: {} images that the file lists more than once, such as {}"
ONE_NAME = (
    "skipped: {} images that share their file name with other images, such as {}; which of them the picture is can't "
    "be told: give each its own name, with its folder"
)
Json = dict[str, Any]


@dataclass
class Instances:
    """A file of annotations."""

    file: Path
    images: list[Json]
    categories: dict[Any, str]  # phrase by id
    annotations: dict[Any, list[Json]]  # by image
    licence: str


def add_to(kinds: Commands) -> None:
    kind = add_images(
        kinds,
        "coco",
        "COCO's instances: polygons, run lengths and boxes",
        "Reads JSON files in COCO's format. The masks of a category in an image become one; crowds belong to it. An "
        "annotation that has a box alone becomes a question about the place. Files whose names hold train, val and "
        "test are these parts; of a single file without, a part is held out.",
        "instances_train.json instances_val.json --images images --out records",
    )
    kind.add_argument("source", type=Path, nargs="+")
    kind.add_argument("--images", type=Path, required=True, help="the folder from which the files' names start")
    kind.add_argument(
        "--complete",
        action="store_true",
        help="every image was searched for every category: what has no annotation in it isn't there",
    )
    kind.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    modality = as_phrase(options.modality, "--modality")
    if not options.images.is_dir():
        raise ValueError(f"{options.images}: there is no such folder; give the one with the pictures")
    given = {"": options.source[0]} if len(options.source) == 1 else by_part(options.source)
    read = {part: _read(file) for part, file in given.items()}
    licence = "; ".join(dict.fromkeys(each.licence for each in read.values() if each.licence))
    out = Output(options, source_of(options, licence))
    parts = {part: list(_images(each, options.images, options.complete, out)) for part, each in read.items()}
    out.write_images(as_parts(parts[""], options.held_out) if "" in parts else parts, modality)


def _read(file: Path) -> Instances:
    """Errors: OSError, ValueError."""
    content = read_json(file)
    lists = ("images", "categories", "annotations")
    if not isinstance(content, dict) or not all(isinstance(content.get(name), list) for name in lists):
        raise ValueError(f"{file} must hold an object with the lists images, categories and annotations of COCO")
    categories = {}
    for entry in content["categories"]:
        if not isinstance(entry, dict) or not _is_key(entry.get("id")) or not str(entry.get("name", "")).strip():
            raise ValueError(f"{file}: a category has no id or no name: {str(entry)[:80]}")
        categories[entry["id"]] = as_phrase(str(entry["name"]).replace("_", " "), file)
    annotations: dict[Any, list[Json]] = defaultdict(list)
    for number, entry in enumerate(content["annotations"]):
        known = isinstance(entry, dict) and _is_key(entry.get("image_id"))
        annotations[entry["image_id"] if known else None].append({**(entry if known else {}), "number": number})
    return Instances(file, content["images"], categories, annotations, _licence(content.get("licenses")))


def _is_key(value: Any) -> bool:
    return isinstance(value, (int, str))


def _licence(licences: Any) -> str:
    entries = [entry for entry in licences if isinstance(entry, dict)] if isinstance(licences, list) else []
    names = dict.fromkeys(str(entry.get("name") or entry.get("url") or "").strip() for entry in entries)
    return ", ".join(name for name in list(names)[:10] if name)[:500]


def _images(read: Instances, folder: Path, complete: bool, out: Output) -> Iterator[Own]:
    """Each image that is there, with what is annotated in it."""
    with_mask = {
        read.categories.get(each.get("category_id"))
        for some in read.annotations.values()
        for each in some
        if each.get("segmentation") and _is_key(each.get("category_id"))
    }
    listed: set[Any] = set()
    shared = _shared_names(read.images)
    for number, entry in enumerate(told_of(read.images, "images read")):
        where = f"{read.file.name} image {number}"
        if not _is_named(entry):
            out.told.add_name(NO_NAME, where)
        elif entry["id"] in listed:
            out.told.add_name(TWICE, f"{where} ({entry['id']})")
        else:
            listed.add(entry["id"])
            if _tidy(entry["file_name"]) in shared:
                out.told.add_name(ONE_NAME, f"{where} ({entry['id']}, {entry['file_name'][:80]})")
            elif image := _place(entry, folder, f"{where} ({entry['id']})", out):
                own = _annotated(read, read.annotations.get(entry["id"], []), image, out)
                if complete:
                    missing = [name for name in read.categories.values() if name in with_mask]
                    named = {name for name, _ in own.places} | set(own.masks)
                    own.masks.update(absent(own.name, (name for name in missing if name not in named)))
                yield own
    for image_id in read.annotations.keys() - listed:
        for annotation in read.annotations[image_id]:
            out.told.add_name(OF_NOTHING, f"{read.file.name} annotation {annotation['number']}")


def _is_named(entry: Any) -> bool:
    return isinstance(entry, dict) and _is_key(entry.get("id")) and isinstance(entry.get("file_name"), str)


def _tidy(name: str) -> str:
    return posixpath.normpath(name.replace("\\", "/"))


def _shared_names(images: list[Json]) -> set[str]:
    """The file names that images of several ids have."""
    ids: dict[str, set[Any]] = defaultdict(set)
    for entry in images:
        if _is_named(entry):
            ids[_tidy(entry["file_name"])].add(entry["id"])
    return {name for name, some in ids.items() if len(some) > 1}


def _place(entry: Json, folder: Path, where: str, out: Output) -> Shown | None:
    file = out.find(folder, entry["file_name"], where)
    image = out.place(file, str(Path(entry["file_name"]).with_suffix("")), where) if file else None
    if image and image.turned:  # annotations are of the pixels as they are stored, and would lie elsewhere
        out.told.add_name(OTHER_SIZE, f"{where}: stored turned, as its EXIF orientation says")
        return None
    if image and (entry.get("width", image.size[0]), entry.get("height", image.size[1])) != image.size:
        width, height = image.size
        out.told.add_name(OTHER_SIZE, f"{where}: {entry.get('width')} x {entry.get('height')}, not {width} x {height}")
        return None
    return image


def _annotated(read: Instances, annotations: list[Json], image: Shown, out: Output) -> Own:
    width, height = image.size
    name = f"{read.file.stem}/{image.file.stem}"
    masks: dict[str, Inside] = {}
    boxes: list[tuple[str, Drawn]] = []
    for annotation in annotations:
        where = f"{read.file.name} annotation {annotation['number']}"
        category = annotation.get("category_id")
        if not _is_key(category) or category not in read.categories:
            out.told.add_name(OF_NOTHING, where)
            continue
        phrase = read.categories[category]
        shape = annotation.get("segmentation")
        try:
            inside = mask_of(shape, height, width) if shape else _box(annotation.get("bbox"), height, width)
        except ValueError as error:
            out.told.add_name(DAMAGED, f"{where} ({error})")
            continue
        if not inside.any():
            out.told.add_name(NO_PIXEL, where)
        elif shape:
            masks[phrase] = masks[phrase] | inside if phrase in masks else inside
        else:
            boxes.append((phrase, out.draw(name, f"box {annotation['number']}", inside)))
    drawn = {phrase: out.draw(name, phrase, inside) for phrase, inside in masks.items()}
    return Own(image.file, drawn, image.file.stem, boxes)


def _box(box: Any, height: int, width: int) -> Inside:
    """(H, W), of x, y, width, height: the pixels whose centres lie in it. Errors: ValueError."""
    if not isinstance(box, list) or len(box) != 4 or not all(isinstance(value, (int, float)) for value in box):
        raise ValueError("it has no shape, and its box is no list of x, y, width and height")
    x, y, w, h = (float(value) for value in box)
    if not np.isfinite([x, y, w, h]).all() or w <= 0 or h <= 0:
        raise ValueError("it has no shape, and its box has no width or no height")
    return mask_of([[x, y, x + w, y, x + w, y + h, x, y + h]], height, width)
