"""Small folders that look as publishers ship their sets, and what is made of them."""

from __future__ import annotations

import csv
import json
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import numpy.typing as npt
from medplib.data.__main__ import main
from PIL import Image

Array = npt.NDArray[Any]


def picture(file: Path, grey: int = 90, size: tuple[int, int] = (40, 30)) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (grey, 90, 10)).save(file)


def as_json(file: Path, content: Any) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content), encoding="utf-8")
    return file


def as_pickle(file: Path, content: Any) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(pickle.dumps(content))
    return file


def vqa_rad(root: Path) -> Path:
    """A question to learn from about each of two pictures, and a test question about the first."""
    common = {"answer_type": "CLOSED ", "question_type": "PRES", "phrase_type": "freeform"}
    asked: list[tuple[Any, ...]] = [
        ("a.jpg", "Is there a mass?", "No", {}),
        ("b.jpg", "Which plane?", "axial", {"question_type": "PLANE"}),
    ]
    asked += [("a.jpg", "How many lungs?", 2, {"answer_type": "OPEN", "phrase_type": "test_para"})]
    entries = [{**common, "image_name": i, "question": q, "answer": a, **more} for i, q, a, more in asked]
    as_json(root / "VQA_RAD Dataset Public.json", entries)
    for name in ("a.jpg", "b.jpg"):
        picture(root / "VQA_RAD Image Folder" / name)
    return root


def slake(root: Path, validation: str = "validate.json") -> Path:
    """A picture and an English and a Chinese question in each part."""
    for index, name in enumerate(("train.json", validation, "test.json")):
        common = {"img_name": f"xmlab{index}/source.jpg", "answer_type": "OPEN", "modality": "MRI"}
        english = {**common, "q_lang": "en", "question": "Which is it?", "answer": "MRI", "content_type": "Modality"}
        as_json(root / name, [english, {**common, "q_lang": "zh", "question": "什么?", "answer": "肝"}])
        picture(root / f"imgs/xmlab{index}/source.jpg")
    return root


def path_vqa(root: Path) -> Path:
    for part in ("train", "val", "test"):
        asked = [("Is it benign?", "yes"), ("What is shown?", "a cell")]
        entries = [{"image": f"{part}_0001", "question": q, "answer": a} for q, a in asked]
        as_pickle(root / f"qas/{part}/{part}_qa.pkl", entries)
        picture(root / f"images/{part}/{part}_0001.jpg")
    return root


def pmc_vqa(file: Path, rows: Sequence[dict[str, str]]) -> Path:
    """A CSV file; the pictures that it names lie in figures/ beside it."""
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    for row in rows:
        picture(file.parent / "figures" / row["Figure_path"])
    return file


def coco(root: Path, name: str = "instances.json", **changed: Any) -> Path:
    """Three pictures of 40 x 30: a square cell as polygon in the first, as run lengths in the second, and a box in the
    third."""
    runs = {"size": [30, 40], "counts": [65, 20, 10, 20, 1200 - 115]}  # rows 5 to 24 of columns 2 and 3
    shapes: list[dict[str, Any]] = [{"segmentation": [[10, 5, 20, 5, 20, 15, 10, 15]]}]
    shapes += [{"segmentation": runs, "iscrowd": 1}, {"bbox": [10, 5, 10, 10]}]
    content: dict[str, Any] = {
        "licenses": [{"id": 1, "name": "CC BY 4.0"}],
        "categories": [{"id": 7, "name": "red_cell"}, {"id": 8, "name": "platelet"}],
        "images": [{"id": i, "file_name": f"{i}.png", "width": 40, "height": 30} for i in range(3)],
        "annotations": [{"id": i, "image_id": i, "category_id": 7, **shape} for i, shape in enumerate(shapes)],
    }
    for index in range(3):
        picture(root / f"pictures/{index}.png", grey=index * 40)
    return as_json(root / name, {**content, **changed})


def nifti(file: Path, values: Array, affine: Array | None = None) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(values, np.eye(4) if affine is None else affine), file)  # type: ignore[no-untyped-call]
    return file


def convert(kind: str, *given: str | Path) -> int:
    return main(["convert", kind, *map(str, given)])


def records(out: Path, part: str = "train") -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = json.loads((out / f"{part}.json").read_text(encoding="utf-8"))
    return loaded


def said(out: Path, part: str = "train") -> list[tuple[str, str]]:
    """Questions and answers."""
    turns = [record["conversations"] for record in records(out, part)]
    return [(question["value"].removeprefix("<image>\n"), answer["value"]) for question, answer in turns]
