"""What users stumble over in pictures and places, at the package: test_FAULT_VERB, for each format."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import medplib
import numpy as np
import numpy.typing as npt
import pytest
import torch
from golden import QUESTION
from medplib._inputs import image_of, region_of
from medplib.errors import InvalidArgumentError
from medplib.predictor import Predictor
from odd_pictures import ALPHA_MASKS, palette_of, saved, tiff
from PIL import Image as PilImage

WIDTH, HEIGHT = 330, 150  # of the golden picture
Bytes = npt.NDArray[np.uint8]


@pytest.fixture
def brush() -> Bytes:
    """RGBA: red all over, a shape in alpha alone."""
    rows, columns = np.indices((HEIGHT, WIDTH))
    pixels = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    pixels[..., 0] = 255
    pixels[..., 3] = np.where(((columns - 200) / 60) ** 2 + ((rows - 70) / 40) ** 2 <= 1, 180, 0)
    return pixels


def shape_of(brush: Bytes) -> Bytes:
    return (brush[..., 3] > 0).astype(np.uint8)


MASKS: dict[str, Callable[[Path, Bytes], Any]] = {
    **ALPHA_MASKS,
    "rgba_pil": lambda _, brush: PilImage.fromarray(brush),
    "la_pil": lambda _, brush: PilImage.fromarray(brush[..., [0, 3]], "LA"),
    "palette_pil": lambda _, brush: palette_of(brush),
    "rgba_array": lambda _, brush: brush,
    "la_array": lambda _, brush: brush[..., [0, 3]],
    "rgba_tensor": lambda _, brush: torch.from_numpy(np.ascontiguousarray(np.moveaxis(brush, -1, 0))),
}


@contextmanager
def silent() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.mark.parametrize("form", MASKS)
def test_alpha_mask__python__ask_and_embed(session: medplib.Session, brush: Bytes, form: str, tmp_path: Path) -> None:
    mask = MASKS[form](tmp_path, brush)
    answer = session.ask("What is in this place?", mask=mask, max_new_tokens=1)
    assert sum("alpha is the mask" in warning for warning in answer.warnings) == 1
    with pytest.warns(UserWarning, match="alpha is the mask"):
        seen = session.embed_region(mask=mask)
    with silent():
        np.testing.assert_array_equal(seen, session.embed_region(mask=shape_of(brush)))


@pytest.mark.parametrize("form", MASKS)
def test_alpha_mask__python__refine(session: medplib.Session, brush: Bytes, form: str, tmp_path: Path) -> None:
    drawn = medplib.Mask.from_region(region_of("mask", MASKS[form](tmp_path, brush)), WIDTH, HEIGHT)
    assert drawn.area == shape_of(brush).sum()
    assert any("alpha is the mask" in warning for warning in drawn.warnings)
    better = session.refine(drawn, point_coords=[(200, 70)])
    assert drawn.warnings[0] in better.warnings
    again = session.refine(better, point_coords=[(205, 70)])
    assert drawn.warnings[0] not in again.warnings


@pytest.mark.parametrize("alpha", [0, 255])
@pytest.mark.parametrize("form", ["rgba_png", "rgba_tiff", "rgba_pil", "rgba_array"])
def test_alpha_mask__python__of_constant_alpha_is_its_colours(
    session: medplib.Session, brush: Bytes, form: str, alpha: int, tmp_path: Path
) -> None:
    opaque = np.repeat(shape_of(brush)[..., np.newaxis] * 255, 4, axis=2)
    opaque[..., 3] = alpha
    with silent():
        seen = session.embed_region(mask=MASKS[form](tmp_path, opaque))
        np.testing.assert_array_equal(seen, session.embed_region(mask=shape_of(brush)))


def with_transparent_value(brush: Bytes, mode: str) -> PilImage.Image:
    """What PNG has in tRNS: of grey or RGB one value is seen through."""
    image = PilImage.fromarray(shape_of(brush), "L").convert(mode)
    image.info["transparency"] = 0 if mode == "L" else (0, 0, 0)
    return image


PICTURES = MASKS | {
    "pa_pil": lambda _, brush: palette_of(brush).convert("PA"),
    "premultiplied_la_pil": lambda _, brush: PilImage.fromarray(brush[..., [0, 3]], "LA").convert("La"),
    "premultiplied_rgba_pil": lambda _, brush: PilImage.fromarray(brush).convert("RGBa"),
    "grey_value_pil": lambda _, brush: with_transparent_value(brush, "L"),
    "rgb_value_pil": lambda _, brush: with_transparent_value(brush, "RGB"),
}


@pytest.mark.parametrize(
    "form",
    ["rgba_png", "palette_png", "rgba_tiff", "rgba_array", *(form for form in PICTURES if form.endswith("_pil"))],
)
def test_alpha_picture__python__is_told(model: medplib.Model, brush: Bytes, form: str, tmp_path: Path) -> None:
    picture = PICTURES[form](tmp_path, brush)
    told = model.session(picture).ask(QUESTION, max_new_tokens=1).warnings
    assert any("transparent in places" in warning and "left out" in warning for warning in told)


@pytest.mark.parametrize("orientation", [1, 3, 6])
@pytest.mark.parametrize("format", ["jpeg", "png"])
def test_exif__python__ask(model: medplib.Model, pixels: Bytes, format: str, orientation: int) -> None:
    exif = PilImage.Exif()
    exif[0x0112] = orientation
    stored = io.BytesIO()
    PilImage.fromarray(pixels).save(stored, format, exif=exif)
    from_bytes = model.session(stored.getvalue())
    from_pil = model.session(PilImage.open(io.BytesIO(stored.getvalue())))
    told = [each.ask(QUESTION, max_new_tokens=1).warnings for each in (from_bytes, from_pil)]
    for warnings_ in told:
        assert any(f"EXIF orientation {orientation}" in warning for warning in warnings_) == (orientation != 1)
    with pytest.warns(UserWarning, match="EXIF") if orientation != 1 else silent():
        from_pil.embed_image()
    refined = from_bytes.refine(point_coords=[(30, 40)])
    assert any("EXIF" in warning for warning in refined.warnings) == (orientation != 1)


def test_exif__python__mask_as_pil_and_file(session: medplib.Session, brush: Bytes, tmp_path: Path) -> None:
    exif = PilImage.Exif()
    exif[0x0112] = 3
    path = saved(tmp_path / "m.png", PilImage.fromarray(shape_of(brush) * 255), exif=exif)
    for mask in (path, PilImage.open(path)):
        told = session.ask(QUESTION, mask=mask, max_new_tokens=1).warnings
        assert any("EXIF orientation 3" in warning for warning in told)


@pytest.mark.parametrize("format", ["tiff", "gif", "mpo"])
def test_pages_left_out__python__of_pil_are_told_as_of_a_file(brush: Bytes, format: str) -> None:
    page = PilImage.fromarray(shape_of(brush) * 255)
    stored = io.BytesIO()
    page.save(stored, format, save_all=True, append_images=[page.transpose(PilImage.Transpose.FLIP_TOP_BOTTOM)])
    told = '"{}" holds several pictures; the first is read.'
    with PilImage.open(stored) as pages:
        assert (told.format("pixels") in image_of(pages).info["warnings"]) == (format != "mpo")
        mask = medplib.Mask.from_region(region_of("mask", pages), WIDTH, HEIGHT)
        assert (told.format("mask") in mask.warnings) == (format != "mpo")
        pages.seek(1)  # one that was chosen
        assert image_of(pages).info["warnings"] == []
    if format == "tiff":
        assert image_of(stored.getvalue()).info["warnings"] == [told.format("bytes")]
    assert image_of(page).info["warnings"] == []


def scan() -> npt.NDArray[np.uint16]:
    """A picture of 12 bits: its mean is about a quarter of its brightest value."""
    rows, columns = np.indices((200, 240))
    values = np.clip(4000 - ((rows - 100) ** 2 + (columns - 120) ** 2) / 3, 0, None)
    values[:, :90] = 0
    return values.astype(np.uint16)


SIXTEEN: dict[str, Callable[[Path, npt.NDArray[np.uint16]], Any]] = {
    "png": lambda folder, values: saved(folder / "s.png", PilImage.fromarray(values)),
    "tiff": lambda folder, values: tiff(folder / "s.tif", values[np.newaxis], 1),
    "array": lambda _, values: values,
    "pil": lambda _, values: PilImage.fromarray(values),
    "tensor": lambda _, values: torch.from_numpy(values),
    "rgb_array": lambda _, values: np.repeat(values[..., np.newaxis], 3, axis=2),
}


@pytest.mark.parametrize("form", SIXTEEN)
def test_outlier_of_16_bits__python(model: medplib.Model, form: str, tmp_path: Path) -> None:
    clean, spoilt = scan(), scan()
    spoilt[3, 3] = 65535
    shown = []
    for values in (clean, spoilt):
        image = model.session(SIXTEEN[form](tmp_path, values)).image
        assert image is not None
        assert image.info["window_high"] == 4000
        shown.append(np.array(image))
    assert shown[1][3, 3, 0] == 255
    shown[1][3, 3] = shown[0][3, 3]
    np.testing.assert_array_equal(shown[0], shown[1])


@pytest.mark.parametrize("form", SIXTEEN)
def test_outlier_of_16_bits__python__is_none_in_a_binary_picture(
    model: medplib.Model, form: str, tmp_path: Path
) -> None:
    values = np.zeros((200, 240), np.uint16)
    values[5, 5] = 40000
    image = model.session(SIXTEEN[form](tmp_path, values)).image
    assert image is not None
    assert np.array(image)[5, 5, 0] == 255
    assert (image.info["window_low"], image.info["window_high"]) == (0, 40000)


@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_channels_left_out__python__three_of_grey_tiff_are_rgb(
    pixels: Bytes, dtype: type[Any], planar: bool, tmp_path: Path
) -> None:
    channels = np.moveaxis(pixels, -1, 0).astype(dtype)
    for extra in ((), (0, 0)):
        image = medplib.Image.read(tiff(tmp_path / "g.tif", channels, 1, planar=planar, extra=extra))
        same = medplib.Image.read(tiff(tmp_path / "c.tif", channels, 2, planar=planar))
        np.testing.assert_array_equal(image.array, same.array)
        assert image.info["channels"] == 3
        assert image.info["warnings"] == []


@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize(
    ("count", "photometric", "extra", "read"),
    [(2, 1, (0,), "first is"), (4, 1, (0, 0, 0), "first is"), (5, 1, (), "first is"), (4, 2, (0,), "first three are")],
)
def test_channels_left_out__python__tiff(
    model: medplib.Model, count: int, photometric: int, extra: tuple[int, ...], read: str, planar: bool, tmp_path: Path
) -> None:
    channels = np.random.default_rng(count).integers(0, 255, (count, 40, 50), np.uint8)
    path = tiff(tmp_path / "c.tif", channels, photometric, planar=planar, extra=extra)
    session = model.session(path)
    told = session.ask(QUESTION, max_new_tokens=1).warnings
    assert any(f"holds {count} channels; the {read} read" in warning for warning in told)
    assert session.image is not None
    seen = np.moveaxis(session.image.array, -1, 0)
    np.testing.assert_array_equal(seen, channels[:3] if photometric == 2 else np.repeat(channels[:1], 3, axis=0))
    asked = model.session(channels[0]).ask(QUESTION, mask=path, max_new_tokens=1)
    assert any("channels" in warning for warning in asked.warnings)


PLACES: dict[str, dict[str, Any]] = {
    "point": {"point": (0.15, 0.47)},
    "box": {"box": (0.12, 0.38, 0.23, 0.55)},
    "polygon": {"polygon": [(0.1, 0.2), (0.5, 0.2), (0.3, 0.7)]},
    "scribble": {"scribble": [(0.1, 0.2), (0.5, 0.2)]},
}


def fractions(warnings_: list[str]) -> int:
    return sum("looks like fractions" in warning for warning in warnings_)


@pytest.mark.parametrize("kind", PLACES)
def test_fractions__python__ask_describe_and_embed(session: medplib.Session, kind: str) -> None:
    assert fractions(session.ask("What?", **PLACES[kind], max_new_tokens=1).warnings) == 1
    assert fractions(session.describe(**PLACES[kind], max_new_tokens=1).warnings) == 1
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        session.embed_region(**PLACES[kind])
    assert fractions([str(each.message) for each in caught]) == 1


@pytest.mark.parametrize("place", [{"point": (10**400, 1)}, {"box": (1, 2, 3, 10**400)}, {"regions": [10**5000]}])
def test_endless_integers__python__places_are_refused_in_a_sentence(
    session: medplib.Session, place: dict[str, Any]
) -> None:
    with pytest.raises(InvalidArgumentError, match="an integer of"):
        session.ask("what?", **place)
    with pytest.raises(InvalidArgumentError, match="an integer of"):
        session.refine(point_coords=[(1, 10**400)])
    with pytest.raises(InvalidArgumentError):
        session.refine(point_coords=[(1, 1)], point_labels=[10**5000])


def test_fractions__python__refine_clicks_and_box(session: medplib.Session) -> None:
    assert fractions(session.refine(point_coords=[(0.15, 0.47)]).warnings) == 1
    assert fractions(session.refine(box=(0.12, 0.38, 0.23, 0.55)).warnings) == 1
    assert fractions(session.refine(point_coords=[(0.15, 0.47)], box=(0.1, 0.3, 0.2, 0.5)).warnings) == 2
    assert session.refine(point_coords=[(0.5, 0.5), (20, 30)]).warnings == []
    assert session.refine(point_coords=[(1, 0)]).warnings == []


def test_fractions__python__predictor(model: medplib.Model, pixels: Bytes) -> None:
    predictor = Predictor(model)
    predictor.set_image(pixels)
    with pytest.warns(UserWarning, match="looks like fractions"):
        predictor.predict(np.array([[0.15, 0.47]]), np.array([1]))
    with silent():
        predictor.predict(np.array([[15, 47]]), np.array([1]))


def test_holes_of_outlines__python__round_trip() -> None:
    ring = np.zeros((60, 80), np.uint8)
    ring[5:50, 5:60] = 1
    ring[12:30, 12:40] = 0
    ring[35:45, 45:48] = 0
    ring[18:22, 20:25] = 1  # an island
    ring[55, 70:75] = 1  # a line, which has no outline
    ring[2, 2] = 1
    mask = medplib.Mask.from_region(medplib.Region.mask(ring), 80, 60)
    parts = mask.polygon()
    assert sorted(len(part) for part in parts) == [1, 3]
    again = np.zeros((60, 80), bool)
    for outline, *holes in parts:
        assert min(map(len, [outline, *holes])) >= 3
        region = medplib.Region.polygon(outline, holes)
        again |= medplib.Mask.from_region(region, 80, 60).array
    ring[55], ring[2] = 0, 0
    np.testing.assert_array_equal(again, ring == 1)


def test_holes_of_outlines__python__are_in_shapelys_order() -> None:
    shapely = pytest.importorskip("shapely")
    ring = np.zeros((60, 80), np.uint8)
    ring[5:50, 5:60] = 1
    ring[12:30, 12:40] = 0
    mask = medplib.Mask.from_region(medplib.Region.mask(ring), 80, 60)
    ((outline, *holes),) = mask.polygon()
    shape = shapely.Polygon(outline, holes)
    assert shape.is_valid
    # Through the centres of pixels: half a pixel less at the outer edge, and at that of the hole.
    assert shape.area == 44 * 54 - (19 * 29 - 4 * 0.5)  # a hole turns its corners


@pytest.mark.parametrize(
    "place",
    [
        {"point": (14, 14)},
        {"box": (0, 0, 27, 27)},
        {"scribble": [(0, 14), (27, 14)]},
        {"mask": np.ones((28, 28), bool)},
    ],
)
def test_whole_picture__python__ask_and_describe(model: medplib.Model, place: dict[str, Any]) -> None:
    session = model.session((np.arange(784) % 251).astype(np.uint8).reshape(28, 28))
    if "scribble" in place:
        place = {"regions": [medplib.Region.scribble(place["scribble"], 90)]}
    told = session.ask("What?", **place, max_new_tokens=1).warnings
    assert sum("covers the whole of the image of 28 × 28 pixels" in warning for warning in told) == 1


def test_whole_picture__python__refine(model: medplib.Model) -> None:
    session = model.session((np.arange(784) % 251).astype(np.uint8).reshape(28, 28))
    assert "covers the whole" in session.refine(box=(0, 0, 27, 27)).warnings[0]
    everything = medplib.Mask.from_region(medplib.Region.mask(np.ones((28, 28), np.uint8)), 28, 28)
    assert "covers the whole" in session.refine(everything, point_coords=[(3, 3)]).warnings[0]
