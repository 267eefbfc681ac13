"""Files of JSON, and lists of records in them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

Hook = Callable[[dict[str, Any]], Any]  # what becomes of each object


def read_json(file: Path, hook: Hook | None = None) -> Any:
    """Errors: OSError; ValueError."""
    try:
        return json.loads(file.read_text(encoding="utf-8-sig"), object_hook=hook)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{file} is not JSON: {str(error)[:200]}") from error


def read_list(file: Path, hook: Hook | None = None) -> list[Any]:
    """A list of records. Errors: OSError; ValueError."""
    try:
        content = read_json(file, hook)
    except ValueError as error:
        if _is_lines(error.__cause__):
            raise _no_list(file, "an object a line (JSON Lines)") from error
        raise
    if not isinstance(content, list):
        raise _no_list(file, "an object" if isinstance(content, dict) else "something else")
    return content


def _is_lines(error: BaseException | None) -> bool:
    """Whether objects follow each other without a list around them."""
    if not isinstance(error, json.JSONDecodeError) or error.msg != "Extra data":
        return False
    return error.doc.lstrip().startswith("{") and error.doc.startswith("{", error.pos)


def _no_list(file: Path, holds: str) -> ValueError:
    return ValueError(
        f"{file} must hold a list of records, [{{…}}, {{…}}], but holds {holds}; jq makes a list of objects: "
        f"jq -s . {file.name} > list.json"
    )
