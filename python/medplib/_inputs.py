"""What users hand in, as the engine takes it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from ._core import Image, Mask, Region, _remarks_of
from ._exif import exif_orientation
from .errors import FormatError, HostMemoryError, InvalidArgumentError, MedplibError, shown

if TYPE_CHECKING:
    import PIL.Image


class Tensor(Protocol):
    """torch, and whatever else hands its numbers over by DLPack."""

    def __dlpack__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __dlpack_device__(self, *args: Any, **kwargs: Any) -> Any: ...


class Dataset(Protocol):
    """pydicom's, with pixels."""

    @property
    def pixel_array(self) -> npt.NDArray[Any]: ...


ImageLike: TypeAlias = "str | os.PathLike[str] | bytes | npt.NDArray[Any] | Tensor | PIL.Image.Image | Dataset | Image"
MaskLike: TypeAlias = "str | os.PathLike[str] | npt.NDArray[Any] | Tensor | PIL.Image.Image | Mask"

Thing = TypeVar("Thing")
Function = TypeVar("Function", bound=Callable[..., object])

Point: TypeAlias = Sequence[float] | npt.NDArray[Any]
Points: TypeAlias = Sequence[Sequence[float]] | npt.NDArray[Any]
Labels: TypeAlias = Sequence[int] | npt.NDArray[Any]

ALPHA_MODES = ("LA", "La", "PA", "RGBA", "RGBa")
LOSSY = ("JPEG", "MPO")
LOST_BITS = (
    "has 16 bits a channel, of which a PIL image keeps the upper 8: it may be dark. Give the path of the file, which "
    "is read with all its bits."
)

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
        return Image.read(file_name("image", image))
    if isinstance(image, bytes):
        return Image.decode(image)
    with _reading(image):
        lost = _remarks_of_lost_bits(image)  # which Pillow forgets as it reads the pixels
        array = _pixels_of(image)
        if isinstance(array, np.ndarray):
            remarks = _remarks_of_pil(image) + lost
            read = Image.from_array(np.ascontiguousarray(array), remarks=remarks)
            return read._with_warnings(_warnings_of(image))
    raise InvalidArgumentError(
        "An image is a path, the bytes of a file, a PIL image, a numpy array, a torch tensor or a pydicom dataset, "
        f"not {type(image).__name__}."
    )


def words(name: str, text: str) -> str:
    """What can be put to the model. Errors: InvalidArgumentError."""
    if not isinstance(text, str):
        raise InvalidArgumentError(f"{name} is text, not {type(text).__name__}.")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidArgumentError(
            f"{name} holds half a character at {error.start}, {text[error.start]!r}: decode the text as what it is."
        ) from error
    return text


def file_name(name: str, path: str | os.PathLike[str]) -> str:
    """What can be the name of a file or folder. Errors: InvalidArgumentError; FormatError, of a package's own path."""
    if not isinstance(path, str | os.PathLike):
        raise InvalidArgumentError(f"{name} is a path, not {type(path).__name__}.")
    with _reading(path):  # some packages fetch a file when its path is asked for
        text = os.fspath(path)
    try:
        encoded = os.fsencode(text)
    except UnicodeEncodeError as error:
        raise InvalidArgumentError(f"{name} holds half a character, which no path does: {shown(text)}.") from error
    if b"\0" in encoded:
        raise InvalidArgumentError(f"{name} holds a character of value 0, which no path does: {shown(text)}.")
    return text


def several(name: str, things: Iterable[Thing], one: type[Any] = str) -> Iterable[Thing]:
    """What is a list, and not one thing (a `one`, say) that Python would take apart. Errors: InvalidArgumentError."""
    is_list = hasattr(things, "__iter__") or hasattr(things, "__getitem__")
    if not is_list or isinstance(things, str | bytes | os.PathLike | one):
        raise InvalidArgumentError(f"{name} is a list, not one: give [{shown(things)}].")
    if getattr(things, "ndim", 0) in (2, 3):  # one picture
        raise InvalidArgumentError(f"{name} is a list, not one array of {getattr(things, 'shape', things)!r}.")
    return things


def function(name: str, given: Function | None) -> Function | None:
    """What can be called, or None. Errors: InvalidArgumentError."""
    if given is not None and not callable(given):
        raise InvalidArgumentError(f"{name} is a function, not {shown(given)}.")
    return given


@contextmanager
def _reading(thing: Any) -> Iterator[None]:
    """What PIL, pydicom and others raise where they cannot read their own, as a FormatError or HostMemoryError."""
    try:
        yield
    except MedplibError:
        raise
    except MemoryError as error:
        raise HostMemoryError(f"There is too little memory to read the {type(thing).__name__}.") from error
    except Exception as error:
        raise FormatError(f"The {type(thing).__name__} cannot be read: {str(error).rstrip('.')}.") from error


def _pixels_of(image: Any) -> Any:
    """An array with the channels last, from what holds one; anything else as it is."""
    if isinstance(image, np.ndarray):
        return image
    if _is(image, "PIL.Image", "Image"):
        return _pixels_of_pil(image)
    if _is(image, "torch", "Tensor"):
        return _channels_last(image.detach().cpu().numpy())
    if _is(image, "pydicom", "Dataset"):
        from ._dicom import pixels_of_dataset

        return pixels_of_dataset(image)
    return np.from_dlpack(image) if hasattr(image, "__dlpack__") else image


def _warnings_of(image: Any) -> list[str]:
    """What answers about it repeat."""
    if not _is(image, "pydicom", "Dataset"):
        return []
    from ._dicom import warnings_of_dataset

    return warnings_of_dataset(image)


def _is(thing: Any, module: str, name: str) -> bool:
    """Whether it is of a class of a package that need not be there: who hands one in has imported it."""
    loaded = sys.modules.get(module)
    return loaded is not None and isinstance(thing, getattr(loaded, name))


def _channels_last(tensor: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """(C, H, W), as torch has its images, to (H, W, C)."""
    if tensor.ndim == 3 and tensor.shape[0] not in (1, 3, 4):
        raise InvalidArgumentError(
            f"An image tensor is (H, W) or (C, H, W) with 1, 3 or 4 channels, not {tensor.shape}: use "
            "permute(2, 0, 1) where the channels come last."
        )
    return np.moveaxis(tensor, 0, -1) if tensor.ndim == 3 else tensor


def _pixels_of_pil(image: PIL.Image.Image) -> npt.NDArray[Any]:
    if _has_alpha(image):
        return _rgba_of(image)
    if image.mode.startswith("I;16"):
        return np.asarray(image).astype(np.uint16)
    if image.mode.startswith(("I", "F")):
        raise InvalidArgumentError(
            f'The PIL image has mode "{image.mode}": give the path of the file, which is read with all its bits, or '
            "an array of uint8 or uint16."
        )
    return np.asarray(image if image.mode in ("L", "RGB") else image.convert("RGB"))


def _has_alpha(image: PIL.Image.Image) -> bool:
    return image.mode in ALPHA_MODES or "transparency" in image.info


def _rgba_of(image: PIL.Image.Image) -> npt.NDArray[Any]:
    if image.mode.startswith("I;16"):  # of which one value may stand for nothing
        values = np.asarray(image).astype(np.uint16)
        seen = (values != image.info["transparency"]).astype(np.uint16)
        return np.dstack([values] * 3 + [seen])
    straight = image.convert("LA") if image.mode == "La" else image  # PIL would drop its alpha
    return np.asarray(straight.convert("RGBA"))


def _remarks_of_pil(image: Any, noisy: bool = False) -> list[str]:
    """What a PIL image, whose pixels were read, shows of its file other than a viewer would; nothing of others."""
    if not _is(image, "PIL.Image", "Image"):
        return []
    return _remarks_of(
        channels=_channels_left_out(image),
        orientation=exif_orientation(image),
        several=_is_first_of_several(image),
        noisy=noisy and image.format in LOSSY,
    )


def _is_first_of_several(image: Any) -> bool:
    """Whether an image is the first of its file, and others follow. In an MPO they are a camera's, of the first."""
    return image.format != "MPO" and bool(getattr(image, "is_animated", False)) and image.tell() == 0


def _channels_left_out(image: Any) -> tuple[int, int] | None:
    """Of a TIFF file with more channels than PIL has read: how many it has, and how many of PIL's are colours."""
    channels, read = getattr(image, "tag_v2", {}).get(277, 1), len(image.getbands())
    return (channels, read - (image.mode in ALPHA_MODES)) if channels > read else None


def _remarks_of_lost_bits(image: Any) -> list[str]:
    """Of colours of 16 bits PIL keeps the upper 8. Of a PNG file it knows that only until the pixels are read."""
    if not _is(image, "PIL.Image", "Image") or image.mode not in ("RGB", "RGBA"):
        return []
    deep = max(getattr(image, "tag_v2", {}).get(258, (8,))) > 8 or any(
        ";16" in str(tile) for tile in getattr(image, "tile", ())
    )
    return [LOST_BITS] if deep else []


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
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidArgumentError(f"{kind} is {REGIONS[kind]}, not {shown(value)}.") from error


def clicks_of(points: Points | None, labels: Labels | None) -> list[tuple[float, float, bool]]:
    """(x, y, inside) of points (N, 2) labelled 1, the default, or 0. Errors: InvalidArgumentError."""
    try:
        places = [] if points is None else [(float(x), float(y)) for x, y in points]
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidArgumentError(f"point_coords is (N, 2): x and y of each point, not {shown(points)}.") from error
    try:
        inside = [1] * len(places) if labels is None else [int(label) if label in (0, 1) else -1 for label in labels]
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(f"point_labels is (N): 1 or 0 of each point, not {shown(labels)}.") from error
    if len(inside) != len(places):
        raise InvalidArgumentError(f"There are {len(places)} point_coords, but {len(inside)} point_labels.")
    if not {*inside} <= {0, 1}:
        raise InvalidArgumentError(f"point_labels are 1 (inside) or 0 (outside), not {shown(labels)}.")
    return [(x, y, bool(label)) for (x, y), label in zip(places, inside, strict=True)]


def _mask_region(mask: MaskLike) -> Region:
    if isinstance(mask, str | os.PathLike):
        return Region.mask_file(file_name("mask", mask))
    with _reading(mask):
        array = mask.array if isinstance(mask, Mask) else _array_of_mask(mask)
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "bui":
        raise TypeError("not an array of integers")
    noisy = array.ndim == 2 and len(np.unique(array)) > 2
    with _reading(mask):
        inside = array >= 1 if array.ndim == 2 else array  # of several channels one may be alpha: the engine's business
        dtype = np.uint8 if array.ndim == 2 else array.dtype
        return Region.mask(np.ascontiguousarray(inside, dtype), remarks=_remarks_of_pil(mask, noisy))


def _array_of_mask(mask: Any) -> Any:
    if _is(mask, "PIL.Image", "Image"):
        if _has_alpha(mask):
            rgba = _rgba_of(mask)
            return rgba if rgba.dtype == np.uint8 else np.minimum(rgba[..., 2:], 255).astype(np.uint8)
        return np.asarray(mask if mask.mode == "F" else mask.convert("L"))  # fractions are no mask
    if _is(mask, "torch", "Tensor"):
        array = mask.detach().cpu().numpy()
        return np.moveaxis(array, 0, -1) if array.ndim == 3 else array
    return mask if isinstance(mask, np.ndarray) or not hasattr(mask, "__dlpack__") else np.from_dlpack(mask)
