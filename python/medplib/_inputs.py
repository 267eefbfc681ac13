"""What users hand in, as the engine takes it."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from ._core import Image, Mask, Region
from .errors import InvalidArgumentError

if TYPE_CHECKING:
    import PIL.Image

ImageLike: TypeAlias = "str | os.PathLike[str] | npt.NDArray[Any] | PIL.Image.Image | Image"
MaskLike: TypeAlias = "str | os.PathLike[str] | npt.NDArray[Any] | Mask"

# Each kind of region, and what stands for it.
REGIONS = {
    "point": "(x, y)",
    "box": "(x0, y0, x1, y1)",
    "polygon": "three or more (x, y)",
    "scribble": "two or more (x, y)",
    "mask": "an array (H, W), a file or a Mask",
}


def image_of(image: ImageLike) -> Image:
    """Errors: InvalidArgumentError, and those of reading a file."""
    if isinstance(image, Image):
        return image
    if isinstance(image, str | os.PathLike):
        return Image.read(image)
    array = _array_of_pil(image)
    if not isinstance(array, np.ndarray):
        raise InvalidArgumentError(f"An image is a path, a PIL image or a numpy array, not {type(image).__name__}.")
    if array.dtype != np.uint8:
        raise InvalidArgumentError(f"An image array holds uint8, 0 to 255, but this one holds {array.dtype}.")
    if array.ndim == 2:
        array = array[:, :, np.newaxis]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4):
        raise InvalidArgumentError(f"An image array is (H, W), (H, W, 3) or (H, W, 4), not {array.shape}.")
    return Image.from_array(np.ascontiguousarray(array))


def _array_of_pil(image: Any) -> Any:
    """The pixels of a PIL image; anything else as it is."""
    pil = sys.modules.get("PIL.Image")  # who hands in a PIL image has imported it
    if pil is None or not isinstance(image, pil.Image):
        return image
    if image.mode.startswith(("I", "F")):
        raise InvalidArgumentError(
            f'The PIL image has mode "{image.mode}": give the path of the file, which is read with all its bits, or '
            "an array scaled to uint8."
        )
    return np.asarray(image if image.mode in ("L", "RGB", "RGBA") else image.convert("RGB"))


def region_of(kind: str, value: Any) -> Region:
    """A region from what stands for its kind. Errors: InvalidArgumentError."""
    try:
        if kind == "mask":
            return _mask_region(value)
        if kind == "point":
            x, y = value
            return Region.point(float(x), float(y))
        if kind == "box":
            x0, y0, x1, y1 = value
            return Region.box(float(x0), float(y0), float(x1), float(y1))
        points = [(float(x), float(y)) for x, y in value]
        return Region.polygon(points) if kind == "polygon" else Region.scribble(points)
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(f"{kind} is {REGIONS[kind]}, not {value!r}.") from error


def _mask_region(mask: MaskLike) -> Region:
    if isinstance(mask, str | os.PathLike):
        return Region.mask_file(mask)
    array = mask.array if isinstance(mask, Mask) else mask
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "bui":
        raise TypeError("not an array of integers")
    if array.ndim != 2:
        raise InvalidArgumentError(f"A mask array is (H, W), not {array.shape}.")
    return Region.mask(np.ascontiguousarray(array >= 1, dtype=np.uint8))
