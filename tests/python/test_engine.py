"""The package over the engine, with the golden checkpoint `tiny_seg`, which answers everything with one <SEG>."""

from __future__ import annotations

import base64
import gc
import json
import os
import subprocess
import sys
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any, Unpack

import medplib
import numpy as np
import numpy.typing as npt
import pytest
import torch
from golden import CASE, GOLDENS, MODEL, PICTURE, QUESTION, ROOT
from medplib import _core, engine
from medplib.predictor import Sam, SamPredictor
from PIL import Image as PilImage

# What an answer is


def test_the_answer_is_that_of_the_published_implementation(session: medplib.Session) -> None:
    facts = json.loads(CASE.with_name(CASE.name + ".json").read_text())
    answer = session.ask(facts["question"], mask=CASE.with_name(CASE.name + ".region0.png"), threshold=0.5)
    assert answer.prompt == facts["prompt"]
    assert answer.tokens == [token for token in facts["generated_ids"] if token != 2]
    assert len(answer) == len(answer.masks) == 1
    assert answer[0].area == pytest.approx(facts["gen_mask_area_0.5"], abs=50)
    assert answer.finish == "end_of_text"
    assert answer.timing.generated_tokens == len(answer.tokens)
    assert answer.timing.total > 0
    assert str(answer) == answer.text


def test_an_answer_is_indexed_and_iterated_by_its_masks(session: medplib.Session) -> None:
    answer = session.segment("tumour")
    assert answer
    assert [mask.area for mask in answer] == [answer[index].area for index in range(len(answer))]
    assert answer[-1].area == answer.masks[-1].area
    with pytest.raises(IndexError, match="The answer has 1 mask"):
        answer[1]


def test_a_mask_is_an_array_logits_runs_and_a_picture(session: medplib.Session, tmp_path: Path) -> None:
    answer = session.ask(QUESTION)
    mask = answer[0]
    assert mask.array.shape == mask.logits.shape == (mask.height, mask.width) == (150, 330)
    assert mask.array.dtype == np.bool_
    assert mask.logits.dtype == np.float32
    inside = 1 / (1 + np.exp(-mask.logits.astype(np.float64))) > mask.threshold
    np.testing.assert_array_equal(mask.array, inside)
    assert mask.area == inside.sum() == decoded(mask.rle).sum()
    np.testing.assert_array_equal(decoded(mask.rle), mask.array)
    mask.save(tmp_path / "mask.png")
    with PilImage.open(tmp_path / "mask.png") as saved:
        np.testing.assert_array_equal(np.array(saved), mask.array * np.uint8(255))
    assert mask._repr_png_() == (tmp_path / "mask.png").read_bytes()


def decoded(rle: dict[str, Any]) -> npt.NDArray[np.bool_]:
    """COCO's runs, read as its own code reads them."""
    runs: list[int] = []
    value = shift = 0
    for character in rle["counts"].encode():
        part = character - 48
        value |= (part & 0x1F) << shift
        shift += 5
        if not part & 0x20:
            if part & 0x10:
                value -= 1 << shift
            runs.append(value + (runs[-2] if len(runs) > 2 else 0))
            value = shift = 0
    height, width = rle["size"]
    flat = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    return flat.reshape(width, height).T


def test_arrays_outlive_their_mask_and_cannot_be_written_to(session: medplib.Session) -> None:
    mask = session.ask(QUESTION)[0]
    logits, array = mask.logits, mask.array
    before = logits.copy()
    for each in (logits, array):
        with pytest.raises(ValueError, match="read-only"):
            each[0, 0] = 0
    del mask
    gc.collect()
    np.testing.assert_array_equal(logits, before)


def test_a_mask_stands_for_its_array(session: medplib.Session) -> None:
    mask = session.ask(QUESTION)[0]
    np.testing.assert_array_equal(np.asarray(mask), mask.array)
    tensor = torch.from_dlpack(mask)
    assert tensor.dtype == torch.bool
    np.testing.assert_array_equal(tensor.numpy(), mask.array)
    tensor[:] = False  # a copy
    assert mask.array.any()
    assert torch.from_dlpack(session.image).shape == (150, 330, 3)


def test_outlines_and_the_box_lie_on_the_mask(session: medplib.Session) -> None:
    mask = session.ask(QUESTION)[0]
    corners = [corner for part in mask.polygon() for outline in part for corner in outline]
    assert all(mask.array[y, x] for x, y in corners)
    rows, columns = np.nonzero(mask.array)
    assert mask.bbox == [columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1]
    nothing = session.ask(QUESTION, threshold=1 - 1e-12)[0]
    assert nothing.area == 0
    assert nothing.bbox is None
    assert nothing.polygon() == []


def test_an_answer_shows_itself_on_its_image(model: medplib.Model, session: medplib.Session, tmp_path: Path) -> None:
    answer = session.ask(QUESTION, box=(20, 20, 120, 120))
    answer.save(tmp_path / "overlay.png")
    with PilImage.open(tmp_path / "overlay.png") as overlay:
        assert overlay.size == (330, 150)
    assert answer._repr_png_() == (tmp_path / "overlay.png").read_bytes()
    for shown in (answer, answer[0]):
        html = shown._repr_html_()
        assert base64.b64encode(shown._repr_png_()).decode() in html
        assert f"{answer[0].area} pixels" in html
    assert escape(answer.text) in answer._repr_html_()
    assert answer.image.name.endswith("s01_emits_seg_wide.image.png")
    assert len(answer.regions) == 1
    parts = (answer, answer[0], answer.timing, answer.image, answer.regions[0], session, session.stream(QUESTION))
    sam = Sam(MODEL).to("cpu")
    for each in (*parts, model, medplib.Predictor(model), sam, SamPredictor(sam), Sam()):
        assert repr(each).startswith(f"<medplib.{type(each).__name__} ")
        assert " at 0x" not in repr(each)


# What can be asked about


def test_a_path_an_array_and_a_pil_image_give_the_same_answer(
    model: medplib.Model, pixels: npt.NDArray[np.uint8]
) -> None:
    expected = model.session(str(PICTURE)).ask(QUESTION)
    opaque = np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])
    turned_round = np.ascontiguousarray(pixels[:, ::-1])[:, ::-1]
    for image in (pixels, opaque, turned_round, PilImage.fromarray(pixels), PilImage.fromarray(opaque)):
        session = model.session(image)
        assert session.image is not None
        np.testing.assert_array_equal(session.image.array, pixels)
    answer = session.ask(QUESTION)
    assert answer.tokens == expected.tokens
    np.testing.assert_array_equal(answer[0].logits, expected[0].logits)


def test_grey_stands_for_three_equal_channels(model: medplib.Model, pixels: npt.NDArray[np.uint8]) -> None:
    grey = np.ascontiguousarray(pixels[:, :, 0])
    session = model.session(grey)
    assert session.image is not None
    np.testing.assert_array_equal(session.image.array, np.dstack([grey] * 3))


@pytest.mark.parametrize(
    ("image", "sentence"),
    [
        (np.zeros((4, 4)), "uint8"),
        (np.zeros((4, 4, 2), np.uint8), r"\(H, W, 3\)"),
        (np.zeros(16, np.uint8), r"\(H, W\)"),
        (np.zeros((0, 4), np.uint8), "0"),
        (PilImage.new("I", (4, 4)), "path"),
        (7, "int"),
    ],
)
def test_an_image_of_the_wrong_kind_is_refused_with_a_sentence(model: medplib.Model, image: Any, sentence: str) -> None:
    with pytest.raises(medplib.InvalidArgumentError, match=sentence):
        model.session(image)


def test_a_box_is_the_same_as_its_polygon_its_mask_and_its_region(session: medplib.Session) -> None:
    def logits(**place: Unpack[engine.AskOptions]) -> npt.NDArray[np.float32]:
        return session.ask(QUESTION, **place)[0].logits

    mask = np.zeros((150, 330), np.int64)
    mask[40:101, 30:91] = 9
    expected = logits(box=(30, 40, 90, 100))
    np.testing.assert_array_equal(logits(polygon=np.array([(30, 40), (90, 40), (90, 100), (30, 100)])), expected)
    np.testing.assert_array_equal(logits(mask=mask), expected)
    np.testing.assert_array_equal(logits(regions=[medplib.Region.parse("box:30,40,90,100")]), expected)
    assert (logits(box=(200, 40, 260, 100)) != expected).any()


def test_a_mask_that_was_drawn_can_be_asked_about(session: medplib.Session, tmp_path: Path) -> None:
    mask = session.segment("tumour")[0]
    mask.save(tmp_path / "mask.png")
    from_mask, from_file = (session.ask(QUESTION, mask=each)[0] for each in (mask, tmp_path / "mask.png"))
    np.testing.assert_array_equal(from_mask.logits, from_file.logits)


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ({"box": (1, 2, 3)}, "x0, y0, x1, y1"),
        ({"point": "here"}, r"\(x, y\)"),
        ({"point": (float("nan"), 1)}, "finite"),
        ({"polygon": [(1, 2)]}, "three"),
        ({"mask": np.zeros((150, 330))}, "mask is an array"),
        ({"mask": np.ones((3, 3, 3), np.uint8)}, r"\(H, W\)"),
        ({"mask": np.ones((3, 3), np.uint8)}, "3"),
        ({"box": (1000, 1000, 1001, 1001)}, "outside"),
    ],
)
def test_a_place_that_cannot_be_used_is_refused_with_a_sentence(
    session: medplib.Session, place: Any, sentence: str
) -> None:
    with pytest.raises(medplib.InvalidArgumentError, match=sentence):
        session.ask("What is this?", max_new_tokens=4, **place)


# The verbs


PLACES: dict[str, Any] = {
    "point": (100, 100),
    "box": (20, 20, 120, 120),
    "polygon": [(20 + x, 20 + y) for x, y in zip(range(0, 100, 2), range(0, 50), strict=True)] + [(20, 120)],
    "scribble": [(20 + 2 * x, 30 + x) for x in range(60)],
    "mask": np.pad(np.ones((60, 60), np.uint8), ((20, 70), (30, 240))),
}


@pytest.mark.parametrize("kind", PLACES)
def test_describing_any_kind_of_place_asks_about_it(session: medplib.Session, kind: str) -> None:
    place: Any = {kind: PLACES[kind]}
    described = session.describe(**place, max_new_tokens=4)
    asked = session.ask("What is it?", **place, max_new_tokens=1)
    areas = [medplib.Mask.from_region(each.regions[0], 330, 150).area for each in (described, asked)]
    assert areas[0] == areas[1] > 0
    wording = "What is the abnormality or structure in the region <region></region> of this image?"
    assert described.tokens == session.ask(wording, **place, max_new_tokens=4).tokens


def test_describing_needs_one_place(session: medplib.Session) -> None:
    answer = session.describe(point=(100, 100), max_new_tokens=4)
    assert len(answer.regions) == 1
    with pytest.raises(medplib.InvalidArgumentError, match="one place, not 0"):
        session.describe()
    with pytest.raises(medplib.InvalidArgumentError, match="one place, not 2"):
        session.describe(point=(1, 2), box=(1, 2, 3, 4))


def test_chat_remembers_and_ask_does_not(session: medplib.Session) -> None:
    first = session.chat("What is this?", max_new_tokens=4)
    assert first.prompt in session.chat("And where?", max_new_tokens=4).prompt
    assert first.prompt not in session.ask("And where?", max_new_tokens=4).prompt
    session.reset_chat()
    assert first.prompt not in session.chat("And where?", max_new_tokens=4).prompt


def test_refining_takes_points_and_labels_or_a_box(session: medplib.Session) -> None:
    mask = session.segment("tumour")[0]
    better = session.refine(mask, point_coords=np.array([(100, 100), (10, 10)]), point_labels=[1, 0])
    assert better.array.shape == (150, 330)
    assert session.refine(box=(50, 50, 150, 150)).array.shape == (150, 330)
    with pytest.raises(medplib.InvalidArgumentError, match="1 point_coords, but 2"):
        session.refine(mask, point_coords=[(1, 2)], point_labels=[1, 0])
    with pytest.raises(medplib.InvalidArgumentError):
        session.refine(mask)


def test_refining_goes_on_with_the_threshold_of_the_mask(session: medplib.Session) -> None:
    drawn = session.segment("tumour", threshold=0.3)[0]
    assert session.refine(drawn, box=(50, 50, 150, 150)).threshold == 0.3
    assert session.refine(drawn, box=(50, 50, 150, 150), threshold=0.7).threshold == 0.7
    assert session.refine(box=(50, 50, 150, 150)).threshold == session.segment("tumour")[0].threshold


def test_the_module_asks_the_embedded_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDPLIB_MODEL", str(MODEL))
    engine._embedded.cache_clear()
    try:
        assert medplib.ask(PICTURE, QUESTION).tokens == medplib.load().session(PICTURE).ask(QUESTION).tokens
        assert len(medplib.segment(PICTURE, "tumour")) == 1
    finally:
        engine._embedded.cache_clear()


# Options


def test_the_seed_decides_what_a_temperature_draws(session: medplib.Session) -> None:
    def drawn(seed: int) -> list[int]:
        return session.ask("What is this?", temperature=5.0, seed=seed, max_new_tokens=12).tokens

    assert drawn(1) == drawn(1)
    assert len({tuple(drawn(seed)) for seed in range(4)}) > 1


def test_the_threshold_decides_what_is_inside(session: medplib.Session) -> None:
    areas = [session.ask(QUESTION, threshold=threshold)[0].area for threshold in (0.1, 0.5, 0.9)]
    assert areas[0] > areas[1] > areas[2]
    assert session.ask(QUESTION, threshold=None)[0].threshold == session.ask(QUESTION)[0].threshold


@pytest.mark.parametrize(
    "options", [{"max_new_tokens": 0}, {"temperature": -1}, {"top_p": 0}, {"threshold": 0}, {"max_new_tokens": "many"}]
)
def test_an_option_out_of_range_is_refused(session: medplib.Session, options: Any) -> None:
    with pytest.raises(medplib.InvalidArgumentError):
        session.ask("What is this?", **options)


def test_an_option_that_does_not_exist_is_named_with_those_that_do(session: medplib.Session) -> None:
    with pytest.raises(TypeError, match=r"no option 'tempreature'.*temperature"):
        session.ask("What is this?", tempreature=1)  # type: ignore[call-arg]


# Errors


@pytest.mark.parametrize(
    ("error", "code", "call"),
    [
        (medplib.NotFoundError, "NOT_FOUND", lambda _: medplib.load("no/such/folder")),
        (medplib.NotFoundError, "NOT_FOUND", lambda model: model.session("no.png")),
        (medplib.FormatError, "FORMAT", lambda model: model.session(__file__)),
        (medplib.InvalidArgumentError, "INVALID_ARG", lambda _: medplib.load(GOLDENS, device="abacus")),
        (medplib.InvalidArgumentError, "INVALID_ARG", lambda _: medplib.load(GOLDENS, precision="float7")),
        (medplib.InvalidArgumentError, "INVALID_ARG", lambda model: model.session(PICTURE).ask("")),
        (medplib.InvalidArgumentError, "INVALID_ARG", lambda _: medplib.Region.parse("circle:1,2")),
        (medplib.StateError, "STATE", lambda model: model.session().ask("What is this?", max_new_tokens=4)),
        (medplib.IoError, "IO", lambda model: model.session(PICTURE).ask(QUESTION)[0].save("/no/such/folder/mask.png")),
    ],
)
def test_errors_have_a_class_and_a_code(
    model: medplib.Model, error: type[medplib.MedplibError], code: str, call: Callable[[medplib.Model], object]
) -> None:
    with pytest.raises(error) as caught:
        call(model)
    assert caught.value.code == code
    assert isinstance(caught.value, RuntimeError)
    assert str(caught.value)


# The package


def test_every_error_of_the_package_is_exported() -> None:
    classes = {each.__name__ for each in medplib.MedplibError.__subclasses__()}
    assert classes <= set(medplib.__all__)
    assert all(hasattr(medplib, name) for name in medplib.__all__)


def test_the_version_is_the_engines() -> None:
    assert medplib.__version__ == _core.version() == json.loads(_core.build_info_json())["version"]


def test_another_torch_is_refused_with_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("__version__ = '1.2.3+cpu'\n")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    done = subprocess.run(
        [sys.executable, "-c", "import medplib; medplib.load"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: medplib was built with torch 2.11.0, but torch 1.2.3+cpu is installed")


@pytest.mark.parametrize(
    ("package", "installed", "refused"),
    [
        (Path(medplib.__file__).parents[1], "1.2.3+cpu", True),
        (Path(medplib.__file__).parents[1], "2.11.0+cpu", False),
        (Path(medplib.__file__).parents[1], None, False),
        (ROOT / "python", "1.2.3+cpu", False),  # where no engine is built
    ],
)
def test_the_installed_torch_is_compared_by_the_import_without_loading_it(
    tmp_path: Path, package: Path, installed: str | None, refused: bool
) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(package)])}
    without_packages = ["-S"] if installed is None else []
    if installed is not None:
        (tmp_path / "torch-0.dist-info").mkdir()
        (tmp_path / "torch-0.dist-info/METADATA").write_text(
            f"Metadata-Version: 2.1\nName: torch\nVersion: {installed}\n"
        )
    done = subprocess.run(
        [sys.executable, *without_packages, "-c", "import sys, medplib; assert 'torch' not in sys.modules"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode != 0) is refused, done.stderr
    if refused:
        last = done.stderr.strip().splitlines()[-1]
        assert last.startswith("ImportError: medplib was built with torch 2.11.0, but torch 1.2.3+cpu is installed")


def test_the_package_is_imported_without_loading_the_engine() -> None:
    script = (
        "import sys, medplib, medplib.data; assert 'torch' not in sys.modules and 'medplib._core' not in sys.modules"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", script], env=environment, check=True)
