"""A zip, or the parts .z01, .z02, … .zip of a split one, read as one file without joining them on disk."""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import accumulate
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

_MEMBER, _END, _END64, _LOCATOR = b"PK\1\2", b"PK\5\6", b"PK\6\6", b"PK\6\7"
FULL16, FULL32 = 0xFFFF, 0xFFFFFFFF  # stand where a number is too large for its field
_LONGEST_COMMENT = 0xFFFF
_POINTER = b"version https://git-lfs"
_NAMED = 5


class Directory(NamedTuple):
    """Where the list of members is: its place behind all parts joined, its bytes, and how many members it has."""

    start: int
    size: int
    members: int


class _End(NamedTuple):
    """The record at the end of a zip: the number of its own part and of that where the directory begins, from 0."""

    part: int
    directory_part: int
    members: int
    size: int
    offset: int


class Parts:
    """with Parts(Path("set.zip")) as parts: parts.read(0, 4)"""

    def __init__(self, archive: Path) -> None:
        """Errors: OSError; ValueError, for parts that are missing or are no zip."""
        self.archive = archive
        self._prefix = 0  # bytes before the archive, as of one that unpacks itself, where its numbers leave them out
        if archive.suffix.lower() != ".zip":
            raise ValueError(
                f"{archive}: give the part that ends in .zip; the others are found beside it. An archive that unpacks "
                "itself is read, too, once it is called .zip"
            )
        place, end = _find_end(archive)
        self.files = _parts_of(archive, end.part)
        self._sizes = [file.stat().st_size for file in self.files]
        self.starts = [0, *accumulate(self._sizes)]
        with ExitStack() as opened:
            self._opened = [opened.enter_context(file.open("rb")) for file in self.files]
            self._stack = opened.pop_all()
        try:
            self.directory = self._directory(self.starts[-2] + place, end)
        except BaseException:
            self._stack.close()
            raise

    def __enter__(self) -> Parts:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()

    def place(self, part: int, offset: int) -> int:
        """Behind all parts joined. Errors: ValueError, for a place that the part hasn't."""
        if part >= len(self.files):
            raise ValueError(f"{self.archive} speaks of part {part + 1}, but has only {len(self.files)}: it is damaged")
        if offset >= self._sizes[part]:
            file = self.files[part]
            raise ValueError(
                f"{file} has {self._sizes[part]:,} bytes, but something should lie at byte {offset:,}: it is cut off "
                "or of another archive; download it again"
            )
        return self.starts[part] + self._prefix + offset

    def parts_between(self, start: int, end: int) -> Sequence[Path]:
        """Those that the bytes from `start` up to `end` lie in."""
        return self.files[bisect_right(self.starts, start) - 1 : max(1, bisect_right(self.starts, end - 1))]

    def read(self, place: int, size: int) -> bytes:
        """Less than `size` bytes at the end alone."""
        pieces = []
        while size > 0 and place < self.starts[-1]:
            part = bisect_right(self.starts, place) - 1
            self._opened[part].seek(place - self.starts[part])
            piece = self._opened[part].read(min(size, self.starts[part + 1] - place))
            if not piece:
                raise OSError(f"{self.files[part]} has become shorter while it was read")
            pieces.append(piece)
            place, size = place + len(piece), size - len(piece)
        return b"".join(pieces)

    def _directory(self, end_place: int, end: _End) -> Directory:
        locator = self.read(end_place - 20, 20) if end_place >= 20 else b""
        if locator.startswith(_LOCATOR):
            end_place, end = self._large_end(end_place - 20, locator, end)
        if end.members == 0:
            return Directory(0, 0, 0)
        start = self.place(end.directory_part, end.offset)
        if start + end.size > end_place:
            raise ValueError(f"{self.archive}: the list of members is longer than there is room for: it is damaged")
        if self.read(start, 4) != _MEMBER and self.read(end_place - end.size, 4) == _MEMBER and len(self.files) == 1:
            self._prefix = end_place - end.size - start
        return Directory(start + self._prefix, end.size, end.members)

    def _large_end(self, locator_place: int, locator: bytes, end: _End) -> tuple[int, _End]:
        """That of zip64, and its place: where the locator says, or before that where a prefix moved it."""
        _, part, offset, _ = struct.unpack("<4sLQL", locator)
        for place in (self.place(part, offset), max(0, locator_place - 56)):
            record = self.read(place, 56)
            if len(record) == 56 and record.startswith(_END64):
                _, directory_part, _, members, size, start = struct.unpack("<LLQQQQ", record[16:56])
                return place, _End(end.part, directory_part, members, size, start)
        raise ValueError(f"{self.archive}: its end says where the list of members is, but it isn't there")


def _find_end(archive: Path) -> tuple[int, _End]:
    """The record at the end of the last part, and its place in that."""
    size = archive.stat().st_size
    with archive.open("rb") as file:
        start = max(0, size - _LONGEST_COMMENT - 22 - 20)
        file.seek(start)
        tail = file.read()
    _refuse_pointer(archive, tail)
    at = tail.rfind(_END)
    while at >= 0:
        if len(tail) - at >= 22:
            part, directory_part, _, members, length, offset, comment = struct.unpack("<4H2LH", tail[at + 4 : at + 22])
            if at + 22 + comment == len(tail):
                if part == FULL16:
                    part = _last_part(tail[max(0, at - 20) : at], archive)
                return start + at, _End(part, directory_part, members, length, offset)
        at = tail.rfind(_END, 0, at)
    raise ValueError(f"{archive} is no zip, or its end is missing: download it again, whole")


def _last_part(locator: bytes, archive: Path) -> int:
    if not locator.startswith(_LOCATOR):
        raise ValueError(f"{archive}: how many parts it has isn't said at its end: it is damaged")
    return int(struct.unpack("<4sLQL", locator)[3]) - 1


def _parts_of(archive: Path, last: int) -> list[Path]:
    """All of them, in their order. Errors: ValueError, for those that are missing."""
    missing: list[str] = []
    parts = []
    for number in range(1, last + 1):
        part = archive.with_suffix(f".z{number:02d}")
        if not part.is_file():
            missing.append(part.name)
        elif not missing:
            with part.open("rb") as file:
                _refuse_pointer(part, file.read(len(_POINTER)))
            parts.append(part)
    if missing:
        first = ", ".join(missing[:_NAMED]) + (", …" if len(missing) > _NAMED else "")
        raise ValueError(
            f"{archive} is the last of {last + 1:,} parts, and {len(missing):,} of them are missing beside it: "
            f"{first}. Download them into the same folder"
        )
    return [*parts, archive]


def _refuse_pointer(part: Path, beginning: bytes) -> None:
    if beginning.startswith(_POINTER):
        raise ValueError(
            f"{part} is only the pointer that git keeps for a large file: get the file itself (git lfs pull)"
        )
