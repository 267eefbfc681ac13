"""Masks as other packages take them. Each package is imported when it is first needed.

>>> from medplib import interop
>>> viewer.add_labels(**interop.napari_labels(answer))
>>> interop.shapely_geometry(answer[0]).area
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from ._inputs import several
from .engine import Answer, Mask
from .errors import InvalidArgumentError, UnsupportedError, shown

Thing = TypeVar("Thing")


def napari_labels(masks: Iterable[Mask]) -> dict[str, Any]:
    """The arguments of napari's `add_labels` for an answer or masks of one image: pixels of the k-th mask are k.

    Where masks overlap the later one is seen; `features` names the structure of each value.
    """
    drawn = _of_one_image(masks)
    labels = np.zeros(drawn[0].array.shape, np.int32)
    for value, mask in enumerate(drawn, start=1):
        labels[mask.array] = value
    names = ["background", *(mask.label or "mask" for mask in drawn)]
    return {"data": labels, "name": ", ".join(names[1:]), "features": {"structure": names}}


def simpleitk_image(mask: Mask, like: Any = None) -> Any:
    """A SimpleITK image of 0 and 1, with the spacing, origin and direction of the image `like` if one is given."""
    sitk = _package("SimpleITK")
    pixels = mask.array.astype(np.uint8)
    # A single slice of a series has a third side of 1.
    is_slice = like is not None and like.GetDimension() == 3
    image = sitk.GetImageFromArray(pixels[np.newaxis] if is_slice else pixels)
    if like is not None:
        if tuple(like.GetSize()) != (mask.width, mask.height, *([1] if is_slice else [])):
            raise InvalidArgumentError(
                f"The mask has {mask.width} × {mask.height} pixels, but the image has {like.GetSize()}."
            )
        image.CopyInformation(like)
    return image


def nibabel_image(mask: Mask, affine: npt.ArrayLike | None = None) -> Any:
    """A nibabel image (W, H, 1) of 0 and 1. `affine` (4, 4) takes (x, y, 0, 1) of the picture to millimetres, and is by
    default the identity: nothing in a picture says where it lies in the patient."""
    nibabel = _package("nibabel")
    return nibabel.Nifti1Image(
        mask.array.T[:, :, np.newaxis].astype(np.uint8), np.eye(4) if affine is None else np.asarray(affine)
    )


def shapely_geometry(mask: Mask) -> Any:
    """A shapely (multi)polygon along the edges of the pixels inside, holes and all: its area is the mask's.

    Coordinates are those of the image, (0, 0) the centre of the top left pixel.
    """
    shapely = _package("shapely")
    inside = np.pad(mask.array.astype(np.int8), ((0, 0), (1, 1)))
    # Runs of a row begin and end where it changes; both lists are in the same order.
    begins, ends = (np.argwhere(np.diff(inside) == change) for change in (1, -1))
    y = begins[:, 0]
    return shapely.union_all(shapely.box(begins[:, 1] - 0.5, y - 0.5, ends[:, 1] - 0.5, y + 0.5)).simplify(0)


def coco(answers: Iterable[Answer]) -> dict[str, Any]:
    """A data set in COCO's form: an annotation a mask, a category a phrase. Answers about one file share its image.

    `json.dump` writes it to a file that pycocotools reads.
    """
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    categories: dict[str, int] = {}
    numbers: dict[tuple[str, int, int], int] = {}  # of files; other images have no name that tells them apart
    for answer in _all_of("answers", answers, Answer):
        image = answer.image
        about = (image.name, image.width, image.height)
        is_file = Path(image.name).is_file()
        number = numbers.get(about) if is_file else None
        if number is None:
            number = numbers[about] = len(images) + 1
            name = image.name if is_file else f"image_{number}"
            images.append({"id": number, "file_name": name, "width": image.width, "height": image.height})
        for mask in answer:
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": categories.setdefault(mask.label or "mask", len(categories) + 1),
                    "segmentation": mask.rle,
                    "area": mask.area,
                    "bbox": mask.bbox or [0, 0, 0, 0],
                    "iscrowd": 0,
                }
            )
    named = [{"id": number, "name": name} for name, number in categories.items()]
    return {"images": images, "annotations": annotations, "categories": named}


def _of_one_image(masks: Iterable[Mask]) -> list[Mask]:
    drawn = _all_of("masks", masks, Mask)
    if not drawn:
        raise InvalidArgumentError("There is no mask to show.")
    if len({mask.array.shape for mask in drawn}) > 1:
        raise InvalidArgumentError("The masks are of different sizes: hand in those of one image.")
    return drawn


def _all_of(name: str, things: Iterable[Thing], kind: type[Thing]) -> list[Thing]:
    listed = list(several(name, things, kind))
    if strange := [each for each in listed if not isinstance(each, kind)]:
        raise InvalidArgumentError(f"{name} is a list of {kind.__name__}, but holds {shown(strange[0])}.")
    return listed


def _package(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise UnsupportedError(f"{name} is not installed: run `pip install {name}`.") from error
