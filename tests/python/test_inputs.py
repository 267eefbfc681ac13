"""Images and masks from other packages."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import medplib
import numpy as np
import numpy.typing as npt
import pytest
import torch
from golden import MODEL, PICTURE, QUESTION
from medplib import batch
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


def test_sixteen_bits_are_seen_through_a_window_by_default_the_widest(model: medplib.Model, tmp_path: Path) -> None:
    values = np.array([[300, 1000, 2000], [2300, 4000, 65535]], np.uint16)
    through = medplib.Image.from_array(values, window=(1000, 3000))
    np.testing.assert_array_equal(through.array[:, :, 0], [[0, 0, 128], [166, 255, 255]])
    assert through.info["bits"] == 16
    PilImage.fromarray(values).save(tmp_path / "grey.png")
    np.testing.assert_array_equal(seen(model, values), seen(model, tmp_path / "grey.png"))
    colours = np.dstack([values // 2, values // 3, values, np.full_like(values, 65535)])
    darker = colours // 4
    darker[:, :, 3] = 65535  # alpha is no brightness
    np.testing.assert_array_equal(seen(model, darker)[1, 2], [127, 85, 255])
    assert not seen(model, np.full((3, 3), 700, np.uint16)).any()
    with pytest.raises(medplib.InvalidArgumentError, match="3000 to 1000"):
        medplib.Image.from_array(values, window=(3000, 1000))
    with pytest.raises(medplib.InvalidArgumentError, match="for uint16"):
        medplib.Image.from_array(np.zeros((4, 4), np.uint8), window=(0, 255))


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ([[1, 2], [3, 4]], "is a numpy array, not list"),
        (np.zeros((4, 4)), "holds uint8.* holds float64"),
        (np.zeros((4, 4), ">u2"), "holds uint8.* holds >u2"),
        (np.zeros(16, np.uint8), r"\(H, W\).* not \(16,\)"),
        (np.zeros((2, 2, 3, 5), np.uint8), r"\(H, W, 3\).* not \(2, 2, 3, 5\)"),
        (np.zeros((3, 4, 4), np.uint8)[:, :, :2], r"\(H, W, 3\).* not \(3, 4, 2\)"),
        (np.zeros((4, 4, 3), np.uint8)[::2], r"\(2, 4, 3\).*ascontiguousarray"),
        (np.zeros((4, 4), np.uint8).T[:, ::-1], r"\(4, 4\).*ascontiguousarray"),
        (np.zeros((0, 4), np.uint16), "4 × 0"),
    ],
)
def test_an_array_that_is_no_image_is_refused_with_a_sentence(given: Any, sentence: str) -> None:
    with pytest.raises(medplib.InvalidArgumentError, match=sentence):
        medplib.Image.from_array(given)


def test_an_array_is_an_image_with_or_without_channels(pixels: npt.NDArray[np.uint8]) -> None:
    np.testing.assert_array_equal(medplib.Image.from_array(pixels).array, pixels)
    grey = np.ascontiguousarray(pixels[:, :, 0])
    for alike in (grey, grey[:, :, np.newaxis]):
        np.testing.assert_array_equal(medplib.Image.from_array(alike).array, np.dstack([grey] * 3))


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ([[1, 2], [3, 4]], "is a numpy array, not list"),
        (np.ones((4, 4), bool), "holds uint8.* holds bool"),
        (np.ones((2, 5, 7), np.uint8), r"is \(H, W\), .* not \(2, 5, 7\)"),
        (np.ones(7, np.uint8), r"is \(H, W\), .* not \(7,\)"),
        (np.ones((4, 6), np.uint8)[:, ::2], r"\(4, 3\).*ascontiguousarray"),
    ],
)
def test_an_array_that_is_no_mask_is_refused_with_a_sentence(given: Any, sentence: str) -> None:
    with pytest.raises(medplib.InvalidArgumentError, match=sentence):
        medplib.Region.mask(given)


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


def dataset(values: npt.NDArray[Any], bits: int | None = None, **elements: Any) -> Any:
    pydicom = pytest.importorskip("pydicom", reason="pydicom is not installed")
    made = pydicom.Dataset()
    made.file_meta = pydicom.dataset.FileMetaDataset()
    made.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    made.Rows, made.Columns = values.shape[:2]
    made.SamplesPerPixel = 3 if values.ndim == 3 else 1
    made.PhotometricInterpretation = "RGB" if values.ndim == 3 else "MONOCHROME2"
    if values.ndim == 3:
        made.PlanarConfiguration = 0
    made.BitsAllocated = 8 * values.itemsize
    made.BitsStored = bits or made.BitsAllocated
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


def test_empty_tags_of_a_dicom_dataset_are_as_good_as_none(model: medplib.Model) -> None:
    stored = np.arange(12, dtype=np.uint16).reshape(3, 4) * 100
    plain = seen(model, dataset(stored))
    empties: tuple[Any, ...] = (None, "", [])
    for empty in empties:
        tags = dict.fromkeys(("WindowCenter", "WindowWidth", "RescaleSlope", "RescaleIntercept"), empty)
        np.testing.assert_array_equal(seen(model, dataset(stored, **tags)), plain)


def test_sixteen_bits_of_pil_are_those_of_the_array(model: medplib.Model) -> None:
    values = np.arange(12, dtype=np.uint16).reshape(3, 4) * 1000
    np.testing.assert_array_equal(seen(model, PilImage.fromarray(values)), seen(model, values))


def test_one_thing_is_not_taken_for_a_list_of_its_letters(model: medplib.Model) -> None:
    session = model.session(np.zeros((20, 30), np.uint8))
    for call in (
        lambda: session.ask_many("Hi?"),
        lambda: session.set_images("x.png"),
        lambda: list(batch.ask("x.png", "Hi?", model=model)),
    ):
        with pytest.raises(medplib.InvalidArgumentError, match="is a list, not one"):
            call()


@pytest.mark.parametrize("labels", [["a"], [0.9], 5, [float("nan")], [2]])
def test_labels_that_are_neither_1_nor_0_are_refused(model: medplib.Model, labels: Any) -> None:
    session = model.session(np.zeros((20, 30), np.uint8))
    with pytest.raises(medplib.InvalidArgumentError, match="point_labels"):
        session.refine(point_coords=[(1, 1)], point_labels=labels)


def test_a_files_name_need_not_be_utf8(model: medplib.Model, tmp_path: Path) -> None:
    there, missing = (os.fsdecode(os.fsencode(tmp_path) + name) for name in (b"/a\xff.png", b"/b\xff.png"))
    PilImage.new("L", (30, 20)).save(there)
    assert "a\ufffd.png" in repr(model.session(there))
    with pytest.raises(medplib.NotFoundError, match="b\ufffd\\.png"):
        medplib.Image.read(missing)


def test_a_dicom_dataset_without_a_window_goes_from_its_darkest_to_its_brightest(model: medplib.Model) -> None:
    stored = np.array([[100, 302], [200, 500]], np.uint16)
    np.testing.assert_array_equal(seen(model, dataset(stored))[:, :, 0], [[0, 129], [64, 255]])
    turned = dataset(stored, PhotometricInterpretation="MONOCHROME1")
    np.testing.assert_array_equal(seen(model, turned)[:, :, 0], [[255, 126], [191, 0]])
    assert not seen(model, dataset(np.full((3, 3), 7, np.uint16))).any()


@pytest.mark.parametrize("dtype", [np.uint16, np.int16])
@pytest.mark.parametrize("elements", [{}, {"RescaleSlope": -2}, {"PhotometricInterpretation": "MONOCHROME1"}])
def test_one_hot_pixel_does_not_darken_a_dicom_dataset(
    model: medplib.Model, dtype: type[Any], elements: dict[str, Any]
) -> None:
    clean = np.arange(10000).reshape(100, 100) % 1000 - (500 if dtype == np.int16 else 0)
    spoilt = clean.copy()
    spoilt[3, 3] = 30000
    shown = [seen(model, dataset(values.astype(dtype), **elements))[:, :, 0].copy() for values in (clean, spoilt)]
    assert shown[1][3, 3] == (0 if elements else 255)
    shown[1][3, 3] = shown[0][3, 3]
    np.testing.assert_array_equal(shown[0], shown[1])
    assert np.ptp(shown[0]) == 255


def test_colours_of_a_dicom_dataset_stay_as_they_are(model: medplib.Model, pixels: npt.NDArray[np.uint8]) -> None:
    np.testing.assert_array_equal(seen(model, dataset(pixels)), pixels)


@pytest.mark.parametrize("bits", [12, 16])
def test_of_more_bits_a_dicom_colour_has_the_upper_eight(
    model: medplib.Model, pixels: npt.NDArray[np.uint8], bits: int
) -> None:
    low = np.arange(pixels.size, dtype=np.uint16).reshape(pixels.shape) % (1 << (bits - 8))
    stored = (pixels.astype(np.uint16) << (bits - 8)) + low
    np.testing.assert_array_equal(seen(model, dataset(stored, bits)), pixels)


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


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda session: session.ask(None), "question is text, not NoneType"),
        (lambda session: session.ask("What \ud83d?"), "half a character at 5"),
        (lambda session: session.segment(3), "phrase is text, not int"),
        (lambda session: session.chat(b"Hello"), "message is text, not bytes"),
        (lambda session: session.stream(None), "question is text"),
        (lambda session: session.trace(None), "question is text"),
        (lambda session: session.ask_many(["What?", 1]), "what is asked is text, not int"),
        (lambda session: session.ask("What?", regions=["box"]), "Region, .* but holds 'box'"),
        (lambda session: session.refine(np.zeros((150, 330))), "Mask, .* not ndarray"),
        (lambda session: session.set_image("a\0b.png"), "image holds a character of value 0"),
        (lambda session: session.ask("What?", mask="a\0b.png"), "mask holds a character of value 0"),
        (lambda _: medplib.load(cast(Any, 3)), "folder is a path, not int"),
        (lambda _: medplib.load("a\0b"), "folder holds a character of value 0"),
        (lambda _: medplib.load("\ud800"), "folder holds half a character"),
        (lambda session: session.set_image("\ud800.png"), "image holds half a character"),
        (lambda session: session.ask("What?", mask="\ud800.png"), "mask holds half a character"),
        (lambda session: session.ask("What?", on_text=3), "on_text is a function, not 3"),
        (lambda session: session.ask_many(["What?"], on_text=3), "on_text is a function, not 3"),
        (
            lambda session: session.ask("What?", regions=medplib.Region.point(3, 3)),
            r"regions is a list, not one.*point",
        ),
        (lambda session: session.ask_many(["What?"], [3]), r'each is a list of dict, such as \{"thr.* but holds 3'),
        (lambda session: session.ask_many(["What?"], 3), "each is a list, not one"),
        (lambda session: session.ask_many(3), "what is asked is a list, not one"),
        (
            lambda session: session.set_images(np.zeros((20, 30, 3), np.uint8)),
            r"images is a list, not one array of \(20",
        ),
        (lambda session: session.set_images(PilImage.new("L", (30, 20))), "images is a list, not one"),
        (lambda session: session.refine(box=(1, 1, 9, 9), threshold="high"), "threshold='high' is of the wrong type"),
        (lambda _: medplib.load(MODEL, progress=cast(Any, 3)), "progress is a function, not 3"),
        (lambda _: medplib.set_log("info", cast(Any, 3)), "callback is a function, not 3"),
    ],
)
def test_what_is_of_another_type_is_refused_with_a_sentence(
    session: medplib.Session, call: Callable[[Any], object], sentence: str
) -> None:
    with pytest.raises(medplib.InvalidArgumentError, match=sentence):
        call(session)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda model: model.session(context="a"), r"Session takes \(model: Model, context: int .* 'a', 'none'\):"),
        (lambda model: model.session(compat=3), r"Session takes .*, compat: str = 'none'\), .* None, 3\):"),
        (
            lambda model: medplib.load(model.folder, device=cast(Any, 3)),
            r"Model takes .* device: str .*, 3, 'float32', ",
        ),
        (lambda model: medplib.load(model.folder, precision=cast(Any, 3)), r"Model takes .* precision: .* 'auto', 3, "),
        (lambda model: model.session().embed_image(-1), r"Session\.embed_image takes \(index: int = 0\), not \(-1\):"),
        (
            lambda model: model.session(PICTURE).segment("x").save("a\0"),
            r"Answer\.save takes \(path: str \| PathLike\), ",
        ),
        (lambda model: model.session(PICTURE).segment("x")[0].save("a\0"), r"Mask\.save takes .* not \('a\\x00'\):"),
        (lambda _: medplib.set_threads(cast(Any, "a")), r"set_threads takes \(threads: int\), not \('a'\):"),
        (lambda _: medplib.set_threads(threads=2**31), r"set_threads takes .* not \(threads=2147483648\):"),
        (lambda _: medplib.set_log(cast(Any, 3)), r"set_log takes \(level: str = 'warning', .* not \(3, None\):"),
        (
            lambda _: medplib.verify("a\0b"),
            r"verify takes \(folder: str \| PathLike \| None = None\), not \('a\\x00b'\):",
        ),
        (lambda _: medplib.inspect(cast(Any, 3)), r"inspect takes .* not \(3\):"),
        (lambda _: medplib.Image.read("a\0b"), r"Image\.read takes \(path: str \| PathLike, .* not \('a\\x00b'\):"),
        (
            lambda _: medplib.Region.point(cast(Any, "a"), 2),
            r"Region\.point takes \(x: float, y: float\), not \('a', 2\):",
        ),
        (
            lambda _: medplib.Region.polygon(cast(Any, [(1, 2, 3)])),
            r"Region\.polygon takes \(corners: Sequence\[tuple\[",
        ),
    ],
)
def test_what_the_engine_cannot_take_is_refused_with_what_it_takes(
    model: medplib.Model, call: Callable[[medplib.Model], object], sentence: str
) -> None:
    with pytest.raises(medplib.InvalidArgumentError, match=sentence) as refused:
        call(model)
    assert "\n" not in str(refused.value)
    assert str(refused.value).endswith(": a value is of another type or cannot be used.")


def test_a_callbacks_own_wrong_call_comes_out_as_it_is(session: medplib.Session) -> None:
    def calls_another_package(_: object) -> None:
        raise TypeError("__init__(): incompatible constructor arguments.")

    for call in (
        lambda: session.ask(QUESTION, on_text=calls_another_package),
        lambda: medplib.load(MODEL, progress=calls_another_package),
    ):
        with pytest.raises(TypeError, match="incompatible"):
            call()


@pytest.mark.parametrize("function", [medplib.set_threads, medplib.Region.point])
def test_functions_of_the_engine_can_be_sent_to_another_process(function: Callable[..., object]) -> None:
    assert pickle.loads(pickle.dumps(function)) is function


LONG: Any = np.arange(3000.0).reshape(1000, 3)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (
            lambda session: session.ask("What?", box=LONG),
            r"box is .*, not ndarray of 1000 × 3",
        ),
        (lambda session: session.ask("What?", polygon=LONG.tolist()), r"not \[\[0.0, 1.0, 2.0\], .*\.\.\.\]"),
        (lambda session: session.ask("What?", scribble=torch.tensor(LONG)), r"not Tensor of 1000 × 3"),
        (lambda session: session.ask("What?", mask=LONG), r"mask is an array .*, not ndarray of 1000 × 3"),
        (lambda session: session.refine(point_coords=LONG, point_labels=[1] * 1000), "not ndarray of 1000 × 3"),
        (
            lambda session: session.refine(point_coords=[(1, 1)] * 1000, point_labels=[7] * 1000),
            r"not \[7, 7, .*\.\.\.",
        ),
        (lambda session: session.ask("What?", on_text=LONG), "on_text is a function, not ndarray of 1000 × 3"),
        (lambda session: session.set_image("a\0" * 3000), "image holds a character of value 0"),
        (lambda session: session.ask_many("Why? " * 3000), "what is asked is a list, not one"),
    ],
)
def test_a_message_holds_no_array_and_stays_short(
    session: medplib.Session, call: Callable[[Any], object], sentence: str
) -> None:
    with pytest.raises(medplib.InvalidArgumentError, match=sentence) as refused:
        call(session)
    assert len(str(refused.value)) <= 1000
    assert "\n" not in str(refused.value)
