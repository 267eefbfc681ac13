"""What the engine's check of records finds, by the number of the record."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any


def findings_of(data: Path, images: Path | None, pictures: bool) -> dict[int, list[str]]:
    """The sentences about each record that something was found of; `pictures` are opened, too, where that is asked for.

    Errors: ImportError, where no engine is built; those of the check.
    """
    from .. import _native as _native  # before _core, and refuses in sentences what cannot be loaded
    from .._core import check_records

    return by_record(json.loads(check_records(data, images, pictures)))


def by_record(report: Any) -> dict[int, list[str]]:
    """Of what `medplib data check --json` prints; records are numbered from 0."""
    found: dict[int, list[str]] = defaultdict(list)
    for finding in report["findings"]:
        found[finding["record"]].append(finding["message"])
    return dict(found)
