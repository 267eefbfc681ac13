"""Files of pictures that common programs write and Pillow doesn't."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image as PilImage

Bytes = npt.NDArray[np.uint8]


def saved(path: Path, image: PilImage.Image, **options: Any) -> Path:
    image.save(path, **options)
    return path


def sixteen_bit_png(path: Path, brush: Bytes) -> Path:
    """RGBA of 16 bits from (H, W, 4) of 8, which Pillow cannot write."""
    height, width, _ = brush.shape

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (brush.astype(">u2") * 257).tobytes()
    line = width * 8
    raw = b"".join(b"\0" + rows[y * line : (y + 1) * line] for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 16, 6, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")
    )
    return path


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
