"""Members of a zip or a split zip: read in flat memory, judged before anything is unpacked, and unpacked one by one."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from .progress import Progress
from .zip_parts import FULL16, FULL32, Parts

LARGEST = 512 << 20  # bytes of a member, as of a picture that the engine reads
SUSPICIOUS = 8 << 20  # bytes; of smaller members the ratio says nothing: a black picture packs 1 : 1000
HIGHEST_RATIO = 200  # of a member's bytes to those that it is packed into

_STORED, _DEFLATED = 0, 8
_ENCRYPTED = 0x1
_LINK, _FILE_TYPE = 0o120000, 0o170000
_ENTRY, _HEADER = struct.Struct("<4s6H3L5H2L"), struct.Struct("<4s5H3L2H")
HEADER = _HEADER.size  # bytes at least before those of a member
_CHUNK = 1 << 20


class Member(NamedTuple):
    """A file of the archive."""

    place: int  # of its header, behind all parts joined
    name: str
    size: int  # bytes, as declared
    packed: int  # bytes
    crc: int
    method: int
    encrypted: bool
    link: bool

    @property
    def fault(self) -> str:
        """Why it can't be unpacked; empty where it can."""
        if self.encrypted:
            return "is encrypted"
        if self.method not in (_STORED, _DEFLATED):
            return f"is packed by method {self.method}, and only 0 (stored) and 8 (deflated) are read"
        if self.size > LARGEST:
            return f"declares {self.size:,} bytes, more than the {LARGEST:,} that a picture may have"
        if self.size > SUSPICIOUS and self.size > HIGHEST_RATIO * self.packed:
            return f"would unpack {self.packed:,} bytes to {self.size:,}, as only a zip bomb does"
        return ""


def members(parts: Parts) -> Iterator[Member]:
    """In the order of the archive's list, folders left out. Errors: ValueError, for a damaged list."""
    entries = _Entries(parts)
    with Progress("members of the archive looked at", parts.directory.members) as told:
        while entries.left:
            member = entries.next()
            told.step()
            if member.link or not member.name.endswith("/"):
                yield member


class _Entries:
    """The archive's list of members, of which only a piece is in memory: it may have millions."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._next, self.left, _ = parts.directory  # left: bytes of the list that weren't taken yet
        self._piece, self._at = b"", 0

    def next(self) -> Member:
        fields = _ENTRY.unpack(self._take(_ENTRY.size))
        flags, method, crc, packed, size = fields[3], fields[4], *fields[7:10]
        name, extra, comment, part, kind, offset = *fields[10:14], fields[15] >> 16, fields[16]
        if fields[0] != b"PK\1\2" or not name:
            raise self._damaged()
        text, more = _decoded(self._take(name)), self._take(extra)
        self._take(comment)
        if FULL32 in (size, packed, offset) or part == FULL16:
            size, packed, offset, part = self._large(more, size, packed, offset, part)
        place = self._parts.place(part, offset)
        return Member(place, text, size, packed, crc, method, bool(flags & _ENCRYPTED), kind & _FILE_TYPE == _LINK)

    def _take(self, size: int) -> bytes:
        if size > self.left:
            raise self._damaged()
        if self._at + size > len(self._piece):
            piece = self._piece[self._at :]
            more = self._parts.read(self._next, min(_CHUNK, self.left - len(piece)))
            self._next += len(more)
            self._piece, self._at = piece + more, 0
        self._at += size
        self.left -= size
        return self._piece[self._at - size : self._at]

    def _large(self, extra: bytes, *fields: int) -> list[int]:
        """The numbers that were too large for their fields, out of the extra field of zip64."""
        at = 0
        while at + 4 <= len(extra):
            kind, size = struct.unpack_from("<2H", extra, at)
            if kind == 1:
                return self._filled(extra[at + 4 : at + 4 + size], fields)
            at += 4 + size
        raise self._damaged()

    def _filled(self, numbers: bytes, fields: tuple[int, ...]) -> list[int]:
        filled, at = [], 0
        for field, full, form in zip(fields, (FULL32, FULL32, FULL32, FULL16), ("<Q", "<Q", "<Q", "<L"), strict=True):
            if field == full:
                if at + struct.calcsize(form) > len(numbers):
                    raise self._damaged()
                (field,) = struct.unpack_from(form, numbers, at)
                at += struct.calcsize(form)
            filled.append(field)
        return filled

    def _damaged(self) -> ValueError:
        return ValueError(f"{self._parts.archive}: the list of members is damaged: download the archive again")


def _decoded(name: bytes) -> str:
    """Many programs write UTF-8 without saying so."""
    try:
        return name.decode("utf-8")
    except UnicodeDecodeError:
        return name.decode("cp437")


def unpack(parts: Parts, member: Member, out: BinaryIO) -> None:
    """Errors: ValueError, for a member that is damaged or larger than declared; OSError, of reading and writing."""
    size, crc = 0, 0
    try:
        for piece in _pieces(parts, member):
            size += len(piece)
            if size > member.size:
                raise ValueError(f"unpacks to more than the {member.size:,} bytes that it declares")
            crc = zlib.crc32(piece, crc)
            out.write(piece)
        if size < member.size:
            raise ValueError(f"ends after {size:,} of {member.size:,} bytes")
        if crc != member.crc:
            raise ValueError("is damaged, as its CRC tells")
    except (ValueError, zlib.error) as error:
        files = parts.parts_between(member.place, member.place + HEADER + member.packed)
        raise ValueError(f"{member.name} {error}; it lies in {' and '.join(file.name for file in files)}") from error


def _pieces(parts: Parts, member: Member) -> Iterator[bytes]:
    """What is unpacked, in pieces of a bounded size."""
    place, left = _data_place(parts, member), member.packed
    decoder = zlib.decompressobj(-zlib.MAX_WBITS) if member.method == _DEFLATED else None
    while left:
        packed = parts.read(place, min(_CHUNK, left))
        if not packed:
            raise ValueError("reaches beyond the end of the archive")
        place, left = place + len(packed), left - len(packed)
        if decoder is None:
            yield packed
        else:
            while packed and not decoder.eof:
                yield decoder.decompress(packed, _CHUNK)
                packed = decoder.unconsumed_tail
    if decoder is not None:
        yield decoder.flush()


def _data_place(parts: Parts, member: Member) -> int:
    header = parts.read(member.place, HEADER)
    if len(header) < HEADER or not header.startswith(b"PK\3\4"):
        raise ValueError("isn't where the archive's list says")
    name, extra = _HEADER.unpack(header)[-2:]
    if _decoded(parts.read(member.place + HEADER, name)) != member.name:
        raise ValueError("has another name in its header than in the archive's list")
    return member.place + HEADER + int(name) + int(extra)
