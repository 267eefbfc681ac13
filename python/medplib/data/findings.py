"""What the engine's check of records finds, by the number of the record."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Container
from pathlib import Path
from typing import Any

# What nobody can be asked about.
UNUSABLE = (
    *("format", "path", "missing_file", "tags", "mask_without_seg", "seg_without_mask"),
    *("unreadable", "empty_mask", "mask_size"),  # found in pictures
)


def findings_of(data: Path, images: Path | None, pictures: bool) -> dict[int, list[str]]:
    """The sentences about each record that something was found of; `pictures` are opened, too, where that is asked for.

    Errors: ImportError, where no engine is built; those of the check.
    """
    return by_record(_report(data, images, pictures))


def refuse_unusable(data: Path, images: Path | None, pictures: bool) -> None:
    """Errors: as of findings_of; ValueError, which counts the records that cannot be used, and says why of the first
    five."""
    found = by_record(_report(data, images, pictures), UNUSABLE)
    if found:
        first = " ".join(sentences[0] for sentences in list(found.values())[:5])
        raise ValueError(f"{len(found)} records cannot be used, as medplib data check tells of each: {first}"[:1000])


def _report(data: Path, images: Path | None, pictures: bool) -> Any:
    from .. import _native as _native  # before _core, and refuses in sentences what cannot be loaded
    from .._core import check_records

    return json.loads(check_records(data, images, pictures))


def by_record(report: Any, faults: Container[str] | None = None) -> dict[int, list[str]]:
    """Of what `medplib data check --json` prints, or of these faults alone; records are numbered from 0."""
    found: dict[int, list[str]] = defaultdict(list)
    for finding in report["findings"]:
        if faults is None or finding["fault"] in faults:
            found[finding["record"]].append(finding["message"])
    return dict(found)
