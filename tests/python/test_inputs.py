"""Images and masks from other packages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import medplib
import numpy as np
import numpy.typing as npt
import pytest
import torch
from golden import QUESTION
from PIL import Image as PilImage


def seen(model: medplib.Model, image: Any) -> npt.NDArray[np.uint8]:
    """The pixels that a session on `image` has."""
    read = model.session(image).image
    assert read is not None
    return read.array


def test_a_torch_tensor_has_its_channels_first(model: medplib.Model, pixels: npt.NDArray[np.uint8]) -> None:
    tensor = torch.from_numpy(pixels).permute(2, 0, 1)
    np.testing.assert_array_equal(seen(model, tensor), pixels)
    np.testing.assert_array_equal(seen(model, tensor[0]), np.dstack([pixels[:, :, 0]] * 3))
    with pytest.raises(medplib.InvalidArgumentError, match="permute"):
        model.session(torch.from_numpy(pixels))
    with pytest.raises(medplib.InvalidArgumentError, match="uint8"):
        model.session(tensor / 255)


class OnlyDlpack:
    """An array of another package."""

    def __init__(self, array: npt.NDArray[Any]) -> None:
        self.array = array

    def __dlpack__(self, **how: Any) -> Any:
        return self.array.__dlpack__(**how)

    def __dlpack_device__(self) -> Any:
        return self.array.__dlpack_device__()


def test_whatever_speaks_dlpack_is_an_image_and_a_mask(
    model: medplib.Model, session: medplib.Session, pixels: npt.NDArray[np.uint8]
) -> None:
    np.testing.assert_array_equal(seen(model, OnlyDlpack(pixels)), pixels)
    inside = np.zeros((150, 330), np.uint8)
    inside[40:101, 30:91] = 1
    expected = session.ask(QUESTION, mask=inside)[0].logits
    alike: list[Any] = [OnlyDlpack(inside), torch.from_numpy(inside).bool(), PilImage.fromarray(inside * 255)]
    for mask in alike:
        np.testing.assert_array_equal(session.ask(QUESTION, mask=mask)[0].logits, expected)


def dataset(values: npt.NDArray[Any], **elements: Any) -> Any:
    pydicom = pytest.importorskip("pydicom", reason="pydicom is not installed")
    made = pydicom.Dataset()
    made.file_meta = pydicom.dataset.FileMetaDataset()
    made.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    made.Rows, made.Columns = values.shape[:2]
    made.SamplesPerPixel = 3 if values.ndim == 3 else 1
    made.PhotometricInterpretation = "RGB" if values.ndim == 3 else "MONOCHROME2"
    if values.ndim == 3:
        made.PlanarConfiguration = 0
    made.BitsAllocated = made.BitsStored = 8 * values.itemsize
    made.HighBit = made.BitsStored - 1
    made.PixelRepresentation = int(values.dtype.kind == "i")
    made.PixelData = values.tobytes()
    for name, value in elements.items():
        setattr(made, name, value)
    return made


def test_a_dicom_dataset_is_seen_through_its_window(model: medplib.Model) -> None:
    stored = np.array([[-1000, 0], [40, 400]], np.int16)
    hounsfield = dataset(stored, RescaleSlope=1, RescaleIntercept=0, WindowCenter=[40.5, 600], WindowWidth=[101, 1600])
    # black at -10, white at 90
    np.testing.assert_array_equal(seen(model, hounsfield)[:, :, 0], [[0, 26], [128, 255]])
    shifted = dataset(stored, RescaleSlope=2, RescaleIntercept=100, WindowCenter=140.5, WindowWidth=101)
    np.testing.assert_array_equal(seen(model, shifted)[:, :, 0], [[0, 26], [230, 255]])


def test_a_dicom_dataset_without_a_window_goes_from_its_darkest_to_its_brightest(model: medplib.Model) -> None:
    stored = np.array([[100, 300], [200, 500]], np.uint16)
    np.testing.assert_array_equal(seen(model, dataset(stored))[:, :, 0], [[0, 128], [64, 255]])
    turned = dataset(stored, PhotometricInterpretation="MONOCHROME1")
    np.testing.assert_array_equal(seen(model, turned)[:, :, 0], [[255, 128], [191, 0]])
    assert not seen(model, dataset(np.full((3, 3), 7, np.uint16))).any()


def test_colours_of_a_dicom_dataset_stay_as_they_are(model: medplib.Model, pixels: npt.NDArray[np.uint8]) -> None:
    np.testing.assert_array_equal(seen(model, dataset(pixels)), pixels)


def test_a_dicom_dataset_of_several_frames_is_refused_with_a_sentence(model: medplib.Model) -> None:
    film = dataset(np.zeros((4, 4), np.uint8), NumberOfFrames=7)
    with pytest.raises(medplib.InvalidArgumentError, match="has 7 frames"):
        model.session(film)


@pytest.mark.parametrize("name", ["ct", "mr", "rgb_color", "jpeg2k", "palette_color"])
def test_pydicoms_own_examples_are_read(model: medplib.Model, name: str) -> None:
    pydicom = pytest.importorskip("pydicom", reason="pydicom is not installed")
    examples = pytest.importorskip("pydicom.examples", reason="pydicom is not installed")
    file = Path(str(examples.get_path(name)))
    read = pydicom.dcmread(file)
    shown = seen(model, read)
    assert shown.shape == (read.Rows, read.Columns, 3)
    assert np.ptp(shown) > 100
