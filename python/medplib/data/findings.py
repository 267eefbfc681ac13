"""What the engine's check of records finds, by the number of the record."""

from __future__ import annotations

import importlib
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

NUMBER = ("record", "index", "number")  # from 0, as in the sentences of a training
SENTENCE = ("sentence", "message", "text", "what")


def findings_of(data: Path, images: Path | None) -> dict[int, list[str]] | None:
    """The sentences about each record that something was found of; None where the engine here has no check.

    Errors: ImportError, where no engine is built; those of the check.
    """
    from .. import _native as _native  # before _core, and refuses in sentences what cannot be loaded

    core = importlib.import_module(".._core", __package__)
    check = getattr(core, "check_records", None)
    return None if check is None else by_record(json.loads(check(data, images)))


def by_record(report: Any) -> dict[int, list[str]]:
    """Of a list of findings, or of an object that has it. A finding about no single record, or about several, is one
    of each that it names."""
    entries = report.get("findings", []) if isinstance(report, dict) else report
    found: dict[int, list[str]] = defaultdict(list)
    for entry in entries:
        named = _first(entry, NUMBER)
        for number in named if isinstance(named, list) else [named]:
            if isinstance(number, int):
                found[number].append(str(_first(entry, SENTENCE) or "something is wrong"))
    return dict(found)


def _first(entry: dict[str, Any], keys: tuple[str, ...]) -> Any:
    return next((entry[key] for key in keys if key in entry), None)
