"""The files that records in MeCoVQA's format name: images, regions and masks."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Any

from .files import is_unsafe
from .json_files import read_list
from .pictures import SUFFIXES

MISSING_ENDING = ".png"  # some of MeCoVQA's names go without it
REGION, MASK = (re.compile(rf"<{tag}>(.*?)</{tag}>", re.DOTALL) for tag in ("region", "mask"))
_TAGS = re.compile(r"<(region|mask)>(.*?)</\1>", re.DOTALL)


def files_named(file: Path) -> dict[str, int]:
    """Each name, with the first record (from 0) that has it. A name without an ending, as some of MeCoVQA are, is a
    PNG's. Errors: OSError; ValueError, with file and record."""
    names: dict[str, int] = {}
    for place, record in enumerate(read_list(file, _reduced)):
        where = f"{file}, record {place}"
        if not isinstance(record, dict) or not isinstance(record.get("image"), str):
            raise ValueError(f'{where} has no "image": take it out or name its image')
        if not isinstance(record.get("conversations"), list):
            raise ValueError(f'{where} has no list "conversations": take it out or write what is asked and answered')
        for name in _names(record):
            names.setdefault(_tidy(name, f"{where} ({str(record.get('id', place))[:80]})"), place)
    return names


def file_below(root: Path, name: str) -> Path:
    """The file that a record names, with its missing ending where it is there with that alone. Errors: ValueError, for
    one outside of the root."""
    file, parts = root / name, PurePath(name).parts
    if not parts or ".." in parts or not file.resolve().is_relative_to(root.resolve()):
        raise ValueError(f"{name[:200]!r} leads out of {root}: write it as images/NAME")
    whole = root / f"{name}{MISSING_ENDING}"
    return whole if whole.exists() and not file.exists() else file


def _reduced(entry: dict[str, Any]) -> Any:
    """Of a turn the names alone, of a record what has them: hundreds of thousands of records stay small."""
    if isinstance(entry.get("value"), str):
        return [name for _, name in _TAGS.findall(entry["value"])]
    return {key: entry[key] for key in ("id", "image", "conversations") if key in entry}


def _names(record: dict[str, Any]) -> Iterator[str]:
    yield record["image"]
    for turn in record["conversations"]:
        if isinstance(turn, list):
            yield from turn


def _tidy(name: str, where: str) -> str:
    name = name.strip()
    if not name or is_unsafe(name):
        raise ValueError(
            f"{where} names the file {name[:200]!r}, which doesn't lie in the folder: write it as images/NAME"
        )
    return posixpath.normpath(name if name.lower().endswith(SUFFIXES) else f"{name}{MISSING_ENDING}")
