"""Zips as they are published, split ones, and such as nobody should unpack."""

from __future__ import annotations

import json
import struct
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

Files = Mapping[str, bytes]


def packed(file: Path, files: Files, method: int = zipfile.ZIP_DEFLATED) -> Path:
    """The names are written as they are given, whatever they lead to."""
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return file


def split(file: Path, size: int) -> list[Path]:
    """Make of a zip the parts of a split one, `size` bytes each, as zip -s does; in their order."""
    whole = b"PK\7\10" + file.read_bytes()
    at = whole.rindex(b"PK\5\6")
    members, length, start = struct.unpack("<H2L", whole[at + 10 : at + 20])
    directory = bytearray(whole[start + 4 : start + 4 + length])
    entry = 0
    for _ in range(members):
        (place,) = struct.unpack_from("<L", directory, entry + 42)
        struct.pack_into("<H", directory, entry + 34, (place + 4) // size)
        struct.pack_into("<L", directory, entry + 42, (place + 4) % size)
        entry += 46 + sum(struct.unpack_from("<3H", directory, entry + 28))
    body = whole[: start + 4] + directory
    last, (part, offset) = len(body) // size, divmod(start + 4, size)
    body += struct.pack("<4s4H2LH", b"PK\5\6", last, part, members, members, length, offset, 0)
    pieces = [body[begin : begin + size] for begin in range(0, last * size, size)] + [body[last * size :]]
    files = [file.with_suffix(f".z{number + 1:02d}") for number in range(last)] + [file]
    for part_file, piece in zip(files, pieces, strict=True):
        part_file.write_bytes(piece)
    return files


def records(file: Path, names: Iterable[str]) -> Path:
    """A record for each image; a mask is named by one about the image that comes before it."""
    made: list[dict[str, object]] = []
    image = "images/none.png"
    for name in names:
        image = name if name.startswith("images/") else image
        answer = "Yes." if name == image else f"<SEG>.<mask>{name}</mask>"
        turns = [{"from": "human", "value": "<image>\nWhere?"}, {"from": "gpt", "value": answer}]
        made.append({"id": f"r{len(made)}", "image": image, "conversations": turns})
    file.write_text(json.dumps(made))
    return file


def patched(file: Path, name: str, at: int, form: str, value: int) -> None:
    """Write a number into the entry that the list of a zip has for this member, `at` bytes from where it begins."""
    content = bytearray(file.read_bytes())
    entry = content.rindex(name.encode()) - 46
    assert content[entry : entry + 4] == b"PK\1\2"
    struct.pack_into(form, content, entry + at, value)
    file.write_bytes(content)


METHOD, FLAGS, CRC, SIZE, ATTRIBUTES = (10, "<H"), (8, "<H"), (16, "<L"), (24, "<L"), (38, "<L")
