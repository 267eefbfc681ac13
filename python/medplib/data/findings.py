"""What the engine's check of records finds, by the number of the record."""

from __future__ import annotations

import importlib
import json
from collections import defaultdict
from pathlib import Path
from typing import Any


def findings_of(data: Path, images: Path | None) -> dict[int, list[str]] | None:
    """The sentences about each record that something was found of; None where the engine here has no check.

    Errors: ImportError, where no engine is built; those of the check.
    """
    from .. import _native as _native  # before _core, and refuses in sentences what cannot be loaded

    core = importlib.import_module(".._core", __package__)
    check = getattr(core, "check_records", None)
    return None if check is None else by_record(json.loads(check(data, images)))


def by_record(report: Any) -> dict[int, list[str]]:
    """Of what `medplib data check --json` prints; records are numbered from 0."""
    found: dict[int, list[str]] = defaultdict(list)
    for finding in report["findings"]:
        found[finding["record"]].append(finding["message"])
    return dict(found)
