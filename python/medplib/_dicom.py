"""The pixels of a pydicom dataset as they are looked at: bright is bright."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.multival import MultiValue
from pydicom.pixels import apply_color_lut, apply_rescale

from .errors import InvalidArgumentError


def pixels_of_dataset(dataset: Any) -> npt.NDArray[np.uint8] | npt.NDArray[np.uint16]:
    """(H, W) or (H, W, 3). Grey is windowed by the file's first window; without one it is uint16, which the engine
    shows from its darkest to its brightest value but for outliers.

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
    window = _window(dataset)
    if window is None and pixels.dtype.kind in "bui" and np.ptp(pixels.astype(np.int64)) < 1 << 16:
        return _sixteen_bits(pixels, dataset)
    rescaled = apply_rescale(pixels, dataset) if _number(dataset, "RescaleSlope") is not None else pixels
    values: npt.NDArray[np.float64] = np.nan_to_num(np.asarray(rescaled, np.float64))
    low, high = window or (values.min(), values.max())
    bright: npt.NDArray[np.float64] = np.clip((values - low) / max(high - low, 1e-12), 0, 1)
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        bright = 1 - bright
    return (bright * 255).round().astype(np.uint8)


def _sixteen_bits(stored: npt.NDArray[Any], dataset: Any) -> npt.NDArray[np.uint16]:
    """Stored grey values from 0: where no window counts in rescaled ones, of the scale only its sign can be seen."""
    values = stored.astype(np.int64)
    falling = (_number(dataset, "RescaleSlope") or 1) < 0
    turned = falling != (dataset.PhotometricInterpretation == "MONOCHROME1")
    from_zero: npt.NDArray[np.int64] = values.max() - values if turned else values - values.min()
    return from_zero.astype(np.uint16)


def warnings_of_dataset(dataset: Any) -> list[str]:
    """What of the dataset's grey values is not applied: a whole sentence each, for answers about it."""
    if dataset.get("SamplesPerPixel", 1) != 1 or dataset.get("PhotometricInterpretation") == "PALETTE COLOR":
        return []
    return [
        f"The dataset's {attribute} is not applied: the image may look other than in a DICOM viewer."
        for attribute in _not_applied(dataset)
    ] + _warnings_of_padding(dataset)


def _not_applied(dataset: Any) -> Iterator[str]:
    yield from (name for name in ("ModalityLUTSequence", "VOILUTSequence") if dataset.get(name))
    function = str(dataset.get("VOILUTFunction") or "LINEAR")
    if function != "LINEAR":
        yield f"VOILUTFunction {function[:16]}"
    # MONOCHROME1 is turned already, and says INVERSE as well (PS3.3 C.8.11.3.1.2).
    if dataset.get("PresentationLUTShape") == "INVERSE" and dataset.get("PhotometricInterpretation") != "MONOCHROME1":
        yield "PresentationLUTShape INVERSE"
    for groups in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        for group in dataset.get(groups) or ():
            names = ("PixelValueTransformationSequence", "FrameVOILUTSequence")
            yield from (f"{name} in {groups}" for name in names if group.get(name))


def _warnings_of_padding(dataset: Any) -> list[str]:
    padding = [name for name in ("PixelPaddingValue", "PixelPaddingRangeLimit") if dataset.get(name) not in (None, "")]
    if not padding:
        return []
    values = " and ".join(f"{name} {str(dataset.get(name))[:16]}" for name in padding)
    if _window(dataset) is not None:
        return [f"The dataset says what is padding ({values}); it is not left out, but windowed like any other value."]
    return [
        f"The dataset says what is padding ({values}), but has no window: where it is darker or brighter than the "
        "image, the image has little contrast; pass an array scaled to uint8 instead."
    ]


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
