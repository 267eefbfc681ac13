"""An answer whose text is read while it comes."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable, Generator, Iterator
from queue import SimpleQueue
from typing import TYPE_CHECKING, Self, Union

from .errors import StateError

if TYPE_CHECKING:
    from ._core import Answer

Ask = Callable[[Callable[[str], object]], "Answer"]
Event = Union[str, "Answer", BaseException]  # a piece; or the end, and what went wrong

# The threads that answer, and what cancels each.
_answering: dict[threading.Thread, Callable[[], None]] = {}


class Stream(Iterator[str]):
    """Pieces of text as they come; `answer` is there at the end. Closing or forgetting the stream cancels the answer.

    In a `with` it is closed at the end, also where the loop was left early.
    """

    def __init__(self, ask: Ask, cancel: Callable[[], None]) -> None:
        self._answers: list[Answer] = []
        self._pieces = _pieces(ask, cancel, self._answers)

    def __next__(self) -> str:
        return next(self._pieces)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def close(self) -> None:
        """Cancels what is still to come."""
        self._pieces.close()

    @property
    def answer(self) -> Answer:
        """Errors: StateError, before all of the text was read, or when the stream was closed before."""
        if not self._answers:
            raise StateError("The answer is there once all of its text was read, and never when it was cancelled.")
        return self._answers[0]

    def __repr__(self) -> str:
        return f"<medplib.Stream {'at its end' if self._answers else 'under way'}>"


def _pieces(ask: Ask, cancel: Callable[[], None], answers: list[Answer]) -> Generator[str, None, None]:
    """The text of the answer, which is computed in a thread and put into `answers` behind its last piece."""
    events: SimpleQueue[Event] = SimpleQueue()

    def answer() -> None:
        try:
            events.put(ask(events.put))
        except BaseException as error:
            events.put(error)

    thread = threading.Thread(target=answer, name="medplib stream", daemon=True)
    thread.start()
    try:
        _answering[thread] = cancel
        while True:
            event = events.get()
            if isinstance(event, BaseException):
                raise event
            if not isinstance(event, str):
                answers.append(event)
                return
            yield event
    finally:
        _end(thread, cancel)
        _answering.pop(thread, None)


def _end(thread: threading.Thread, cancel: Callable[[], None]) -> None:
    while thread.is_alive():  # a cancel that comes before the thread is in the engine goes unheard
        cancel()
        thread.join(0.05)


@atexit.register
def _end_all() -> None:
    """Python does not wait for daemon threads: none may be in the engine when it is taken down."""
    for thread, cancel in list(_answering.items()):
        _end(thread, cancel)
