"""How the memory of a process grows with what it does: memory_slope.py "open and close=COUNT" "ask=COUNT" …

Prints the slope in bytes for each round with its 95 % interval, and "level" or "not level"; the exit code is 1 if any
is not. It is level when the interval ends below the least that the C heap hands out: an object that is forgotten in
every round is seen, and a noisy series is no proof.
"""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from collections.abc import Callable

import medplib
import numpy as np
import numpy.typing as npt
from golden import PICTURE

POINTS = 50
LEAST = 32
# Python's objects are in the C heap, and what a thread keeps for its next allocation does not count as in use.
HEAP = {"PYTHONMALLOC": "malloc", "GLIBC_TUNABLES": "glibc.malloc.tcache_count=0"}


class MallInfo(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks")] + [
        (name, ctypes.c_size_t) for name in ("fsmblks", "uordblks", "fordblks", "keepcost")
    ]


LIBC = ctypes.CDLL(None)
LIBC.mallinfo2.restype = MallInfo


def in_use() -> int:
    """Bytes that were allocated and not freed, in the C heap of all threads and of Python."""
    gc.collect()
    told = LIBC.mallinfo2()
    return int(told.uordblks + told.hblkhd)


def slope(values: npt.NDArray[np.float64], step: int) -> tuple[float, float]:
    """Growth for each round by least squares, and the half-width of its 95 % interval."""
    x = np.arange(len(values)) * float(step)
    growth, start = np.polyfit(x, values, 1)
    spread = np.sqrt(((values - start - growth * x) ** 2).sum() / (len(x) - 2) / ((x - x.mean()) ** 2).sum())
    return float(growth), float(2.01 * spread)  # Student's t, 48 degrees of freedom


def works(model: medplib.Model) -> dict[str, Callable[[], object]]:
    session = model.session(PICTURE)

    def open_and_close() -> None:
        model.session(PICTURE).refine(box=(20, 20, 120, 120))

    return {
        "open and close": open_and_close,
        "open and close models": lambda: medplib.load(model.folder),
        "leak": lambda: LIBC.malloc(40),  # the tool's own test
        "ask": lambda: session.ask("Please segment the tumour in this MRI image.", max_new_tokens=2),
    }


def main(wanted: list[str]) -> int:
    if not HEAP.items() <= os.environ.items():
        os.execve(sys.executable, sys.orig_argv, os.environ | HEAP)
    known = works(medplib.load())
    gc.collect()
    gc.freeze()  # else each look at the memory goes through all that was imported
    level = True
    for work, count in (each.split("=") for each in wanted):
        rounds = POINTS * max(int(count) // POINTS, 1)
        growth, half = slope(measured(known[work], rounds // POINTS), rounds // POINTS)
        found = "level" if max(growth, 0) + half < LEAST else "not level"
        print(f"{rounds} × {work}: {growth:.1f} ± {half:.1f} bytes each: {found}", flush=True)
        level = level and found == "level"
    return int(not level)


def measured(run: Callable[[], object], step: int) -> npt.NDArray[np.float64]:
    """The memory in use after each `step` rounds."""
    for _ in range(10):  # caches fill
        run()
    values = np.zeros(POINTS)  # all at once: what is kept here must not look like growth
    for point in range(POINTS):
        for _ in range(step):
            run()
        values[point] = in_use()
    return values


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
