"""Masks from clicks and boxes in the words of segment-anything, for notebooks that were written for it.

>>> predictor = medplib.Predictor(model)  # one whose mask decoder follows clicks
>>> predictor.set_image(rgb)
>>> masks, scores, logits = predictor.predict(point_coords=np.array([[250, 655]]), point_labels=np.array([1]))

A cell that says `from segment_anything import SamPredictor, sam_model_registry` says `from medplib.predictor import …`
instead; its checkpoint is a model's folder.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from ._inputs import Labels, Point, Points, clicks_of, image_of, region_of
from .engine import Model, Session, load
from .errors import InvalidArgumentError, StateError, shown


class Predictor:
    """Stands where `SamPredictor` stood: same methods, arguments, shapes. Errors are the engine's."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._session: Session = model.session()

    def set_image(self, image: npt.NDArray[np.uint8], image_format: str = "RGB") -> None:
        """`image`: (H, W, 3) uint8, its channels in the order of `image_format`, "RGB" or "BGR"."""
        if image_format not in ("RGB", "BGR"):
            raise InvalidArgumentError(f'image_format is "RGB" or "BGR", not {shown(image_format)}.')
        if not isinstance(image, np.ndarray) or image.ndim != 3 or image.shape[2] != 3:
            raise InvalidArgumentError(
                f"The image is an array (H, W, 3), not {getattr(image, 'shape', None) or shown(image)}."
            )
        self._session.set_image(image_of(image if image_format == "RGB" else image[..., ::-1]))

    def reset_image(self) -> None:
        self._session = self.model.session()

    @property
    def is_image_set(self) -> bool:
        return self._session.image is not None

    @property
    def original_size(self) -> tuple[int, int]:
        """(H, W) of the image. Errors: StateError, without one."""
        image = self._session.image
        if image is None:
            raise StateError("The predictor has no image: give it one with set_image.")
        return image.height, image.width

    def predict(
        self,
        point_coords: Points | None = None,
        point_labels: Labels | None = None,
        box: Point | None = None,
        mask_input: npt.NDArray[Any] | None = None,
        multimask_output: bool = True,
        return_logits: bool = False,
    ) -> tuple[npt.NDArray[Any], npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Masks (C, H, W), boolean or logits; the model's estimates of their IoU (C,), NaN from a model that was never
        taught to estimate; low-resolution logits (C, n, n).

        `point_coords` (N, 2) xy with `point_labels` (N,), 1 inside, 0 outside; `box` (4,) xyxy; `mask_input` (1, n, n),
        a low-resolution result of before; at least one of the three. C is 3 with `multimask_output`, else 1; always 1
        from a model that was not trained to guess several times.

        What an answer's `warnings` would say is said by Python's. Errors: InvalidArgumentError; StateError, without an
        image; UnsupportedError, from a model that does not follow clicks.
        """
        if point_coords is not None and point_labels is None:
            raise InvalidArgumentError("point_labels are missing: give one for each of point_coords.")
        region = None if box is None else region_of("box", np.asarray(box).reshape(-1))
        clicks = clicks_of(point_coords, point_labels)
        found = self._session._predict(clicks, region, _low_resolution(mask_input), multimask_output)
        for warning in found[0][0].warnings:
            warnings.warn(warning, stacklevel=2)
        masks = np.stack([mask.logits if return_logits else mask.array for mask, _ in found])
        estimates = [mask.iou_estimate for mask, _ in found]
        scores = np.array([np.nan if each is None else each for each in estimates], np.float32)
        return masks, scores, np.stack([low for _, low in found])

    def __repr__(self) -> str:
        return f"<medplib.{type(self).__name__} on {self._session.image or 'no image'}>"


class Sam:
    """What `sam_model_registry` makes: a model's folder, by default the embedded model's, and a device.

    The model is loaded once a predictor needs it, on the device that was chosen by then, else on a GPU if there is one.
    """

    def __init__(self, checkpoint: str | os.PathLike[str] | None = None) -> None:
        self._folder, self._device = checkpoint, "auto"
        self._model: Model | None = None

    def to(self, device: object) -> Sam:
        """`device`: a name or a torch.device. Predictors that are there already stay where they are."""
        self._device, self._model = str(device), None
        return self

    @property
    def model(self) -> Model:
        """Errors: those of medplib.load."""
        self._model = self._model or load(self._folder, self._device)
        return self._model

    def __repr__(self) -> str:
        return f"<medplib.Sam {self._folder or 'of the embedded model'} on {self._device}>"


# The network's size is the folder's: every name makes the same.
sam_model_registry: dict[str, Callable[..., Sam]] = dict.fromkeys(("default", "vit_h", "vit_l", "vit_b"), Sam)


class SamPredictor(Predictor):
    """A Predictor that is made as segment-anything makes it."""

    def __init__(self, sam_model: Sam) -> None:
        super().__init__(sam_model.model)


def _low_resolution(mask_input: npt.NDArray[Any] | None) -> npt.NDArray[np.float32] | None:
    if mask_input is None:
        return None
    logits = np.asarray(mask_input)
    if logits.ndim != 3 or logits.shape[0] != 1 or logits.dtype.kind != "f":
        raise InvalidArgumentError(f"mask_input is (1, n, n) of floats, not {logits.shape} of {logits.dtype}.")
    return np.ascontiguousarray(logits[0], np.float32)
