"""What a model and the baselines made of each record, kept in a file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..data.files import write_whole
from ..data.json_files import read_json
from .records import WORDS, Result


@dataclass(frozen=True)
class Kept:
    results: list[Result]
    complete: bool  # whether they are those of all records
    weights: Mapping[str, str] = field(default_factory=dict)  # SHA-256 of the model's files; unknown of older results


def read_results(file: Path) -> Kept:
    """Errors: OSError, ValueError."""
    kept = read_json(file)
    if not _is_kept(kept):
        raise ValueError(f"{file} holds no results: make it with python -m medplib.report --json")
    for place, result in enumerate(kept["results"]):
        if fault := _fault_of(result):
            raise ValueError(f"{file}, result {place} {fault}: make it again with python -m medplib.report --json")
    return Kept(kept["results"], kept["complete"], kept.get("weights", {}))


def _is_kept(kept: Any) -> bool:
    return (
        isinstance(kept, dict)
        and "complete" in kept
        and isinstance(kept.get("results"), list)
        and isinstance(kept.get("weights", {}), dict)
    )


def _fault_of(result: Any) -> str:
    """Nothing where the tables can read it."""
    if not isinstance(result, dict):
        return "isn't an object"
    needed = ["set", "group", "task"]
    needed += ["dice"] if result.get("task") == "segment" else []
    needed += ["answer_type", "said", "answer"] if result.get("task") in WORDS else []
    missing = [name for name in needed if name not in result]
    return f'has no "{missing[0]}"' if missing else ""


def write_results(file: Path, kept: Kept) -> None:
    lines = ",\n".join(json.dumps(result, ensure_ascii=False) for result in kept.results)
    head = f'"complete": {json.dumps(kept.complete)}, "weights": {json.dumps(kept.weights)}'
    write_whole(file, f'{{{head}, "results": [\n{lines}\n]}}\n')


def check_place(file: Path) -> None:
    """Tell before all asking that nothing could be written there."""
    if file.is_dir() or not os.access(file.parent, os.W_OK):
        raise ValueError(f"{file} cannot be written: name a file in a folder that is there and may be written to")
