"""SLAKE as its project page has it: train.json, validate.json and test.json beside imgs."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..commands import Commands
from ..json_files import read_list
from ..sources import TASK_OF
from .output import Output, Source
from .parts import by_part
from .questions import Asked, add_set, entries, make_output, write_questions

SOURCE = Source(
    "slake",
    "CC BY 4.0",
    "Liu B., Zhan L.-M., Xu L., Ma L., Yang Y., Wu X.-M.: SLAKE: A Semantically-Labeled Knowledge-Enhanced Dataset for "
    "Medical Visual Question Answering. ISBI 2021",
    "The English questions; masks and boxes of the set are not converted.",
)
NEEDED = ("img_name", "question", "answer", "answer_type")
CHINESE = "skipped: {} records in another language than English, such as {}"
FILES = ("train.json", "validate.json", "validation.json", "test.json")


def add_to(kinds: Commands) -> None:
    layout = (
        "train.json, validate.json (or validation.json) and test.json, and imgs/xmlab*/source.jpg; English questions"
    )
    add_set(kinds, "slake", layout, "Slake1.0 --out slake").set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    files = by_part(options.source / name for name in FILES if (options.source / name).is_file())
    if not files:
        raise ValueError(f"{options.source} has none of {', '.join(FILES)}: give the folder that holds them and imgs")
    contents = {part: (file.name, read_list(file)) for part, file in files.items()}
    out = make_output(options, SOURCE)
    write_questions(_asked(contents, options.source / "imgs", out), out)


def _asked(contents: Mapping[str, tuple[str, list[Any]]], pictures: Path, out: Output) -> Iterator[Asked]:
    for part, (name, content) in contents.items():
        for number, record, entry in entries(content, name, NEEDED, out):
            if entry.get("q_lang", "en") != "en":
                out.told.add_name(CHINESE, record)
                continue
            yield Asked(
                record=record,
                id=f"{part}_{number}",
                part=part,
                folder=pictures,
                image=str(entry["img_name"]),
                group="",
                question=str(entry["question"]),
                answer=str(entry["answer"]),
                closed=str(entry["answer_type"]).strip().lower() == "closed",
                task=TASK_OF.get(str(entry.get("content_type", "")).strip().lower(), "vqa"),
                modality=str(entry.get("modality", "")),
            )
