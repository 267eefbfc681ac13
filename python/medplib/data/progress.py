"""How far long work is: a line on stderr, where that is a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Collection, Iterator
from types import TracebackType
from typing import TypeVar

SILENT = 2.0  # seconds; work that takes less shows nothing
EVERY = 0.5  # seconds


Item = TypeVar("Item")


class Progress:
    """with Progress("merged", 1000) as told: told.step()"""

    def __init__(self, done: str, total: int) -> None:
        """`done` is what has become of those that are counted; without a total (0) no time that is left is told."""
        self._done, self._total, self._count = done, total, 0
        self._shown, self._start = False, time.monotonic()
        self._next = self._start + SILENT if sys.stderr.isatty() else float("inf")

    def step(self, count: int = 1) -> None:
        self._count += count
        now = time.monotonic()
        if now >= self._next:
            self._shown, self._next = True, now + EVERY
            print(f"\r{self._line(now - self._start)}\033[K", end="", file=sys.stderr, flush=True)

    def _line(self, seconds: float) -> str:
        if not self._total:
            return f"{self._count:,} {self._done}"
        left = round(seconds * (self._total - self._count) / max(1, self._count))
        return (
            f"{self._count:,} of {self._total:,} {self._done}, {left // 3600}:{left // 60 % 60:02}:{left % 60:02} left"
        )

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._shown:
            print(file=sys.stderr)


def told_of(items: Collection[Item], done: str) -> Iterator[Item]:
    """The items, each counted as `done` when the next is asked for."""
    with Progress(done, len(items)) as told:
        for item in items:
            yield item
            told.step()
