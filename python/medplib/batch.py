"""Many files with one model: a row for each, in order, and a bar while they are worked on.

>>> from medplib import batch
>>> for row in batch.segment(Path("scans").glob("*.png"), "optic disc"):
...     print(json.dumps(row))

Rows are what the command line prints with --jsonl, but for the timing and the "line" of a request from stdin. An image
that cannot be read or answered gives a row with an "error" and the rest goes on.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Unpack

from ._bar import items_told
from ._inputs import several
from .engine import Answer, AskOptions, Model, Session, load
from .errors import CancelledError, DeviceError, MedplibError

Row = dict[str, Any]
Verb = Callable[[Session], Answer]

# What the other images would meet too.
_ENDS_EVERYTHING = (CancelledError, DeviceError)


def ask(
    images: Iterable[Any], question: str, model: Model | None = None, bar: bool = True, **options: Unpack[AskOptions]
) -> Iterator[Row]:
    """The answers to one question about many images (whatever a session takes)."""
    return _rows(images, {"question": question}, lambda session: session.ask(question, **options), model, bar)


def segment(
    images: Iterable[Any], phrase: str, model: Model | None = None, bar: bool = True, **options: Unpack[AskOptions]
) -> Iterator[Row]:
    """What a phrase names, in many images (whatever a session takes)."""
    return _rows(images, {"phrase": phrase}, lambda session: session.segment(phrase, **options), model, bar)


def row_of(answer: Answer) -> Row:
    """An answer as plain values, for JSON."""
    row: Row = json.loads(answer.to_json())
    del row["timing"]  # which no two runs share
    return row


def answered(session: Session, image: Any, verb: Verb) -> Row:
    """The row of one image. Errors: those that the other images would meet too."""
    try:
        session.set_image(image)
        return row_of(verb(session))
    except _ENDS_EVERYTHING:
        raise
    except MedplibError as error:
        told: Row = {"code": error.code, "message": str(error)}
        return {"error": {**told, "details": error.details} if error.details else told}


def _rows(images: Iterable[Any], words: Row, verb: Verb, model: Model | None, bar: bool) -> Iterator[Row]:
    listed = several("images", images)
    session = (model or load()).session()
    for number, image in enumerate(items_told(listed) if bar else listed):
        yield {"image": _name_of(image, number), **words, **answered(session, image, verb)}


def _name_of(image: Any, number: int) -> str | int:
    """The file, or the place in the list of what has no name."""
    try:
        return os.fsdecode(image) if isinstance(image, str | os.PathLike) else number
    except Exception:  # by a path that is its package's: the row says why
        return number
