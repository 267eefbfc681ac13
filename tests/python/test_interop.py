"""Masks as other packages take them. Each test needs its package, but for napari's: it looks at the arguments alone."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, cast

import medplib
import nibabel
import numpy as np
import pytest
from golden import QUESTION
from medplib import interop


@pytest.fixture(scope="module")
def answer(session: medplib.Session) -> medplib.Answer:
    return session.segment("tumour")


def test_napari_gets_a_label_a_mask(session: medplib.Session, answer: medplib.Answer) -> None:
    narrow = session.ask(QUESTION, threshold=0.6)[0]
    labels = interop.napari_labels([answer[0], narrow])
    both = np.where(narrow.array, 2, np.where(answer[0].array, 1, 0))
    np.testing.assert_array_equal(labels["data"], both)
    assert labels["features"] == {"structure": ["background", "tumour", "mask"]}
    assert labels["name"] == "tumour, mask"
    np.testing.assert_array_equal(interop.napari_labels(answer)["data"], answer[0].array)


def test_masks_of_no_or_several_images_are_no_layer(model: medplib.Model, answer: medplib.Answer) -> None:
    with pytest.raises(medplib.InvalidArgumentError, match="no mask"):
        interop.napari_labels([])
    other = model.session(np.zeros((20, 30), np.uint8)).ask(QUESTION)[0]
    with pytest.raises(medplib.InvalidArgumentError, match="different sizes"):
        interop.napari_labels([answer[0], other])


def test_one_mask_or_answer_is_no_list_of_them(answer: medplib.Answer) -> None:
    with pytest.raises(medplib.InvalidArgumentError, match=r"masks is a list, not one: give \[<medplib.Mask"):
        interop.napari_labels(cast(Any, answer[0]))
    with pytest.raises(medplib.InvalidArgumentError, match="masks is a list of Mask, but holds <medplib"):
        interop.napari_labels(cast(Any, [answer]))
    with pytest.raises(medplib.InvalidArgumentError, match=r"answers is a list, not one: give \[<medplib.Answer"):
        interop.coco(cast(Any, answer))
    with pytest.raises(medplib.InvalidArgumentError, match="answers is a list of Answer, but holds <medplib"):
        interop.coco(cast(Any, answer.masks))


def test_simpleitk_gets_the_mask_where_its_image_lies(answer: medplib.Answer) -> None:
    sitk = pytest.importorskip("SimpleITK", reason="SimpleITK is not installed")
    image = sitk.Image(330, 150, sitk.sitkUInt8)
    image.SetSpacing((0.5, 0.25))
    image.SetOrigin((-3, 7))
    made = interop.simpleitk_image(answer[0], like=image)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(made), answer[0].array)
    assert made.GetSpacing() == (0.5, 0.25)
    assert made.GetOrigin() == (-3, 7)
    assert interop.simpleitk_image(answer[0]).GetSpacing() == (1, 1)
    series = sitk.Image(330, 150, 1, sitk.sitkUInt8)  # as one slice of a series is read
    series.SetOrigin((-3, 7, 40))
    slice_of = interop.simpleitk_image(answer[0], like=series)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(slice_of)[0], answer[0].array)
    assert slice_of.GetOrigin() == (-3, 7, 40)
    with pytest.raises(medplib.InvalidArgumentError, match="330 × 150"):
        interop.simpleitk_image(answer[0], like=sitk.Image(3, 4, sitk.sitkUInt8))


def test_nibabel_gets_the_mask_with_x_first(answer: medplib.Answer, tmp_path: Path) -> None:
    affine = np.diag([0.5, 0.25, 2, 1])
    nibabel.save(interop.nibabel_image(answer[0], affine), tmp_path / "mask.nii.gz")
    read: Any = nibabel.load(tmp_path / "mask.nii.gz")
    np.testing.assert_array_equal(np.asarray(read.dataobj)[:, :, 0].T, answer[0].array)
    np.testing.assert_array_equal(read.affine, affine)
    np.testing.assert_array_equal(interop.nibabel_image(answer[0]).affine, np.eye(4))


def test_shapely_gets_every_pixel(session: medplib.Session, answer: medplib.Answer) -> None:
    shapely = pytest.importorskip("shapely", reason="shapely is not installed")
    for mask in (answer[0], session.ask(QUESTION, threshold=0.6)[0]):
        shape = interop.shapely_geometry(mask)
        assert shape.is_valid
        assert shape.area == mask.area
        y, x = np.mgrid[: mask.height, : mask.width]
        np.testing.assert_array_equal(shapely.contains_xy(shape, x, y), mask.array)


def test_a_mask_of_nothing_is_an_empty_shape(session: medplib.Session) -> None:
    pytest.importorskip("shapely", reason="shapely is not installed")
    assert interop.shapely_geometry(session.ask(QUESTION, threshold=1 - 1e-12)[0]).is_empty


def test_pycocotools_reads_our_runs_and_writes_them_alike(session: medplib.Session) -> None:
    coco = pytest.importorskip("pycocotools.mask", reason="pycocotools is not installed")
    for threshold in (0.1, 0.5, 0.6, 1 - 1e-12):
        mask = session.ask(QUESTION, threshold=threshold)[0]
        np.testing.assert_array_equal(coco.decode(mask.rle), mask.array)
        assert coco.encode(np.asfortranarray(mask.array, np.uint8)) == {
            "size": mask.rle["size"],
            "counts": mask.rle["counts"].encode(),
        }
        assert coco.area(mask.rle) == mask.area


def test_pycocotools_reads_the_data_set(model: medplib.Model, answer: medplib.Answer, tmp_path: Path) -> None:
    package = pytest.importorskip("pycocotools.coco", reason="pycocotools is not installed")
    other = model.session(np.full((20, 30), 90, np.uint8)).segment("liver")
    (tmp_path / "set.json").write_text(json.dumps(interop.coco([answer, other, answer])))
    read = package.COCO(tmp_path / "set.json")
    assert [image["file_name"] for image in read.imgs.values()] == [answer.image.name, "image_2"]
    assert {each["name"] for each in read.cats.values()} == {"tumour", "liver"}
    for annotation, expected in zip(read.anns.values(), (*answer, *other, *answer), strict=True):
        np.testing.assert_array_equal(read.annToMask(annotation), expected.array)
        assert annotation["bbox"] == (expected.bbox or [0, 0, 0, 0])
        assert read.cats[annotation["category_id"]]["name"] == expected.label
    assert [each["image_id"] for each in read.anns.values()] == [1] * len(answer) + [2] * len(other) + [1] * len(answer)


def test_a_missing_package_is_named(answer: medplib.Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("shapely", "SimpleITK", "nibabel"):
        monkeypatch.setitem(sys.modules, name, None)
    calls = (interop.shapely_geometry, interop.simpleitk_image, interop.nibabel_image)
    for call, name in zip(calls, ("shapely", "SimpleITK", "nibabel"), strict=True):
        with pytest.raises(medplib.UnsupportedError, match=f"{name} is not installed: run `pip install {name}`"):
            call(answer[0])
