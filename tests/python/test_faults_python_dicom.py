"""What of a DICOM dataset is not applied, at each interface that takes one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import medplib
import numpy as np
import pytest
from medplib import batch
from own_folders import HEIGHT, WIDTH, scene

# --- DICOM look-up tables


def dataset(**elements: Any) -> Any:
    pydicom = pytest.importorskip("pydicom", reason="pydicom is not installed")
    made = pydicom.Dataset()
    made.file_meta = pydicom.dataset.FileMetaDataset()
    made.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    made.Rows, made.Columns, made.SamplesPerPixel = HEIGHT, WIDTH, 1
    made.PhotometricInterpretation = "MONOCHROME2"
    made.BitsAllocated, made.BitsStored, made.HighBit, made.PixelRepresentation = 16, 16, 15, 1
    made.PixelData = (scene()[..., 1].astype(np.int16) - 100).tobytes()
    for name, value in elements.items():
        setattr(made, name, value)
    return made


def table(**more: Any) -> list[Any]:
    pydicom = pytest.importorskip("pydicom", reason="pydicom is not installed")
    lut = pydicom.Dataset()
    lut.LUTDescriptor = [256, 0, 8]
    lut.LUTData = bytes(range(255, -1, -1))
    for name, value in more.items():
        setattr(lut, name, value)
    return [lut]


def group(**elements: Any) -> list[Any]:
    pydicom = pytest.importorskip("pydicom", reason="pydicom is not installed")
    made = pydicom.Dataset()
    for name, value in elements.items():
        setattr(made, name, value)
    return [made]


WINDOW = {"WindowCenter": 0, "WindowWidth": 200}
NOT_APPLIED: dict[str, tuple[Callable[[], dict[str, Any]], str]] = {
    "voi_lut": (lambda: {"VOILUTSequence": table()}, "VOILUTSequence is not applied"),
    "voi_lut_beside_a_window": (lambda: {"VOILUTSequence": table(), **WINDOW}, "VOILUTSequence is not applied"),
    "modality_lut": (
        lambda: {"ModalityLUTSequence": table(ModalityLUTType="US")},
        "ModalityLUTSequence is not applied",
    ),
    "sigmoid": (lambda: {"VOILUTFunction": "SIGMOID", **WINDOW}, "VOILUTFunction SIGMOID is not applied"),
    "linear_exact": (
        lambda: {"VOILUTFunction": "LINEAR_EXACT", **WINDOW},
        "VOILUTFunction LINEAR_EXACT is not applied",
    ),
    "inverse": (lambda: {"PresentationLUTShape": "INVERSE"}, "PresentationLUTShape INVERSE is not applied"),
    "padding": (lambda: {"PixelPaddingValue": -2000}, "padding (PixelPaddingValue -2000), but has no window"),
    "padding_range": (
        lambda: {"PixelPaddingValue": -2000, "PixelPaddingRangeLimit": -1900},
        "padding (PixelPaddingValue -2000 and PixelPaddingRangeLimit -1900), but has no window",
    ),
    "padding_beside_a_window": (
        lambda: {"PixelPaddingValue": -2000, **WINDOW},
        "padding (PixelPaddingValue -2000); it is not left out, but windowed",
    ),
    "padding_range_beside_a_window": (
        lambda: {"PixelPaddingValue": -32768, "PixelPaddingRangeLimit": -1900, **WINDOW},
        "padding (PixelPaddingValue -32768 and PixelPaddingRangeLimit -1900); it is not left out, but windowed",
    ),
    "shared_groups": (
        lambda: {"SharedFunctionalGroupsSequence": group(FrameVOILUTSequence=group(**WINDOW))},
        "FrameVOILUTSequence in SharedFunctionalGroupsSequence is not applied",
    ),
    "frame_groups": (
        lambda: {
            "PerFrameFunctionalGroupsSequence": group(
                PixelValueTransformationSequence=group(RescaleSlope=2, RescaleIntercept=1)
            )
        },
        "PixelValueTransformationSequence in PerFrameFunctionalGroupsSequence is not applied",
    ),
}


@pytest.mark.parametrize("kind", NOT_APPLIED)
def test_dicom_tables__python__are_a_warning_of_answers(model: medplib.Model, kind: str) -> None:
    elements, saying = NOT_APPLIED[kind]
    session = model.session(dataset(**elements()))
    for answer in (session.ask("What is seen?", max_new_tokens=2), session.segment("liver", max_new_tokens=2)):
        (warning,) = [each for each in answer.warnings if "dataset" in each]
        assert saying in warning and warning.endswith(".") and len(warning) <= 1000
    assert session.image is not None
    assert saying in session.image.info["warnings"][0]


def test_dicom_tables__python__several_are_several_warnings(model: medplib.Model) -> None:
    both = dataset(VOILUTSequence=table(), VOILUTFunction="SIGMOID", PixelPaddingValue=-2000)
    session = model.session(both)
    assert session.image is not None
    assert len(session.image.info["warnings"]) == 3


@pytest.mark.parametrize("kind", NOT_APPLIED)
def test_dicom_tables__python__are_in_the_rows_of_a_batch(model: medplib.Model, kind: str) -> None:
    elements, saying = NOT_APPLIED[kind]
    (row,) = batch.ask([dataset(**elements())], "What is seen?", model=model, bar=False, max_new_tokens=2)
    assert any(saying in warning for warning in row["warnings"])


def test_dicom_tables__python__stay_with_their_image_among_several(model: medplib.Model) -> None:
    session = model.session()
    session.set_images([scene(), dataset(VOILUTSequence=table())])
    answer = session.ask("What is seen?", max_new_tokens=2)
    assert [each for each in answer.warnings if "VOILUTSequence is not applied" in each]
    session.set_image(scene())
    assert not [each for each in session.ask("What is seen?", max_new_tokens=2).warnings if "dataset" in each]


@pytest.mark.parametrize(
    "elements",
    [
        {},
        WINDOW,
        {"VOILUTFunction": "LINEAR", **WINDOW},
        {"VOILUTFunction": ""},
        {"PresentationLUTShape": "IDENTITY"},
        {"PresentationLUTShape": "INVERSE", "PhotometricInterpretation": "MONOCHROME1"},
        {"VOILUTSequence": []},
        {"PixelPaddingValue": None},
        {"PixelPaddingValue": None, **WINDOW},
    ],
)
def test_dicom_tables__python__values_that_are_right_have_no_warning(
    model: medplib.Model, elements: dict[str, Any]
) -> None:
    image = model.session(dataset(**elements)).image
    assert image is not None
    assert image.info["warnings"] == []


def test_dicom_tables__python__colours_have_none(model: medplib.Model) -> None:
    coloured = dataset(SamplesPerPixel=3, PhotometricInterpretation="RGB", PlanarConfiguration=0, BitsAllocated=8)
    coloured.BitsStored, coloured.HighBit, coloured.PixelRepresentation = 8, 7, 0
    coloured.PixelData, coloured.PixelPaddingValue = scene().tobytes(), 0
    image = model.session(coloured).image
    assert image is not None
    assert image.info["warnings"] == []
