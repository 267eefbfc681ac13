"""Pickles of plain containers, read without running anything that they name."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

LARGEST = 256 << 20  # bytes


class _Plain(pickle.Unpickler):
    """Lists, dictionaries, tuples, texts and numbers need no names; whatever a pickle names is refused."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"it asks for {module[:60]}.{name[:60]} to be run")

    def persistent_load(self, pid: Any) -> Any:
        raise pickle.UnpicklingError("it refers to something outside of the file")


def read_pickle(file: Path) -> Any:
    """Errors: OSError; ValueError, for a pickle that is damaged, too large or holds more than plain containers."""
    if file.stat().st_size > LARGEST:
        raise ValueError(f"{file} has more than {LARGEST >> 20} MiB: this is no list of questions")
    try:
        with file.open("rb") as stream:
            return _Plain(stream, encoding="utf-8").load()
    except OSError:
        raise
    except Exception as error:  # a damaged pickle raises nearly any
        raise ValueError(
            f"{file} is no pickle of plain lists and texts: {str(error)[:200]}. Nothing of it was run; download it "
            "again from the publisher"
        ) from error
