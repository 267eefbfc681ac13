"""A file given by its path and the same opened by PIL: the same pixels, the same mask and the same warnings.
A test is named FAULT__python__WHAT."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import medplib
import numpy as np
import numpy.typing as npt
import pytest
from medplib._inputs import image_of, region_of
from odd_pictures import ALPHA_MASKS, channels_first, deep_png, saved, tiff
from PIL import Image as PilImage

Bytes = npt.NDArray[np.uint8]
WIDTH, HEIGHT = 50, 40


def coloured() -> Bytes:
    """A disc of colours on black, whose fourth channel rises from left to right."""
    rows, columns = np.indices((HEIGHT, WIDTH))
    pixels = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    inside = (columns - 22) ** 2 + (rows - 18) ** 2 < 150
    pixels[inside, :3] = np.dstack([columns * 4 + 20, rows * 5 + 20, 100 + columns - rows])[inside]
    pixels[..., 3] = columns * 5
    return pixels


def exif(value: int, kind: int = 3, prefix: bytes = b"") -> bytes:
    """A block that holds nothing but an orientation, of this type of numbers."""
    entry = {
        1: value.to_bytes(1, "big") + b"\0\0\0",
        3: value.to_bytes(2, "big") + b"\0\0",
        4: value.to_bytes(4, "big"),
    }[kind]
    count = (1).to_bytes(4, "big")
    return prefix + b"MM\0*\0\0\0\x08\0\x01\x01\x12" + kind.to_bytes(2, "big") + count + entry + b"\0\0\0\0"


def opaque(folder: Path, ending: str, mode: str, **options: Any) -> Path:
    return saved(folder / f"p.{ending}", PilImage.fromarray(coloured()[..., :3]).convert(mode), **options)


def animated(folder: Path) -> Path:
    first = PilImage.fromarray(coloured()[..., :3])
    return saved(folder / "p.png", first, save_all=True, append_images=[first.rotate(180)])


FORMATS: dict[str, Callable[[Path], Path]] = {
    "one_bit_png": lambda folder: opaque(folder, "png", "1"),
    "one_bit_tiff": lambda folder: opaque(folder, "tif", "1", compression="group4"),
    "palette_png": lambda folder: opaque(folder, "png", "P"),
    "palette_tiff": lambda folder: opaque(folder, "tif", "P"),
    "cmyk_jpeg": lambda folder: opaque(folder, "jpg", "CMYK"),
    "cmyk_tiff": lambda folder: opaque(folder, "tif", "CMYK"),
    "jpeg_in_tiff": lambda folder: opaque(folder, "tif", "RGB", compression="jpeg"),
    "lzw_tiff": lambda folder: opaque(folder, "tif", "RGB", compression="tiff_lzw"),
    "grey16_png": lambda folder: deep_png(folder / "p.png", coloured()[..., :1].astype(np.uint16) * 16),
    "four_samples_tiff": lambda folder: tiff(folder / "p.tif", channels_first(coloured()), 2),
    "unspecified_tiff": lambda folder: tiff(folder / "p.tif", channels_first(coloured()), 2, extra=(0,)),
    "premultiplied_tiff": lambda folder: tiff(folder / "p.tif", channels_first(coloured()), 2, extra=(1,)),
    "five_samples_tiff": lambda folder: tiff(
        folder / "p.tif", channels_first(coloured()[..., [0, 1, 2, 3, 0]]), 2, extra=(2, 0)
    ),
    "grey_and_more_tiff": lambda folder: tiff(folder / "p.tif", channels_first(coloured()[..., [0, 3]]), 1, extra=(0,)),
    "cmyk_and_more_tiff": lambda folder: tiff(
        folder / "p.tif", channels_first(coloured()[..., [0, 1, 2, 2, 3]]), 5, extra=(0,)
    ),
    "animated_png": animated,
    "exif_short_jpeg": lambda folder: opaque(folder, "jpg", "RGB", exif=exif(3, 3, b"Exif\0\0")),
    "exif_long_jpeg": lambda folder: opaque(folder, "jpg", "RGB", exif=exif(6, 4, b"Exif\0\0")),
    "exif_byte_jpeg": lambda folder: opaque(folder, "jpg", "RGB", exif=exif(8, 1, b"Exif\0\0")),
    "exif_impossible_jpeg": lambda folder: opaque(folder, "jpg", "RGB", exif=exif(9, 3, b"Exif\0\0")),
    "exif_long_png": lambda folder: opaque(folder, "png", "RGB", exif=exif(3, 4)),
    "grey_jpeg": lambda folder: opaque(folder, "jpg", "L"),
}
# What is told of it, where something is.
TOLD = {
    "four_samples_tiff": "is transparent in places",
    "unspecified_tiff": "holds 4 channels; the first three are read",
    "premultiplied_tiff": "is transparent in places",
    "five_samples_tiff": "holds 5 channels; the first three are read",
    "grey_and_more_tiff": "holds 2 channels; the first is read",
    "cmyk_and_more_tiff": "holds 5 channels; the first four are read",
    "animated_png": "holds several pictures",
    "exif_short_jpeg": "EXIF orientation 3",
    "exif_long_jpeg": "EXIF orientation 6",
    "exif_byte_jpeg": "EXIF orientation 8",
    "exif_long_png": "EXIF orientation 3",
}


def without_names(warnings: list[str], *names: str) -> list[str]:
    for name in names:
        warnings = [warning.replace(f'"{name}" ', "") for warning in warnings]
    return warnings


@pytest.mark.parametrize("form", FORMATS)
def test_formats__python__path_bytes_and_pil_are_one_picture(form: str, tmp_path: Path) -> None:
    path = FORMATS[form](tmp_path)
    by_path, by_bytes = image_of(path), image_of(path.read_bytes())
    with PilImage.open(path) as picture:
        by_pil = image_of(picture)
    np.testing.assert_array_equal(by_path.array, by_bytes.array)
    rounding = form == "cmyk_and_more_tiff"  # libtiff's, of CMYK
    np.testing.assert_allclose(by_path.array.astype(int), by_pil.array, rtol=0, atol=rounding)
    told = [
        without_names(image.info["warnings"], str(path), "bytes", "pixels") for image in (by_path, by_bytes, by_pil)
    ]
    assert told[0] == told[1] == told[2]
    assert [TOLD[form] in warning for warning in told[0][:1]] == [True] * (form in TOLD)


def masked(mask: Any) -> medplib.Mask:
    return medplib.Mask.from_region(region_of("mask", mask), WIDTH, HEIGHT)


@pytest.mark.parametrize("form", FORMATS)
def test_formats__python__path_and_pil_are_one_mask(form: str, tmp_path: Path) -> None:
    path = FORMATS[form](tmp_path)
    by_path = masked(path)
    with PilImage.open(path) as picture:
        by_pil = masked(picture)
    np.testing.assert_array_equal(by_path.array, by_pil.array)
    assert without_names(by_path.warnings, str(path)) == without_names(by_pil.warnings, "mask")


@pytest.mark.parametrize("form", ALPHA_MASKS)
def test_alpha_mask__python__is_of_pil_what_it_is_of_the_file(form: str, tmp_path: Path) -> None:
    brush = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    brush[..., 0], brush[8:20, 10:33, 3] = 255, 180
    path = ALPHA_MASKS[form](tmp_path, brush)
    with PilImage.open(path) as picture:
        by_pil = masked(picture)
    np.testing.assert_array_equal(masked(path).array, brush[..., 3] > 0)
    if form == "rgb16_value_png":  # of 16 bits a colour PIL keeps 8, and the value that stands for nothing in 16
        return
    np.testing.assert_array_equal(by_pil.array, brush[..., 3] > 0)
    assert without_names(by_pil.warnings, "mask") == without_names(masked(path).warnings, str(path))


@pytest.mark.parametrize("ending", ["jpg", "jpeg"])
def test_noisy_jpeg_mask__python__is_told_of_path_and_pil(ending: str, tmp_path: Path) -> None:
    shape = (coloured()[..., 0] > 0).astype(np.uint8) * 255
    path = saved(tmp_path / f"m.{ending}", PilImage.fromarray(shape), quality=70)
    with PilImage.open(path) as picture:
        for mask in (path, picture):
            (told,) = masked(mask).warnings
            assert "is a JPEG file, which blurs edges" in told
    plain = saved(tmp_path / f"white.{ending}", PilImage.fromarray(np.where(shape > 300, 0, 255).astype(np.uint8)))
    assert not any("JPEG" in warning for warning in masked(plain).warnings)


@pytest.mark.parametrize("ending", ["png", "tif"])
def test_lost_bits__python__of_pil_colours_are_told(ending: str, tmp_path: Path) -> None:
    deep = coloured()[..., :3].astype(np.uint16) * 16  # 12 bits in 16
    path = tmp_path / f"p.{ending}"
    if ending == "png":
        deep_png(path, deep)
    else:
        tiff(path, np.moveaxis(deep, -1, 0), 2)
    with PilImage.open(path) as picture:
        (told,) = image_of(picture).info["warnings"]
    assert "of which a PIL image keeps the upper 8" in told
    assert image_of(path).info["warnings"] == []
    assert image_of(path).array.max() > 200


@pytest.mark.parametrize(
    "form",
    {
        "float_tiff": lambda: PilImage.fromarray(np.linspace(0, 1, 2000, dtype=np.float32).reshape(HEIGHT, WIDTH)),
    }.items(),
    ids=lambda item: item[0],
)
def test_fractions_in_pixels__python__are_refused_as_picture_and_as_mask(
    form: tuple[str, Callable[[], PilImage.Image]], tmp_path: Path
) -> None:
    picture = form[1]()
    path = saved(tmp_path / "f.tif", picture)
    for read in (image_of, masked):
        with pytest.raises(medplib.UnsupportedError, match="32 bits a sample"):
            read(path)
        with pytest.raises(medplib.InvalidArgumentError, match=r"mode|not .*PIL"):
            read(picture)


@pytest.mark.parametrize("ending", ["gif", "webp", "bmp", "jp2", "ppm", "tga", "ico"])
def test_formats__python__what_is_not_read_says_so_and_what_to_do(ending: str, tmp_path: Path) -> None:
    path = saved(tmp_path / f"p.{ending}", PilImage.fromarray(coloured()[..., :3]))
    for read in (image_of, masked):
        with pytest.raises(medplib.FormatError, match=r"is not a PNG, JPEG or TIFF image.*save it as one of these"):
            read(path)
    with PilImage.open(path) as picture:
        assert image_of(picture).info["warnings"] == []


def test_formats__python__a_jpeg_of_12_bits_is_not_called_damaged(tmp_path: Path) -> None:
    stored = io.BytesIO()
    PilImage.fromarray(coloured()[..., 0]).save(stored, "jpeg")
    data = bytearray(stored.getvalue())
    data[data.index(b"\xff\xc0") + 4] = 12
    with pytest.raises(medplib.UnsupportedError, match="of a kind that is not read"):
        image_of(bytes(data))


@pytest.mark.parametrize("shape", [(40, 50, 3), (2, 40, 50), (5, 40, 50)])
def test_unfit_tensor__python__is_told_with_its_shape_and_the_way_out(shape: tuple[int, ...]) -> None:
    torch = pytest.importorskip("torch")
    with pytest.raises(medplib.InvalidArgumentError, match=r"\(C, H, W\) with 1, 3 or 4 channels, not \(.*permute"):
        image_of(torch.zeros(shape, dtype=torch.uint8))
