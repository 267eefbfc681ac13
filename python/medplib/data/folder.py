"""Records and a recipe from a folder of images and masks: a user's own data."""

from __future__ import annotations

import json
import os
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from .records import ABSENT, MODALITY, PRESENCE, REGION, SEGMENT, SEGMENTED, Record, number

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff")


@dataclass(frozen=True)
class Own:
    """An image of the user's, and the mask of each structure that was looked for in it."""

    image: Path
    masks: dict[str, Path]  # by phrase
    group: str  # what it is learnt from or held out with, such as a patient

    @property
    def name(self) -> str:
        return self.image.stem


def read_folder(root: Path, phrase: str, group: str) -> list[Own]:
    """Every image of root/images that has masks: root/masks/NAME.png shows `phrase`, NAME__structure.png structure.

    Its group is what `group` finds in its name; else it is one by itself.
    """
    files = sorted(file for file in (root / "images").iterdir() if file.suffix.lower() in SUFFIXES)
    masks: dict[str, dict[str, Path]] = defaultdict(dict)
    for mask in sorted((root / "masks").glob("*.png")):
        name, _, structure = mask.stem.partition("__")
        if not structure and not phrase:
            raise ValueError(
                f"{mask}: what does this mask show? Say it with --phrase, or call it {name}__STRUCTURE.png"
            )
        masks[name][structure.replace("_", " ").strip() or phrase] = mask
    for name in sorted(masks.keys() - {file.stem for file in files}):
        raise ValueError(f"{next(iter(masks[name].values()))}: there is no image of this name in {root / 'images'}")
    found = [Own(file, masks[file.stem], _group_of(file.stem, group)) for file in files if file.stem in masks]
    if not found:
        raise ValueError(f"{root}: no image in images/ has a mask in masks/")
    for own in found:
        _check_sizes(own)
    return found


def _group_of(name: str, group: str) -> str:
    match = re.search(group, name) if group else None
    return match[0] if match else name


def _check_sizes(own: Own) -> None:
    with Image.open(own.image) as image:
        for file in own.masks.values():
            with Image.open(file) as mask:
                if mask.size != image.size:
                    raise ValueError(
                        f"{file}: the mask has {mask.width} x {mask.height} pixels, "
                        f"but its image {own.image} has {image.width} x {image.height}"
                    )


def split(found: Sequence[Own], fraction: float) -> tuple[list[Own], list[Own]]:
    """Those to learn from and those held out: the same ones for the same names, those of a group on one side."""
    groups = sorted({own.group for own in found}, key=lambda name: number("held out", name))
    if len(groups) < 2:
        raise ValueError("all images are of one group: nothing would be left to learn from or to judge by")
    held_out = set(groups[: min(max(1, round(fraction * len(groups))), len(groups) - 1)])
    return [own for own in found if own.group not in held_out], [own for own in found if own.group in held_out]


def make_own_records(found: Sequence[Own], root: Path, modality: str, vary: bool) -> list[Record]:
    """What is asked about each image; of an empty mask, that nothing is there."""
    records = []
    for own in found:
        common = {"image": f"images/{own.image.name}", "set": root.resolve().name, "group": own.group}
        for index, record in enumerate(_about(own, root, modality, vary)):
            ident = f"{own.name}__{index:03d}"
            records.append({"id": ident, **common, "modality": modality or "unknown", **record})
    return records


def _about(own: Own, root: Path, modality: str, vary: bool) -> list[Record]:
    def word(wordings: Sequence[str], phrase: str) -> str:
        pick = number("wording", own.name, wordings[0], phrase) % (len(wordings) + 1) if vary else 0
        return wordings[pick % len(wordings)].format(phrase)  # the first wording twice as often as the others

    records = []
    for phrase, file in own.masks.items():
        with Image.open(file) as mask:
            there = mask.convert("L").getbbox() is not None
        path = file.relative_to(root).as_posix()
        asked, answered = word(SEGMENT, phrase), SEGMENTED.format(path) if there else ABSENT.format(phrase)
        records.append(_record("segment" if there else "absent", asked, answered, phrase))
        records.append(_record("presence", word(PRESENCE, phrase), "Yes" if there else "No", phrase, closed=True))
        if there:
            records.append(_record("region", REGION.format(path), f"{phrase.capitalize()}.", phrase))
    if modality:
        records.append(_record("modality", word(MODALITY, ""), modality))
    return records


def _record(task: str, question: str, answer: str, structure: str = "", closed: bool = False) -> Record:
    turns = [{"from": "human", "value": f"<image>\n{question}"}, {"from": "gpt", "value": answer}]
    record: Record = {"task": task, "answer_type": "closed" if closed else "open", "conversations": turns}
    if structure:
        record["structure"] = structure
    return record


def recipe(root: Path, model: Path) -> dict[str, Any]:
    """Everything of `model` goes on learning, at a rate that does not wipe out what it knows."""
    start = os.path.relpath(model.resolve(), root.resolve())
    return {
        "model": start,
        "start": [start],
        "train": "train.json",
        "validate": "validate.json",
        "stage": "joint",
        "steps": 400,
        "images_per_step": 8,
        "learning_rate": 3e-4,
        "warmup": 20,
        "average": 0.98,
        "checkpoint_every": 50,
        "validate_every": 50,
    }


def build_folder(root: Path, phrase: str, modality: str, model: Path, fraction: float, group: str) -> None:
    """Write train.json, validate.json and recipe.json into the folder."""
    if not (model / "config.json").exists():
        raise ValueError(f"{model}: this is no model folder; give one with --model, such as models/tiny")
    found = read_folder(root, phrase, group)
    learnt, held_out = split(found, fraction)
    for name, part in (("train", learnt), ("validate", held_out)):
        records = make_own_records(part, root, modality, vary=name == "train")
        _write(root / f"{name}.json", records)
        print(f"{name}.json: {len(part)} images, {len(records)} questions")
    _write(root / "recipe.json", recipe(root, model))
    print(f"recipe.json: starts from {model}")
    for structure in sorted({phrase for own in found for phrase in own.masks}):
        print(f"  {structure}: {sum(structure in own.masks for own in found)} masks")


def _write(file: Path, content: object) -> None:
    part = file.with_name(f"{file.name}.part")
    part.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    part.replace(file)
