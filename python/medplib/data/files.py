"""Files that are written whole or not at all, and names that stay below their folder."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

# Characters that a name can't be printed or shown with: controls, and what stands for bytes that are no UTF-8.
UNSHOWN = r"\x00-\x1f\x7f\ud800-\udfff"
_UNSAFE = re.compile(rf"/|[A-Za-z]:|.*[\\{UNSHOWN}]|(?:.*/)?\.\.(?:/|$)", re.DOTALL)


def is_unsafe(name: str) -> bool:
    """Whether a name with / between its parts is absolute, has a drive letter, a part `..`, a backslash or UNSHOWN."""
    return _UNSAFE.match(name) is not None


@contextmanager
def made_whole(file: Path) -> Iterator[Path]:
    """Yields where to make it; it gets the file's name once all of it is there, and after an error nothing is left."""
    part = file.with_name(f"{file.name}.part")
    try:
        yield part
        part.replace(file)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


@contextmanager
def written_whole(file: Path) -> Iterator[BinaryIO]:
    """What is written stands under the file's name once all of it is there; after an error nothing is left."""
    with made_whole(file) as part, part.open("wb") as out:
        yield out


def write_whole(file: Path, text: str) -> None:
    """The whole file, or what was there before."""
    with written_whole(file) as out:
        out.write(text.encode("utf-8"))
