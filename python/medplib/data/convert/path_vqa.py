"""PathVQA as its publisher ships it: pickles of questions in qas, pictures in images."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..commands import Commands
from .output import Output, Source
from .plain_pickle import read_pickle
from .questions import Asked, add_set, entries, make_output, write_questions

SOURCE = Source(
    "path_vqa",
    "MIT",
    "He X., Zhang Y., Mou L., Xing E., Xie P.: PathVQA: 30000+ Questions for Medical Visual Question Answering. "
    "arXiv:2003.10286 (2020)",
    "MIT is the licence of the publisher's repository. The pictures come from textbooks of pathology and the PEIR "
    "digital library, whose owners keep their rights in them.",
)
NEEDED = ("image", "question", "answer")
FOLDERS = {"train": "train", "validate": "val", "test": "test"}


def add_to(kinds: Commands) -> None:
    layout = (
        "qas/PART/PART_qa.pkl and images/PART/*.jpg, with train, val and test for PART. The pickles are read without "
        "running anything that they name, which is refused"
    )
    add_set(kinds, "path-vqa", layout, "pvqa --out path_vqa").set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    files = {part: options.source / f"qas/{name}/{name}_qa.pkl" for part, name in FOLDERS.items()}
    there = {part: file for part, file in files.items() if file.is_file()}
    if not there:
        raise ValueError(f"{options.source} has no qas/train/train_qa.pkl: give the folder that holds qas and images")
    contents = {part: (file.name, _questions(file)) for part, file in there.items()}
    out = make_output(options, SOURCE)
    write_questions(_asked(contents, options.source / "images", out), out)


def _questions(file: Path) -> list[Any]:
    content = read_pickle(file)
    if not isinstance(content, list):
        raise ValueError(f"{file} must hold a list of questions, as the publisher has it")
    return content


def _asked(contents: Mapping[str, tuple[str, list[Any]]], pictures: Path, out: Output) -> Iterator[Asked]:
    for part, (name, content) in contents.items():
        for number, record, entry in entries(content, name, NEEDED, out):
            answer = str(entry["answer"])
            yield Asked(
                record=record,
                id=f"{part}_{number}",
                part=part,
                folder=pictures / FOLDERS[part],
                image=f"{entry['image']}.jpg",
                group="",
                question=str(entry["question"]),
                answer=answer,
                closed=answer.strip().lower() in ("yes", "no"),
            )
