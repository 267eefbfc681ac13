"""The pixels of a pydicom dataset as they are looked at: 8 bits, bright is bright."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.multival import MultiValue
from pydicom.pixels import apply_color_lut, apply_rescale

from .errors import InvalidArgumentError


def pixels_of_dataset(dataset: Any) -> npt.NDArray[np.uint8]:
    """(H, W) or (H, W, 3). Grey is windowed by the file's first window, else from its darkest to its brightest value.

    Errors: InvalidArgumentError, for several frames; those of pydicom where it cannot decode the pixels.
    """
    if int(dataset.get("NumberOfFrames", 1) or 1) > 1:
        raise InvalidArgumentError(
            f"The dataset has {dataset.NumberOfFrames} frames: hand in one, as an array scaled to uint8."
        )
    pixels: npt.NDArray[Any] = dataset.pixel_array  # colours as RGB, however they were stored
    if dataset.PhotometricInterpretation == "PALETTE COLOR":
        colours: npt.NDArray[Any] = apply_color_lut(pixels, dataset)
        return _eight_bits(colours, 8 * colours.itemsize)
    if pixels.ndim == 3:
        return _eight_bits(pixels, dataset.BitsStored)
    rescaled = apply_rescale(pixels, dataset) if _number(dataset, "RescaleSlope") is not None else pixels
    values: npt.NDArray[np.float64] = np.nan_to_num(np.asarray(rescaled, np.float64))
    low, high = _window(dataset) or (values.min(), values.max())
    bright: npt.NDArray[np.float64] = np.clip((values - low) / max(high - low, 1e-12), 0, 1)
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        bright = 1 - bright
    return (bright * 255).round().astype(np.uint8)


def _eight_bits(colours: npt.NDArray[Any], bits: int) -> npt.NDArray[np.uint8]:
    """The upper 8 of the bits that each value has."""
    return np.asarray(colours >> max(bits - 8, 0), np.uint8)


def _window(dataset: Any) -> tuple[float, float] | None:
    """The values that become black and white (PS3.3 C.11.2.1.2)."""
    centre, width = _number(dataset, "WindowCenter"), _number(dataset, "WindowWidth")
    if centre is None or width is None or width < 1:
        return None
    return centre - 0.5 - (width - 1) / 2, centre - 0.5 + (width - 1) / 2


def _number(dataset: Any, tag: str) -> float | None:
    """The tag's first value; None where it is absent or empty."""
    value = dataset.get(tag)
    first = next(iter(value), None) if isinstance(value, MultiValue | list) else value
    return None if first is None or first == "" else float(first)
