"""The parts of a set, as files and folders call them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from ..folder import split
from ..own import Own

PARTS = ("train", "validate", "test")
_WORDS = {
    **dict.fromkeys(("train", "training", "trainset", "tr"), "train"),
    **dict.fromkeys(("val", "valid", "validate", "validation", "valset", "dev"), "validate"),
    **dict.fromkeys(("test", "testing", "testset", "ts"), "test"),
}
Thing = TypeVar("Thing")


def part_of(name: str) -> str:
    """The part that a name tells, such as "train" of "instances_train2017.json"; empty where it tells none or two."""
    told = {_WORDS[word] for word in re.findall("[a-z]+", name.lower()) if word in _WORDS}
    return told.pop() if len(told) == 1 else ""


def by_part(files: Iterable[Path]) -> dict[str, Path]:
    """The file of each part. Errors: ValueError, for a name that tells no part, and for two files of one."""
    found: dict[str, Path] = {}
    for file in files:
        part = part_of(file.stem)
        if not part:
            raise ValueError(
                f"{file}: the name doesn't say which part of the set it is: let it hold train, val or test"
            )
        if part in found:
            raise ValueError(f"{file}: {found[part].name} is the {part} part, too: give one of them")
        found[part] = file
    return found


def as_parts(found: Sequence[Own], fraction: float) -> dict[str, list[Own]]:
    """Those of a source that has no parts itself; of one group, all are to learn from. Errors: ValueError."""
    if len({own.group for own in found}) < 2:
        return {"train": list(found)}
    learnt, held_out = split(found, fraction)
    return {"train": learnt, "validate": held_out}


def shared_by_parts(groups: Mapping[str, set[str]]) -> list[str]:
    """The groups that are in several parts: what is learnt from them helps in the test."""
    parts = list(groups.values())
    return sorted({name for at, some in enumerate(parts) for more in parts[at + 1 :] for name in some & more})
