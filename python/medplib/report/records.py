"""Held-out and training records in MeCoVQA's format, as `python -m medplib.data` writes them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from ..data.records import TASKS
from .measures import Pixels

Record = dict[str, Any]
Result = dict[str, Any]  # what a model and the baselines made of a record

DRAWN = ("segment", "absent")
WORDS = tuple(task for task in TASKS if task not in DRAWN)
NEEDED = ("image", "set", "group", "modality", "task", "answer_type", "conversations")


def read_json(file: Path) -> Any:
    """Errors: OSError, ValueError."""
    try:
        return json.loads(file.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise ValueError(f"{file} is not JSON: {error}") from error


def read_records(file: Path) -> list[Record]:
    """Errors: OSError, ValueError."""
    records = read_json(file)
    if not isinstance(records, list):
        raise ValueError(f"{file} must hold a list of records: make it with python -m medplib.data")
    for place, record in enumerate(records, 1):
        if fault := _fault_of(record):
            raise ValueError(f"{file}, record {place} {fault}: make it with python -m medplib.data")
    return records


def _fault_of(record: Any) -> str:
    """Nothing where it can be asked about."""
    if not isinstance(record, dict):
        return "isn't an object"
    needed = (*NEEDED, "structure") if record.get("task") in DRAWN else NEEDED
    if missing := [name for name in needed if name not in record]:
        return f'has no "{missing[0]}"'
    if record["task"] not in TASKS:
        return f"has the task {record['task']}, but there are only {', '.join(TASKS)}"
    turns = record["conversations"]
    if not (isinstance(turns, list) and len(turns) > 1 and all(_is_turn(turn) for turn in turns)):
        return "has no question and answer in its conversations"
    return ""


def _is_turn(turn: Any) -> bool:
    return isinstance(turn, dict) and isinstance(turn.get("value"), str)


def question_of(record: Record) -> str:
    """Its words, which those of other records are compared with."""
    text = str(record["conversations"][0]["value"])
    return re.sub(r"<region>.*?</region>", "<region></region>", text.replace("<image>", "")).strip()


def answer_of(record: Record) -> str:
    return str(record["conversations"][1]["value"])


def mask_of(record: Record, folder: Path) -> Path:
    found = re.search(r"<mask>(.*?)</mask>", answer_of(record))
    if found is None:
        raise ValueError(f"record {record.get('id')} has the task segment, but its answer names no <mask>")
    return folder / found.group(1)


def read_mask(file: Path) -> Pixels:
    """As a training reads it. Errors: ValueError."""
    from ..data.pictures import opened, varying_alpha

    with opened(file) as picture:
        alpha = varying_alpha(picture)
        return (np.asarray(picture.convert("L")) if alpha is None else alpha) >= 1


def evenly(records: list[Record], most: int) -> list[Record]:
    """At most `most` records of each task, evenly spaced, in their order."""
    kept: set[int] = set()
    for task in TASKS:
        places = [place for place, record in enumerate(records) if record["task"] == task]
        count = min(most, len(places))
        kept.update(places[i * len(places) // count] for i in range(count))
    return [records[place] for place in sorted(kept)]
