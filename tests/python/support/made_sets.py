"""Small made-up sets of all eight modalities, as folders with labels.json and in SA-Med2D's layout."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from PIL import Image

SIZE = (60, 40)
CASES = 5
STRUCTURES = {
    "CT": ("liver", "left_kidney"),
    "MR": ("glioma",),
    "X-ray": ("lung",),
    "ultrasound": ("fetal_head",),
    "endoscopy": ("polyp",),
    "fundus": ("optic_disc", "optic_cup"),
    "dermoscopy": ("skin_lesion",),
    "PET": ("soft_tissue_sarcoma",),
}
BOXES = ((6, 4, 20, 14), (40, 24, 52, 34))  # upper left, lower right


def draw(file: Path, *boxes: tuple[int, int, int, int]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    mask = Image.new("L", SIZE)
    for box in boxes:
        mask.paste(255, box)
    mask.save(file)


def make_sets(root: Path, splits: bool = True, **more: tuple[str, ...]) -> Path:
    """A set for each modality, and CTs by other names; case4 is held out. From case to case masks move to the right."""
    parts = {}
    for modality, names in {**STRUCTURES, **more}.items():
        folder = root / f"set_{modality}"
        items = [_item(folder, modality if modality in STRUCTURES else "CT", case, names) for case in range(CASES)]
        labels = {"modality": modality, "licence_class": "open", "items": items}
        (folder / "labels.json").write_text(json.dumps(labels))
        parts[folder.name] = {"train": [f"case{i}" for i in range(CASES - 1)], "held_out": [f"case{CASES - 1}"]}
    if splits:
        (root / "splits.json").write_text(json.dumps({"sets": parts}))
    return root


def _item(folder: Path, modality: str, case: int, names: tuple[str, ...]) -> dict[str, Any]:
    (folder / "images").mkdir(parents=True, exist_ok=True)
    Image.new("RGB", SIZE, (case * 40, 90, 10)).save(folder / f"images/case{case}.png")
    structures = []
    for index, name in enumerate(names):
        mask = f"masks/case{case}__{name}.png"
        left, top, right, bottom = BOXES[index]
        draw(folder / mask, (left + case, top, right + case, bottom))
        structures.append({"name": name, "mask": mask})
    common = {"id": f"case{case}", "image": f"images/case{case}.png", "group": f"patient{case}"}
    return {**common, "modality": modality, "structures": structures}


def make_sa_med2d(root: Path) -> Path:
    """Three cases of two slices of each of two modalities; of class 2 two instances, merged in the first case alone."""
    (root / "images").mkdir(parents=True)
    for modality in ("ct_00", "x_ray"):
        for case in range(3):
            for index in range(2):
                name = f"{modality}--Made--case_{case}--z_{index:04d}"
                Image.new("L", SIZE, 90).save(root / f"images/{name}.png")
                draw(root / f"masks/{name}--0001_000.png", BOXES[0])
                draw(root / f"masks/{name}--0002_000.png", BOXES[1])
                draw(root / f"masks/{name}--0002_001.png", (22, 24, 30, 34))
                if case == 0:
                    draw(root / f"masks_merged/{name}--0002_merged.png", BOXES[1], (22, 24, 30, 34))
    classes = {"Made": {"liver": 1, "kidney": 2, "union_all": 3}}
    (root / "SAMed2D_v1_class_mapping_id.json").write_text(json.dumps(classes))
    return root


def read(out: Path, subset: str, part: str) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = json.loads((out / f"mecovqa_{subset}_{part}.json").read_text())
    return records


def read_all(out: Path, part: str) -> list[dict[str, Any]]:
    return [record for subset in "crg" for record in read(out, subset, part)]
