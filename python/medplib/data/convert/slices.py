"""Axial slices of a volume and its label map, as a viewer shows them."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping, Set
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from ..masks import Inside

# Of CT in Hounsfield units, as radiologists look at it: what becomes black and white.
WINDOWS = {
    "abdomen": (-160.0, 240.0),
    "bone": (-500.0, 1300.0),
    "brain": (0.0, 80.0),
    "lung": (-1350.0, 150.0),
    "mediastinum": (-125.0, 225.0),
}
TAIL = 0.5  # per cent of the values at either end that may be cut off
MOST_VOXELS = 1 << 29
Window = tuple[float, float]
Volume = npt.NDArray[Any]  # (right, front, up): as nibabel has RAS+


@dataclass(frozen=True)
class Study:
    """A volume and its label map, both RAS+."""

    volume: Volume
    labels: Volume
    labels_file: Path
    values: Set[int]  # of the label map
    window: Window
    pixel: tuple[float, float]  # millimetres from left to right and from front to back

    @property
    def depth(self) -> int:
        return int(self.volume.shape[2])

    def slice(self, index: int, numbers: Mapping[str, Set[int]]) -> tuple[Image.Image, dict[str, Inside]]:
        """The picture, and where each structure lies in it; 0 is the lowest slice."""
        low, high = self.window
        bright = np.clip((as_viewed(self.volume[:, :, index]) - low) / (high - low), 0, 1)
        picture = Image.fromarray((bright * 255).round().astype(np.uint8))
        size = self._square(picture.size)
        labels = as_viewed(self.labels[:, :, index])
        layers = {phrase: _resized(np.isin(labels, sorted(keys)), size) for phrase, keys in numbers.items()}
        return picture.resize(size, Image.Resampling.BILINEAR) if size != picture.size else picture, layers

    def _square(self, size: tuple[int, int]) -> tuple[int, int]:
        """Width and height with square pixels of the smaller side, where they are not square."""
        across, down = self.pixel
        least = min(across, down)
        if max(across, down) < 1.01 * least:
            return size
        return max(1, round(size[0] * across / least)), max(1, round(size[1] * down / least))


def as_viewed(plane: Volume) -> Volume:
    """(H, W) of (right, front): the patient's right on the left, the front above."""
    viewed: Volume = plane[::-1, ::-1].T
    return viewed


def _resized(inside: Inside, size: tuple[int, int]) -> Inside:
    if inside.shape == size[::-1]:
        return inside
    return np.asarray(Image.fromarray(inside).resize(size, Image.Resampling.NEAREST))


def window_of(text: str, modality: str) -> Window | None:
    """None: by the values of each volume. Errors: ValueError."""
    if not text:
        return WINDOWS["abdomen"] if modality.upper() == "CT" else None
    if text in WINDOWS:
        return WINDOWS[text]
    number = r"-?[0-9]{1,6}(?:\.[0-9]{1,6})?"
    found = re.fullmatch(f"({number}):({number})", text)
    if not found or float(found[1]) >= float(found[2]):
        raise ValueError(
            f"--window {text[:40]!r}: say --window=LOW:HIGH, such as --window=-160:240, or one of {', '.join(WINDOWS)}"
        )
    return float(found[1]), float(found[2])


def read_study(volume_file: Path, labels_file: Path, window: Window | None) -> Study:
    """Errors: OSError, ValueError: a file that is damaged, no label map, or of another place than its volume."""
    image, labels = _opened(volume_file), _opened(labels_file)
    if image.shape != labels.shape:
        raise ValueError(
            f"{labels_file}: the label map has {_times(labels.shape)} voxels, but its volume {volume_file} has "
            f"{_times(image.shape)}"
        )
    if not np.allclose(image.affine, labels.affine, atol=0.1):
        raise ValueError(
            f"{labels_file}: the label map lies elsewhere in the patient than its volume {volume_file}, by their "
            "affines; resample it to the volume's grid"
        )
    numbers, _ = _values(labels, labels_file)
    if not np.array_equal(numbers, numbers.round()) or numbers.min() < 0:
        raise ValueError(f"{labels_file}: this is no label map: it has fractions or values below 0")
    values, (across, down) = _values(image, volume_file)
    whole = numbers.astype(np.int32)
    present = frozenset(int(value) for value in np.unique(whole))
    return Study(values, whole, labels_file, present, window or _range(values), (across, down))


def _nibabel() -> Any:
    try:
        return importlib.import_module("nibabel")
    except ImportError as error:
        raise ValueError("NIfTI is read with nibabel: pip install nibabel") from error


def _opened(file: Path) -> Any:
    """nibabel's image of three dimensions, whose values are not read yet. Errors: ValueError."""
    nibabel = _nibabel()
    try:
        image = nibabel.load(file)
    except Exception as error:  # nibabel raises nearly any
        raise ValueError(f"{file} cannot be read as NIfTI: {str(error)[:300]}") from error
    shape = tuple(image.shape)
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    if len(shape) != 3 or min(shape) < 1:
        raise ValueError(f"{file} has {_times(image.shape)} voxels: give one volume of three dimensions")
    if prod(shape) > MOST_VOXELS:
        raise ValueError(f"{file} says that it has {_times(shape)} voxels; at most {MOST_VOXELS} are read")
    if image.get_data_dtype().kind not in "biuf":
        raise ValueError(f"{file} holds {image.get_data_dtype()}: a volume of grey values or labels is needed")
    return image


def _values(image: Any, file: Path) -> tuple[Volume, tuple[float, float]]:
    """float32, RAS+, and millimetres from voxel to voxel from left to right and from front to back. Errors:
    ValueError."""
    try:
        turned = _nibabel().as_closest_canonical(image)
        values = np.asarray(turned.dataobj, np.float32).reshape(turned.shape[:3])
    except Exception as error:
        raise ValueError(f"{file} is damaged: {str(error)[:300]}") from error
    across, down, _ = np.sqrt((turned.affine[:3, :3] ** 2).sum(axis=0))
    return np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0), (float(across), float(down))


def _range(values: Volume) -> Window:
    low, high = np.percentile(values, (TAIL, 100 - TAIL))
    if low >= high:
        low, high = values.min(), values.max()
    return float(low), float(max(high, low + 1e-6))


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
