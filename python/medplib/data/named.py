"""The files that records in MeCoVQA's format name: images, regions and masks."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .files import is_unsafe
from .pictures import SUFFIXES

_TAGS = re.compile(r"<(region|mask)>(.*?)</\1>", re.DOTALL)


def files_named(file: Path) -> dict[str, int]:
    """Each name, with the first record (from 0) that has it. A name without an ending, as some of MeCoVQA are, is a
    PNG's. Errors: OSError; ValueError, with file and record."""
    names: dict[str, int] = {}
    for place, record in enumerate(_read(file)):
        where = f"{file}, record {place}"
        if not isinstance(record, dict) or not isinstance(record.get("image"), str):
            raise ValueError(f'{where} has no "image": take it out or name its image')
        if not isinstance(record.get("conversations"), list):
            raise ValueError(f'{where} has no list "conversations": take it out or write what is asked and answered')
        for name in _names(record):
            names.setdefault(_tidy(name, f"{where} ({str(record.get('id', place))[:80]})"), place)
    return names


def _read(file: Path) -> list[Any]:
    try:
        records = json.loads(file.read_text(encoding="utf-8-sig"), object_hook=_reduced)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{file} is not JSON: {error}") from error
    if not isinstance(records, list):
        raise ValueError(f"{file} must hold a list of records, as MeCoVQA's files do")
    return records


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
    return posixpath.normpath(name if name.lower().endswith(SUFFIXES) else f"{name}.png")
