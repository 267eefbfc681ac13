"""Files of pictures that common programs write and Pillow doesn't."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image as PilImage

Bytes = npt.NDArray[np.uint8]


def saved(path: Path, image: PilImage.Image, **options: Any) -> Path:
    image.save(path, **options)
    return path


def deep_png(path: Path, values: npt.NDArray[np.uint16], nothing: tuple[int, ...] = ()) -> Path:
    """Of 16 bits from (H, W, C) of 1 to 4 channels, which Pillow cannot write; one value may stand for nothing."""
    height, width, channels = values.shape

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    raw = b"".join(b"\0" + row.tobytes() for row in values.astype(">u2"))
    colour_type = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    header = struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0)
    transparent = chunk(b"tRNS", struct.pack(f">{len(nothing)}H", *nothing)) if nothing else b""
    end = chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + transparent + end)
    return path


def sixteen_bit_png(path: Path, brush: Bytes) -> Path:
    """RGBA of 16 bits from (H, W, 4) of 8."""
    return deep_png(path, brush.astype(np.uint16) * 257)


def palette_of(brush: Bytes) -> PilImage.Image:
    """One red, seen through in one of its two entries."""
    image = PilImage.fromarray((brush[..., 3] > 0).astype(np.uint8), "L").convert("P")
    image.putpalette([255, 0, 0] * 256)
    image.info["transparency"] = 0
    return image


def without(path: Path, brush: Bytes, colours: int) -> Path:
    """A PNG of 16 bits in which the value or colour outside the brush stands for nothing."""
    values = np.where(brush[..., 3] > 0, 9000, 7000).astype(np.uint16)
    return deep_png(path, np.dstack([values] * colours), (7000,) * colours)


def tiff(
    path: Path, channels: npt.NDArray[Any], photometric: int, *, planar: bool = False, extra: tuple[int, ...] = ()
) -> Path:
    """An uncompressed TIFF of (C, H, W) uint8 or uint16, in one strip a plane."""
    count, height, width = channels.shape
    data = channels if planar else np.moveaxis(channels, 0, -1)
    strips = [plane.tobytes() for plane in channels] if planar else [data.tobytes()]
    entries: list[tuple[int, int, list[int]]] = [
        (256, 4, [width]),
        (257, 4, [height]),
        (258, 3, [8 * channels.dtype.itemsize] * count),
        (259, 3, [1]),
        (262, 3, [photometric]),
        (273, 4, [0] * len(strips)),
        (277, 3, [count]),
        (278, 4, [height]),
        (279, 4, [len(strip) for strip in strips]),
        (284, 3, [2 if planar else 1]),
    ]
    if extra:
        entries.append((338, 3, list(extra)))
    sizes = {3: ("H", 2), 4: ("I", 4)}
    at = 8 + 2 + 12 * len(entries) + 4
    places = {tag: at for tag, _, _ in entries}
    for tag, kind, values in entries:
        places[tag] = at
        at += 4 * len(values) if sizes[kind][1] * len(values) > 4 else 0
    starts = [at + sum(len(strip) for strip in strips[:i]) for i in range(len(strips))]
    body, beyond = b"", b""
    for tag, kind, values in entries:
        packed = struct.pack(f"<{len(values)}{sizes[kind][0]}", *(starts if tag == 273 else values))
        if len(packed) > 4:
            beyond += packed.ljust(4 * len(values), b"\0")
            packed = struct.pack("<I", places[tag])
        body += struct.pack("<HHI", tag, kind, len(values)) + packed.ljust(4, b"\0")
    directory = struct.pack("<H", len(entries)) + body + struct.pack("<I", 0)
    path.write_bytes(b"II*\0" + struct.pack("<I", 8) + directory + beyond + b"".join(strips))
    return path


def channels_first(brush: Bytes) -> Bytes:
    return np.moveaxis(brush, -1, 0)


# Files of a shape that alpha alone has, from (H, W, 4) of one colour.
ALPHA_MASKS: dict[str, Callable[[Path, Bytes], Path]] = {
    "rgba_png": lambda folder, brush: saved(folder / "m.png", PilImage.fromarray(brush)),
    "la_png": lambda folder, brush: saved(folder / "m.png", PilImage.fromarray(brush[..., [0, 3]], "LA")),
    "palette_png": lambda folder, brush: saved(folder / "m.png", palette_of(brush), transparency=0),
    "rgba16_png": lambda folder, brush: sixteen_bit_png(folder / "m.png", brush),
    "la16_png": lambda folder, brush: deep_png(folder / "m.png", brush[..., [0, 3]].astype(np.uint16) * 257),
    "grey16_value_png": lambda folder, brush: without(folder / "m.png", brush, 1),
    "rgb16_value_png": lambda folder, brush: without(folder / "m.png", brush, 3),
    "rgba_tiff": lambda folder, brush: saved(folder / "m.tif", PilImage.fromarray(brush)),
    "la_tiff": lambda folder, brush: saved(folder / "m.tif", PilImage.fromarray(brush[..., [0, 3]], "LA")),
    "planar_rgba_tiff": lambda folder, brush: tiff(folder / "m.tif", channels_first(brush), 2, planar=True, extra=(2,)),
    "rgba16_tiff": lambda folder, brush: tiff(
        folder / "m.tif", channels_first(brush).astype(np.uint16) * 257, 2, extra=(2,)
    ),
    "premultiplied_tiff": lambda folder, brush: tiff(folder / "m.tif", channels_first(brush), 2, extra=(1,)),
    "four_samples_tiff": lambda folder, brush: tiff(folder / "m.tif", channels_first(brush), 2),
}


def turned(path: Path, pixels: Bytes, orientation: int = 3) -> Path:
    """RGB that EXIF has shown turned."""
    exif = PilImage.Exif()
    exif[0x0112] = orientation
    return saved(path, PilImage.fromarray(pixels), exif=exif)


def in_pages(path: Path, pixels: Bytes) -> Path:
    pages = [PilImage.fromarray(each) for each in (pixels, 255 - pixels)]
    return saved(path, pages[0], save_all=True, append_images=pages[1:])


def crowded(pixels: Bytes) -> npt.NDArray[np.uint16]:
    """12 bits with a burned-in row of 16, which is too much for an outlier: (H, W)."""
    values = np.arange(pixels.shape[0] * pixels.shape[1], dtype=np.uint16).reshape(pixels.shape[:2]) % 3000
    values[0] = 65535
    return values


def with_more(pixels: Bytes, more: int) -> Bytes:
    """(C, H, W) of RGB and so many channels behind it."""
    return channels_first(np.dstack([pixels, *[pixels[..., 0] // 2] * more]))


# Files of (H, W, 3) of which something is to be told, and what, by FAULT-FORMAT.
ODD_PICTURES: dict[str, tuple[Callable[[Path, Bytes], Path], str]] = {
    "exif-jpeg": (lambda folder, pixels: turned(folder / "p.jpg", pixels), "EXIF orientation 3"),
    "exif-png": (lambda folder, pixels: turned(folder / "p.png", pixels), "EXIF orientation 3"),
    "channels_left_out-rgbx_tiff": (
        lambda folder, pixels: tiff(folder / "p.tif", with_more(pixels, 1), 2, extra=(0,)),
        "holds 4 channels; the first three are read",
    ),
    "channels_left_out-grey_of_five_tiff": (
        lambda folder, pixels: tiff(folder / "p.tif", with_more(pixels, 2), 1),
        "holds 5 channels; the first is read",
    ),
    "channels_left_out-planar_tiff": (
        lambda folder, pixels: tiff(folder / "p.tif", with_more(pixels, 2), 2, planar=True, extra=(0, 0)),
        "holds 5 channels; the first three are read",
    ),
    "channels_left_out-cmyk_of_five_tiff": (
        lambda folder, pixels: tiff(folder / "p.tif", with_more(pixels, 2), 5, extra=(2,)),
        "holds 5 channels; the first four are read",
    ),
    "alpha_picture-four_samples_tiff": (
        lambda folder, pixels: tiff(folder / "p.tif", with_more(pixels, 1), 2),
        "is transparent in places",
    ),
    "alpha_picture-rgba_png": (
        lambda folder, pixels: saved(folder / "p.png", PilImage.fromarray(np.dstack([pixels, pixels[..., 0]]))),
        "is transparent in places",
    ),
    "alpha_picture-grey16_value_png": (
        lambda folder, pixels: deep_png(folder / "p.png", pixels[..., :1].astype(np.uint16), (int(pixels[5, 5, 0]),)),
        "is transparent in places",
    ),
    "pages_left_out-tiff": (lambda folder, pixels: in_pages(folder / "p.tif", pixels), "holds several pictures"),
    "pages_left_out-png": (lambda folder, pixels: in_pages(folder / "p.png", pixels), "holds several pictures"),
    "outlier_of_16_bits-png": (
        lambda folder, pixels: deep_png(folder / "p.png", crowded(pixels)[..., np.newaxis]),
        "nearly all its values in a small part",
    ),
    "outlier_of_16_bits-tiff": (
        lambda folder, pixels: tiff(folder / "p.tif", crowded(pixels)[np.newaxis], 1),
        "nearly all its values in a small part",
    ),
}


def noisy_jpeg(path: Path, shape: npt.NDArray[np.bool_]) -> Path:
    """A mask whose edges JPEG has blurred."""
    return saved(path, PilImage.fromarray(shape.astype(np.uint8) * 255), quality=60)
