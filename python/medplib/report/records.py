"""Held-out and training records: as `python -m medplib.data` writes them, or as MeCoVQA was published."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..data.json_files import read_list
from ..data.named import MASK, REGION, file_below
from ..data.records import TASKS, evenly
from ..data.sa_med2d import parse_picture
from .measures import Pixels

Record = dict[str, Any]
Result = dict[str, Any]  # what a model and the baselines made of a record

DRAWN = ("segment", "absent")
WORDS = tuple(task for task in TASKS if task not in DRAWN)
UNKNOWN = "unknown"


def read_records(file: Path) -> list[Record]:
    """Each with all that the figures go by. Errors: OSError, ValueError."""
    records = read_list(file)
    for number, record in enumerate(records):  # from 0, as a training and medplib data check number them
        if fault := _fault_of(record):
            raise ValueError(f"{file}, record {number} {fault}: mend it, or make it with python -m medplib.data")
    return [_completed(record, number) for number, record in enumerate(records)]


def _fault_of(record: Any) -> str:
    """Nothing where it can be asked about."""
    if not isinstance(record, dict):
        return "isn't an object"
    needed = ["image", "conversations", *(["structure"] if record.get("task") in DRAWN else [])]
    if missing := [name for name in needed if name not in record]:
        return f'has no "{missing[0]}"'
    if not isinstance(record["image"], str):
        return 'has an "image" that is no text'
    if record.get("task", TASKS[0]) not in TASKS:
        return f"has the task {record['task']}, but there are only {', '.join(TASKS)}"
    turns = record["conversations"]
    if not (isinstance(turns, list) and len(turns) > 1 and all(_is_turn(turn) for turn in turns)):
        return "has no question and answer in its conversations"
    return ""


def _is_turn(turn: Any) -> bool:
    """Published lists have numbers where texts are meant."""
    value = turn.get("value") if isinstance(turn, dict) else None
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _completed(record: Record, number: int) -> Record:
    """With what the picture's name and the tags tell, where the record itself doesn't say it."""
    name = parse_picture(record["image"])
    told = {
        "id": str(number),
        "set": name.set or UNKNOWN,
        "group": name.case or record["image"],
        "modality": name.modality or UNKNOWN,
        "answer_type": "",
    }
    if "task" not in record:
        told |= {"task": "segment" if "<SEG>" in answer_of(record) else "vqa", "subset": _subset_of(record)}
    complete = told | {key: value for key, value in record.items() if value is not None}
    return complete | {"id": str(complete["id"])}


def _subset_of(record: Record) -> str:
    """As medplib data check counts it."""
    said = [str(turn["value"]) for turn in record["conversations"]]
    if any("<SEG>" in text for text in said[1::2]):
        return "grounding"
    return "region" if any("<region>" in text for text in said[::2]) else "complex"


def question_of(record: Record) -> str:
    """Its words, which those of other records are compared with."""
    text = str(record["conversations"][0]["value"])
    return REGION.sub("<region></region>", text.replace("<image>", "")).strip()


def answer_of(record: Record) -> str:
    return str(record["conversations"][1]["value"])


def masks_of(record: Record, folder: Path) -> list[Path]:
    """Those of the answer. Errors: ValueError, where there is none."""
    names = MASK.findall(answer_of(record))
    if not names:
        raise ValueError(f"record {record.get('id')} has the task segment, but its answer names no <mask>")
    return [file_below(folder, name) for name in names]


def read_mask(file: Path) -> Pixels:
    """As a training reads it. Errors: ValueError."""
    from ..data.pictures import opened, varying_alpha

    with opened(file) as picture:
        alpha = varying_alpha(picture)
        return (np.asarray(picture.convert("L")) if alpha is None else alpha) >= 1


def evenly_by_task(records: list[Record], most: int) -> list[Record]:
    """At most `most` records of each task, evenly spaced, in their order."""
    kept: set[int] = set()
    for task in TASKS:
        kept.update(evenly([place for place, record in enumerate(records) if record["task"] == task], most))
    return [records[place] for place in sorted(kept)]
