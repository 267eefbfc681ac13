"""Makes the small image files of this folder and files.json, which says how Pillow 10 reads each.

Needs Pillow 10.2, NumPy and tifffile. The picture is a crop of the first preprocessing golden.
"""

import json
import struct
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tifffile
from PIL import Image

HERE = Path(__file__).parent
GOLDEN = HERE.parents[2] / "goldens" / "preprocess" / "p0_rgb_611x347.png"
PHOTO = Image.open(GOLDEN).convert("RGB").crop((200, 120, 237, 151))  # 37 × 31: no multiple of a JPEG block
RGB = np.array(PHOTO)
GREY16 = (np.array(PHOTO.convert("L")).astype(np.uint16) * 37 + 11).astype(np.uint16)
RGB12 = RGB.astype(np.uint16) * np.uint16(16) + np.uint16(5)
RGB16 = RGB.astype(np.uint16) * 257 - (RGB > 128) * np.uint16(100)

Array = npt.NDArray[np.uint8]


def write_pngs() -> None:
    PHOTO.save(HERE / "rgb.png")
    PHOTO.convert("L").save(HERE / "grey.png")
    PHOTO.convert("1").save(HERE / "one_bit.png")
    PHOTO.quantize(200).save(HERE / "palette.png")
    PHOTO.quantize(4).save(HERE / "palette_2bit.png", bits=2)
    PHOTO.quantize(9).save(HERE / "palette_transparent.png", transparency=3)
    alpha = Image.fromarray((np.arange(31)[:, None] * np.ones(37) * 8).astype(np.uint8))
    with_alpha = PHOTO.copy()
    with_alpha.putalpha(alpha)
    with_alpha.save(HERE / "rgba.png")
    with_alpha.convert("LA").save(HERE / "grey_alpha.png")
    Image.fromarray(GREY16.astype(np.int32)).convert("I").save(HERE / "grey16.png")
    alpha16 = np.asarray(alpha).astype(np.uint16)[:, :, None] * np.uint16(250)
    write_png16("rgb16.png", 2, RGB12)
    write_png16("rgba16.png", 6, np.concatenate((RGB12 * np.uint16(9), alpha16), axis=2))
    write_png16("grey_alpha16.png", 4, np.concatenate((GREY16[:, :, None], alpha16), axis=2))


def write_png16(name: str, colour_type: int, pixels: npt.NDArray[np.uint16]) -> None:
    """Pillow has no mode for 16 bits of colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width = pixels.shape[:2]
    header = struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0)
    rows = b"".join(b"\0" + row.tobytes() for row in pixels.astype(">u2"))
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")
    (HERE / name).write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)


def write_jpegs() -> None:
    for subsampling, name in enumerate(("444", "422", "420")):
        PHOTO.save(HERE / f"rgb_{name}.jpg", quality=80, subsampling=subsampling)
    PHOTO.save(HERE / "progressive.jpg", quality=70, progressive=True)
    PHOTO.convert("L").save(HERE / "grey.jpg", quality=80)
    PHOTO.convert("CMYK").save(HERE / "cmyk.jpg", quality=90)


def write_tiffs() -> None:
    PHOTO.save(HERE / "rgb_lzw.tif", compression="tiff_lzw")
    PHOTO.convert("L").save(HERE / "grey.tif", compression="packbits")
    PHOTO.convert("1").save(HERE / "bilevel.tif", compression="group4")
    PHOTO.quantize(60).save(HERE / "palette.tif")
    Image.open(HERE / "rgba.png").save(HERE / "rgba.tif", compression="tiff_adobe_deflate")
    PHOTO.save(HERE / "turned.tif", tiffinfo={274: 6})
    tifffile.imwrite(HERE / "grey16_big_endian.tif", GREY16, byteorder=">", photometric="minisblack")
    tifffile.imwrite(HERE / "grey16_tiled.tif", GREY16, tile=(16, 16), photometric="minisblack")
    tifffile.imwrite(HERE / "rgb16.tif", RGB16, photometric="rgb")
    tifffile.imwrite(HERE / "rgb_planar.tif", RGB.transpose(2, 0, 1).copy(), photometric="rgb", planarconfig="separate")
    tifffile.imwrite(HERE / "grey_inverted.tif", 255 - RGB[:, :, 1], photometric="miniswhite")


def write_masks() -> None:
    """The pictures of preprocess/mask_reading.json that no 8-bit grey or RGB file holds."""
    Image.fromarray(np.array([[[255, 255, 255, 0], [0, 0, 0, 255]]], np.uint8), "RGBA").save(HERE / "mask_rgba.png")
    Image.fromarray(np.array([[1, 255], [256, 65535]], np.int32)).save(HERE / "mask_grey16.png")
    palette = Image.fromarray(np.array([[0, 1], [2, 3]], np.uint8), "P")
    palette.putpalette([0, 0, 0, 255, 0, 0, 0, 0, 1, 0, 3, 0])
    palette.save(HERE / "mask_palette.png")


def as_rgb(name: str) -> Array:
    """The picture as Pillow reads it; 16-bit grey by its high byte, as the published code does."""
    if name == "rgb16.tif":
        return (RGB16 >> 8).astype(np.uint8)
    image: Image.Image = Image.open(HERE / name)
    if image.mode.startswith("I"):
        image = Image.fromarray((np.array(image).astype(np.uint32) >> 8).astype(np.uint8))
    return np.array(image.convert("RGB"))


def as_mask(name: str) -> Array:
    if name == "rgb16.tif":
        return np.array(Image.fromarray((RGB16 >> 8).astype(np.uint8)).convert("L"))
    return np.array(Image.open(HERE / name).convert("L"))


def main() -> None:
    write_pngs()
    write_jpegs()
    write_tiffs()
    write_masks()
    files = []
    for path in sorted(HERE.iterdir()):
        if path.suffix not in (".png", ".jpg", ".tif") or path.stem.endswith("_expected"):
            continue
        expected = f"{path.stem}_{path.suffix[1:]}_expected.png"
        Image.fromarray(as_rgb(path.name)).save(HERE / expected, optimize=True)
        files.append({"file": path.name, "rgb": expected, "inside": int((as_mask(path.name) >= 1).sum())})
    (HERE / "files.json").write_text(json.dumps(files, indent=1) + "\n")


if __name__ == "__main__":
    main()
