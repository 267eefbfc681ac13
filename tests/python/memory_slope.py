"""How the memory of a process grows with what it does: memory_slope.py "open and close=COUNT" "ask=COUNT" …

Prints the slope in bytes for each round with its 95 % interval, and "level" or "grows"; the exit code is 1 if any does.
It grows when the interval lies above a hundred bytes for each round: the least object that could be forgotten in one is
larger.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Callable

import medplib
import numpy as np
from golden import PICTURE

POINTS = 50
LEAST = 100


class MallInfo(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks")] + [
        (name, ctypes.c_size_t) for name in ("fsmblks", "uordblks", "fordblks", "keepcost")
    ]


def in_use() -> int:
    """Bytes that were allocated and not freed, in the C heap of all threads and of Python."""
    gc.collect()
    libc = ctypes.CDLL(None)
    libc.mallinfo2.restype = MallInfo
    told = libc.mallinfo2()
    return int(told.uordblks + told.hblkhd)


def slope(values: list[int], step: int) -> tuple[float, float]:
    """Growth for each round by least squares, and the half-width of its 95 % interval."""
    x = np.arange(len(values)) * float(step)
    y = np.array(values, float)
    growth, start = np.polyfit(x, y, 1)
    spread = np.sqrt(((y - start - growth * x) ** 2).sum() / (len(x) - 2) / ((x - x.mean()) ** 2).sum())
    return float(growth), float(2.01 * spread)  # Student's t, 48 degrees of freedom


def works(model: medplib.Model) -> dict[str, Callable[[], object]]:
    session = model.session(PICTURE)

    def open_and_close() -> None:
        model.session(PICTURE).refine(box=(20, 20, 120, 120))

    return {
        "open and close": open_and_close,
        "open and close models": lambda: medplib.load(model.folder),
        "ask": lambda: session.ask("Please segment the tumour in this MRI image.", max_new_tokens=2),
    }


def main(wanted: list[str]) -> int:
    known = works(medplib.load())
    grows = False
    for work, count in (each.split("=") for each in wanted):
        rounds = POINTS * max(int(count) // POINTS, 1)
        growth, half = slope(measured(known[work], rounds // POINTS), rounds // POINTS)
        bad = growth - half > LEAST
        print(f"{rounds} × {work}: {growth:.1f} ± {half:.1f} bytes each: {'grows' if bad else 'level'}", flush=True)
        grows = grows or bad
    return int(grows)


def measured(run: Callable[[], object], step: int) -> list[int]:
    """The memory in use after each `step` rounds."""
    for _ in range(10):  # caches fill
        run()
    values = []
    for _ in range(POINTS):
        for _ in range(step):
            run()
        values.append(in_use())
    return values


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
