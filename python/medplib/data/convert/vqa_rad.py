"""VQA-RAD as the Open Science Framework has it: one JSON file and a folder of pictures."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..commands import Commands
from ..json_files import read_list
from ..sources import TASK_OF
from .output import Output, Source
from .questions import Asked, add_set, entries, make_output, write_questions

JSON = ("VQA_RAD Dataset Public.json", "VQA_RAD_Dataset_Public.json")
PICTURES = ("VQA_RAD Image Folder", "VQA_RAD_Image_Folder")
SOURCE = Source(
    "vqa_rad",
    "CC0 1.0",
    "Lau J. J., Gayen S., Ben Abacha A., Demner-Fushman D.: A dataset of clinically generated visual questions and "
    "answers about radiology images. Scientific Data 5, 180251 (2018)",
    "Questions whose phrase_type begins with test are the test part; the same pictures are in both parts.",
)
NEEDED = ("image_name", "question", "answer", "answer_type")


def add_to(kinds: Commands) -> None:
    layout = (
        f'"{JSON[0]}" and "{PICTURES[0]}" in the folder; those whose phrase_type begins with test are the test part'
    )
    add_set(kinds, "vqa-rad", layout, "VQA-RAD --out vqa_rad").set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    file, pictures = one_of(options.source, JSON), one_of(options.source, PICTURES)
    content = read_list(file)
    out = make_output(options, SOURCE)
    write_questions(_asked(content, file.name, pictures, out), out)


def one_of(folder: Path, names: tuple[str, ...]) -> Path:
    """Errors: ValueError, where there is none of them."""
    for name in names:
        if (folder / name).exists():
            return folder / name
    raise ValueError(f'{folder} has no "{names[0]}": give the folder that holds it')


def _asked(content: list[Any], name: str, pictures: Path, out: Output) -> Iterator[Asked]:
    for number, record, entry in entries(content, name, NEEDED, out):
        is_test = str(entry.get("phrase_type", "")).strip().lower().startswith("test")
        yield Asked(
            record=record,
            id=str(number),  # qid is not unique
            part="test" if is_test else "train",
            folder=pictures,
            image=Path(str(entry["image_name"])).name,
            group="",
            question=str(entry["question"]),
            answer=str(entry["answer"]),
            closed=str(entry["answer_type"]).strip().lower() == "closed",
            task=TASK_OF.get(str(entry.get("question_type", "")).strip().lower(), "vqa"),
        )
