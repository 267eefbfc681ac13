"""A simulated user, who boxes a structure or clicks where a mask is wrong."""

from __future__ import annotations

import numpy as np

from .measures import Pixels

CLICKS = 3  # of the simulated user


def box_of(mask: Pixels) -> tuple[int, int, int, int]:
    """(x0, y0, x1, y1) around what is set in a mask that isn't empty, both corners inside."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1])


def filled(box: tuple[int, int, int, int], like: Pixels) -> Pixels:
    x0, y0, x1, y1 = box
    mask = np.zeros_like(like)
    mask[y0 : y1 + 1, x0 : x1 + 1] = True
    return mask


def next_click(drawn: Pixels, true: Pixels) -> tuple[tuple[int, int], int] | None:
    """The click (x, y) at the centre of the largest wrong component, and its label: 1 where the structure was missed,
    0 where too much was drawn. None when nothing is wrong.

    Source: Sofiiuk et al., "Reviving Iterative Training with Mask Guidance", 2021, and SAM, appendix A.
    """
    missed, extra = largest_component(true & ~drawn), largest_component(drawn & ~true)
    if not (missed.any() or extra.any()):
        return None
    label = int(missed.sum() >= extra.sum())
    return centre(missed if label else extra), label


def centre(component: Pixels) -> tuple[int, int]:
    """(x, y) of the pixel farthest from the edge (in steps; the picture's border is an edge); of several such pixels
    the one nearest to their middle."""
    x0, y0, x1, y1 = box_of(component)
    left = np.pad(component[y0 : y1 + 1, x0 : x1 + 1], 1)
    while left.any():
        deepest = left
        inner = left.copy()
        inner[1:-1, 1:-1] &= left[:-2, 1:-1] & left[2:, 1:-1] & left[1:-1, :-2] & left[1:-1, 2:]
        left = inner
    places = np.argwhere(deepest)  # (n, 2): y, x
    y, x = places[np.argmin(((places - places.mean(axis=0)) ** 2).sum(axis=1))]
    return int(x) + x0 - 1, int(y) + y0 - 1


def largest_component(mask: Pixels) -> Pixels:
    """The largest part whose pixels touch by their sides; the upper one of two that are equal."""
    edges = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8), axis=1)  # (H, W + 1)
    rows, starts = np.nonzero(edges == 1)
    ends = np.nonzero(edges == -1)[1]
    runs = list(zip(rows.tolist(), starts.tolist(), ends.tolist(), strict=True))  # in the order of reading
    root = _joined(runs)
    sizes: dict[int, int] = {}
    for (_, start, end), of in zip(runs, root, strict=True):
        sizes[of] = sizes.get(of, 0) + end - start
    largest = np.zeros_like(mask)
    if sizes:
        chosen = max(sizes, key=lambda of: sizes[of])
        for (row, start, end), of in zip(runs, root, strict=True):
            if of == chosen:
                largest[row, start:end] = True
    return largest


def _joined(runs: list[tuple[int, int, int]]) -> list[int]:
    """For each run of pixels the first one of its component."""
    parent = list(range(len(runs)))

    def find(run: int) -> int:
        while parent[run] != run:
            parent[run] = parent[parent[run]]
            run = parent[run]
        return run

    above = 0
    for index, (row, start, end) in enumerate(runs):
        while runs[above][0] < row - 1 or (runs[above][0] == row - 1 and runs[above][2] <= start):
            above += 1
        at = above
        while runs[at][0] == row - 1 and runs[at][1] < end:
            first, second = sorted((find(at), find(index)))
            parent[second] = first
            at += 1
    return [find(run) for run in range(len(runs))]
