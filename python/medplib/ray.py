"""Many images on many machines, with Ray Data: each worker loads the model once.

>>> import ray
>>> from medplib import ray as medplib_ray
>>> images = ray.data.from_items([{"path": "a.png"}, {"path": "b.png"}])
>>> medplib_ray.segment(images, "optic disc", workers=2).write_parquet("answers")

Every row keeps its columns and gets two more: "answer", the row of `medplib.batch` as JSON, and "error", the sentence
that says why there is none, empty where there is one. A data set that has such a column already is refused.

A worker that dies is replaced, and what it had is done again.
"""

from __future__ import annotations

import json
import os
from typing import Any, Unpack

from .batch import answered
from .engine import AskOptions, load
from .errors import InvalidArgumentError

Row = dict[str, Any]


def ask(
    dataset: Any,
    question: str,
    *,
    column: str = "path",
    model: str | os.PathLike[str] | None = None,
    device: str = "auto",
    precision: str = "float32",
    workers: int = 2,
    num_gpus: float = 0,
    **options: Unpack[AskOptions],
) -> Any:
    """The data set with the answers to a question about the images in `column`: files that the workers can read, or
    uint8 arrays. `model` is a folder that they can read; options must be such that can be sent to them. Each worker has
    `num_gpus` GPUs of the cluster, or a part of one."""
    loaded = (model, device, precision)
    return _map(dataset, ("ask", question, column, loaded, dict(options)), workers, num_gpus)


def segment(
    dataset: Any,
    phrase: str,
    *,
    column: str = "path",
    model: str | os.PathLike[str] | None = None,
    device: str = "auto",
    precision: str = "float32",
    workers: int = 2,
    num_gpus: float = 0,
    **options: Unpack[AskOptions],
) -> Any:
    """The data set with what a phrase names in the images in `column`; otherwise as `ask`."""
    loaded = (model, device, precision)
    return _map(dataset, ("segment", phrase, column, loaded, dict(options)), workers, num_gpus)


def _map(dataset: Any, settings: tuple[Any, ...], workers: int, num_gpus: float) -> Any:
    taken = [name for name in dataset.columns() or () if name in ("answer", "error")]
    if taken:
        raise InvalidArgumentError(
            f"The data set has a column {taken[0]!r} already, where the answers would go: rename or drop it first."
        )
    return dataset.map(Worker, fn_constructor_args=settings, concurrency=workers, num_gpus=num_gpus)


class Worker:
    """One process with the model and a session."""

    def __init__(
        self,
        verb: str,
        words: str,
        column: str,
        loaded: tuple[str | os.PathLike[str] | None, str, str],
        options: dict[str, Any],
    ) -> None:
        self._session = load(*loaded).session()
        self._verb, self._words, self._column, self._options = verb, words, column, options

    def __call__(self, row: Row) -> Row:
        answer = answered(
            self._session, row[self._column], lambda session: getattr(session, self._verb)(self._words, **self._options)
        )
        error = answer.get("error", {"message": ""})["message"]
        return {**row, "answer": json.dumps(answer), "error": error}
