"""An answer whose text is read while it comes."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable, Generator, Iterator
from queue import SimpleQueue
from typing import TYPE_CHECKING

from .errors import StateError

if TYPE_CHECKING:
    from ._core import Answer

Ask = Callable[[Callable[[str], object]], "Answer"]
Event = tuple[str | None, BaseException | None]  # a piece; or the end, and what went wrong

# The threads that answer, and what cancels each.
_answering: dict[threading.Thread, Callable[[], None]] = {}


class Stream(Iterator[str]):
    """Pieces of text as they come; `answer` is there at the end. Leaving early cancels the answer."""

    def __init__(self, ask: Ask, cancel: Callable[[], None]) -> None:
        self._answers: list[Answer] = []
        self._pieces = _pieces(ask, cancel, self._answers)

    def __next__(self) -> str:
        return next(self._pieces)

    def close(self) -> None:
        """Cancels what is still to come."""
        self._pieces.close()

    @property
    def answer(self) -> Answer:
        """Errors: StateError, before the last piece was read and after `close`."""
        if not self._answers:
            raise StateError("The answer is there once all of its text was read, and never after close.")
        return self._answers[0]

    def __repr__(self) -> str:
        return f"<medplib.Stream {'at its end' if self._answers else 'under way'}>"


def _pieces(ask: Ask, cancel: Callable[[], None], answers: list[Answer]) -> Generator[str, None, None]:
    """The text of the answer, which is computed in a thread and then put into `answers`."""
    events: SimpleQueue[Event] = SimpleQueue()

    def answer() -> None:
        try:
            answers.append(ask(lambda piece: events.put((piece, None))))
            events.put((None, None))
        except BaseException as error:
            events.put((None, error))

    thread = threading.Thread(target=answer, name="medplib stream", daemon=True)
    thread.start()
    try:
        _answering[thread] = cancel
        while True:
            piece, error = events.get()
            if error is not None:
                raise error
            if piece is None:
                return
            yield piece
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
