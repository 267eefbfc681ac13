"""COCO's ways of writing masks: polygons, and run lengths as a list or as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..masks import Inside


def mask_of(segmentation: Any, height: int, width: int) -> Inside:
    """(H, W). Errors: ValueError, which says what is wrong with it."""
    if isinstance(segmentation, list):
        inside = np.zeros((height, width), bool)
        for polygon in segmentation:
            inside |= filled(polygon, height, width)
        return inside
    if not isinstance(segmentation, dict) or segmentation.get("size") != [height, width]:
        raise ValueError("it is neither polygons nor run lengths of the image's size")
    counts = segmentation.get("counts")
    runs = counts_of(counts) if isinstance(counts, str) else counts
    return from_runs(runs, height, width)


def from_runs(runs: Any, height: int, width: int) -> Inside:
    """(H, W), of the lengths of runs of outside and inside by turns, column by column. Errors: ValueError."""
    if not isinstance(runs, list) or not all(type(run) is int and 0 <= run <= height * width for run in runs):
        raise ValueError("its run lengths are no numbers from 0 to the number of pixels")
    if sum(runs) != height * width:
        raise ValueError("its run lengths don't add up to the number of pixels")
    inside: Inside = np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(width, height).T
    return inside


def counts_of(text: str) -> list[int]:
    """The run lengths of COCO's compressed form: 5 bits a character, and from the fourth on the difference to the one
    before the last. Errors: ValueError."""
    runs: list[int] = []
    value = shift = 0
    for character in text:
        bits = ord(character) - 48
        if not 0 <= bits < 64 or shift > 30:
            raise ValueError("its compressed run lengths are damaged")
        value |= (bits & 31) << shift
        shift += 5
        if not bits & 32:  # the last character of a number
            if bits & 16:
                value -= 1 << shift
            runs.append(value + runs[-2] if len(runs) > 2 else value)
            value = shift = 0
    if shift:
        raise ValueError("its compressed run lengths end within a number")
    return runs


def filled(polygon: Any, height: int, width: int) -> Inside:
    """(H, W): the pixels whose centres lie in the polygon x0, y0, x1, y1, … Errors: ValueError."""
    corners = _corners(polygon)
    turns = np.zeros((height, width + 1), np.int32)  # where a row enters or leaves the polygon
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if y0 == y1:
            continue
        first, last = (int(np.clip(np.ceil(y - 0.5), 0, height)) for y in sorted((y0, y1)))
        rows = np.arange(first, last)
        crossed = x0 + (rows + 0.5 - y0) * (x1 - x0) / (y1 - y0)
        np.add.at(turns, (rows, np.clip(np.ceil(crossed - 0.5), 0, width).astype(int)), 1)
    inside: Inside = turns.cumsum(axis=1)[:, :width] % 2 == 1
    return inside


def _corners(polygon: Any) -> Any:
    is_list = isinstance(polygon, Sequence) and len(polygon) >= 6 and len(polygon) % 2 == 0
    if not is_list or not all(isinstance(value, (int, float)) for value in polygon):
        raise ValueError("a polygon of it is no list of x and y of at least three corners")
    corners = np.array(polygon, np.float64).reshape(-1, 2)
    if not np.isfinite(corners).all() or np.abs(corners).max() > 1e7:
        raise ValueError("a polygon of it has corners that are no places")
    return corners
