"""Bars that say how far long work is: tqdm's, on a terminal or in a notebook."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

Item = TypeVar("Item")

LONG = 2.0  # seconds; loading that takes less shows nothing


def items_told(items: Iterable[Item]) -> Iterable[Item]:
    """The items; how far they are is told on stderr, if that is a terminal."""
    tqdm = _tqdm()
    if tqdm is None:
        return _with_line(items)
    bar: Iterable[Item] = tqdm(items, unit="image", disable=None)
    return bar


@contextmanager
def loading() -> Iterator[Callable[[float], object] | None]:
    """What is to be told the part loaded so far, 0 to 1; None without tqdm."""
    tqdm = _tqdm()
    if tqdm is None:
        yield None
        return
    with tqdm(total=1, desc="loading", bar_format="{desc} {percentage:3.0f}% |{bar}|", delay=LONG, disable=None) as bar:
        yield lambda part: bar.update(part - bar.n)


def _tqdm() -> Any:
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return None
    return tqdm


def _with_line(items: Iterable[Item]) -> Iterator[Item]:
    shown = sys.stderr.isatty()
    for done, item in enumerate(items, start=1):
        yield item
        if shown:
            print(f"\r{done} images", end="", file=sys.stderr, flush=True)
    if shown:
        print(file=sys.stderr)
