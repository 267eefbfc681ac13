"""A notebook that was written for segment-anything."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import medplib
import numpy as np
import numpy.typing as npt
import pytest
import torch
from golden import MODEL, ROOT
from medplib.predictor import SamPredictor, sam_model_registry

CELL = """
import numpy as np
from segment_anything import SamPredictor, sam_model_registry

sam = sam_model_registry["vit_b"](checkpoint=checkpoint)
sam.to(device="cpu")
predictor = SamPredictor(sam)
predictor.set_image(image)
point = {"point_coords": np.array([[100, 80]]), "point_labels": np.array([1])}
masks, scores, logits = predictor.predict(**point, multimask_output=True)
best = logits[np.argmax(scores), :, :]
better, _, _ = predictor.predict(**point, mask_input=best[None, :, :], multimask_output=False)
in_box, _, _ = predictor.predict(box=np.array([50, 50, 150, 140])[None, :], multimask_output=False)
"""
CLICK: Any = {"point_coords": np.array([[100, 80], [20, 20]]), "point_labels": np.array([1, 0])}


@pytest.fixture(scope="module")
def predictor(model: medplib.Model, pixels: npt.NDArray[np.uint8]) -> medplib.Predictor:
    predictor = medplib.Predictor(model)
    predictor.set_image(pixels)
    return predictor


def test_a_cell_that_was_written_for_segment_anything_runs_with_its_import_replaced(
    predictor: medplib.Predictor, pixels: npt.NDArray[np.uint8]
) -> None:
    names: dict[str, Any] = {"checkpoint": str(MODEL), "image": pixels}
    exec(CELL.replace("from segment_anything import", "from medplib.predictor import"), names)
    click: Any = {"point_coords": [(100, 80)], "point_labels": [1]}
    masks, scores, logits = predictor.predict(**click)
    np.testing.assert_array_equal(names["masks"], masks)
    better, _, _ = predictor.predict(**click, mask_input=logits[[scores.argmax()]], multimask_output=False)
    np.testing.assert_array_equal(names["better"], better)
    in_box, _, _ = predictor.predict(box=(50, 50, 150, 140), multimask_output=False)
    np.testing.assert_array_equal(names["in_box"], in_box)


def test_a_checkpoint_of_segment_anything_itself_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "sam_vit_b.pth").write_bytes(b"PK")
    with pytest.raises(medplib.NotFoundError, match=r"sam_vit_b\.pth"):
        SamPredictor(sam_model_registry["vit_b"](checkpoint=tmp_path / "sam_vit_b.pth"))


def test_the_model_goes_to_the_device_that_is_named(pixels: npt.NDArray[np.uint8]) -> None:
    sam = sam_model_registry["default"](checkpoint=MODEL)
    assert SamPredictor(sam.to(torch.device("cpu"))).model is sam.model
    with pytest.raises(medplib.InvalidArgumentError, match="abacus"):
        SamPredictor(sam.to("abacus"))


def test_the_shapes_are_those_of_segment_anything(predictor: medplib.Predictor) -> None:
    for several, count in ((True, 3), (False, 1)):
        masks, scores, logits = predictor.predict(**CLICK, multimask_output=several)
        assert masks.shape == (count, 150, 330)
        assert masks.dtype == np.bool_
        assert scores.shape == (count,)
        assert scores.dtype == logits.dtype == np.float32
        assert logits.shape[0] == count
        assert logits.shape[1] == logits.shape[2]
    assert predictor.predict(**CLICK)[0].shape[0] == 3  # as there, several by default


def test_one_mask_is_the_one_that_refine_draws(predictor: medplib.Predictor, session: medplib.Session) -> None:
    masks, scores, _ = predictor.predict(**CLICK, box=np.array([50, 50, 150, 140]), multimask_output=False)
    refined = session.refine(**CLICK, box=(50, 50, 150, 140))
    np.testing.assert_array_equal(masks[0], refined.array)
    assert scores[0] == pytest.approx(refined.iou_estimate)
    logits, _, _ = predictor.predict(
        **CLICK, box=np.array([[50, 50, 150, 140]]), multimask_output=False, return_logits=True
    )
    np.testing.assert_array_equal(logits[0], refined.logits)


def test_a_result_leads_on_to_the_next(predictor: medplib.Predictor) -> None:
    _, scores, logits = predictor.predict(**CLICK)
    best = logits[np.argmax(scores)][None]
    further, _, _ = predictor.predict(**CLICK, mask_input=best, multimask_output=False, return_logits=True)
    without, _, _ = predictor.predict(**CLICK, multimask_output=False, return_logits=True)
    assert (further != without).any()


def test_a_result_may_be_all_that_is_given(predictor: medplib.Predictor) -> None:
    _, _, logits = predictor.predict(**CLICK, multimask_output=False)
    masks, scores, _ = predictor.predict(mask_input=logits, multimask_output=False, return_logits=True)
    assert masks.shape == (1, 150, 330)
    assert np.isfinite(masks).all()
    assert np.isfinite(scores).all()
    with_clicks, _, _ = predictor.predict(**CLICK, mask_input=logits, multimask_output=False, return_logits=True)
    assert (masks != with_clicks).any()


def test_blue_may_come_first(model: medplib.Model, predictor: medplib.Predictor, pixels: npt.NDArray[np.uint8]) -> None:
    other = medplib.Predictor(model)
    other.set_image(pixels[:, :, ::-1], image_format="BGR")
    np.testing.assert_array_equal(other.predict(**CLICK)[2], predictor.predict(**CLICK)[2])


def test_a_model_that_was_not_trained_to_guess_gives_one_mask(pixels: npt.NDArray[np.uint8], tmp_path: Path) -> None:
    shutil.copytree(ROOT / "tests/goldens/ckpt/tiny_seg", tmp_path / "model")
    (tmp_path / "model/medplib.json").write_text('{"format_version": 1, "several": false}')
    predictor = medplib.Predictor(medplib.load(tmp_path / "model", device="cpu"))
    predictor.set_image(pixels)
    masks, scores, logits = predictor.predict(**CLICK)
    assert len(masks) == len(scores) == len(logits) == 1


def test_an_image_is_set_and_reset(model: medplib.Model, pixels: npt.NDArray[np.uint8]) -> None:
    predictor = medplib.Predictor(model)
    assert not predictor.is_image_set
    with pytest.raises(medplib.StateError, match="set_image"):
        predictor.predict(**CLICK)
    predictor.set_image(pixels)
    assert predictor.is_image_set
    assert predictor.original_size == (150, 330)
    predictor.reset_image()
    with pytest.raises(medplib.StateError, match="set_image"):
        _ = predictor.original_size


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"point_labels": None}, "point_labels are missing"),
        ({"point_labels": [1]}, "2 point_coords, but 1"),
        ({"point_labels": [1, -1]}, "1 .inside. or 0"),
        ({"point_coords": [1, 2]}, r"\(N, 2\)"),
        ({"box": [1, 2, 3]}, "x0, y0, x1, y1"),
        ({"mask_input": np.zeros((4, 4), np.float32)}, r"\(1, n, n\)"),
        ({"mask_input": np.zeros((1, 4, 4), np.float32)}, "4 × 4"),
        ({"point_coords": None, "point_labels": None}, "click, a box or an earlier mask"),
    ],
)
def test_what_cannot_be_used_is_refused_with_a_sentence(
    predictor: medplib.Predictor, wrong: Any, sentence: str
) -> None:
    with pytest.raises(medplib.InvalidArgumentError, match=sentence):
        predictor.predict(**{**CLICK, **wrong})


def test_an_image_of_the_wrong_form_is_refused_with_a_sentence(model: medplib.Model) -> None:
    predictor = medplib.Predictor(model)
    with pytest.raises(medplib.InvalidArgumentError, match=r"\(H, W, 3\)"):
        predictor.set_image(np.zeros((4, 4), np.uint8))
    with pytest.raises(medplib.InvalidArgumentError, match="RGB"):
        predictor.set_image(np.zeros((4, 4, 3), np.uint8), image_format="HSV")
