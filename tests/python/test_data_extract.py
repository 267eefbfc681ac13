"""What records name, out of a zip or a split zip."""

from __future__ import annotations

import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from medplib.data import archives
from medplib.data.__main__ import main
from zips import ATTRIBUTES, CRC, FLAGS, METHOD, SIZE, Files, packed, patched, records, split

CASE = "ct_00--Set--1.3.6.1--z_0288"
IMAGE, MERGED = f"images/{CASE}.png", f"masks_merged/{CASE}--0005_merged.png"
INSTANCES = [f"masks/{CASE}--0005_{number:03d}.png" for number in range(3)]
OTHERS = [
    "images/other.png",
    f"masks/{CASE}--0006_000.png",
    f"masks/{CASE}--00055_000.png",
    f"masks/x{CASE}--0005_000.png",
]


def contents(names: Iterable[str], prefix: str = "") -> dict[str, bytes]:
    """The same for the same name; nothing that packing makes smaller."""
    return {prefix + name: random.Random(name).randbytes(1000) for name in names}


def extract(json: Path, archive: Path, out: Path) -> int:
    return main(["extract", str(json), str(archive), "--out", str(out)])


def below(root: Path) -> dict[str, bytes]:
    return {file.relative_to(root).as_posix(): file.read_bytes() for file in root.rglob("*") if file.is_file()}


@pytest.fixture
def json(tmp_path: Path) -> Path:
    return records(tmp_path / "data.json", [IMAGE, MERGED])


def refused(json: Path, files: Files, capsys: Any, name: str = "", *patch: Any) -> str:
    """What is said of an archive of which nothing is unpacked, after a number was patched into a member's entry."""
    file = packed(json.with_name("set.zip"), files)
    if name:
        patched(file, name, *patch)
    return nothing_unpacked(json, file, capsys)


def nothing_unpacked(json: Path, archive: Path, capsys: Any) -> str:
    before = below(json.parent)
    assert extract(json, archive, json.parent / "out") == 1
    assert below(json.parent) == before
    said: str = capsys.readouterr().err
    assert len(said) <= 1000
    return said


@pytest.mark.parametrize("prefix", ["", "SAMed2Dv1/", "a/b/"])
def test_what_records_name_is_unpacked_and_nothing_else(json: Path, tmp_path: Path, prefix: str) -> None:
    archive = packed(tmp_path / "set.zip", contents([*OTHERS, *INSTANCES, IMAGE], prefix))
    assert extract(json, archive, tmp_path / "out") == 0
    expected = contents([*INSTANCES, IMAGE], prefix)
    assert below(tmp_path / "out") == {name.removeprefix(prefix): content for name, content in expected.items()}


def test_a_name_without_its_ending_is_a_png(tmp_path: Path) -> None:
    json = records(tmp_path / "data.json", [IMAGE.removesuffix(".png"), MERGED.removesuffix(".png")])
    archive = packed(tmp_path / "set.zip", contents([*INSTANCES, IMAGE]))
    assert extract(json, archive, tmp_path / "out") == 0
    assert set(below(tmp_path / "out")) == {*INSTANCES, IMAGE}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("size", [997, 1500, 4096, 100_000])
def test_a_split_zip_gives_what_the_whole_one_does(json: Path, tmp_path: Path, size: int, method: int) -> None:
    archive = packed(tmp_path / "set.zip", contents([*OTHERS, *INSTANCES, IMAGE], "S/"), method)
    assert extract(json, archive, tmp_path / "whole") == 0
    split(archive, size)
    assert extract(json, archive, tmp_path / "split") == 0
    assert below(tmp_path / "split") == below(tmp_path / "whole")


@pytest.mark.skipif(shutil.which("zip") is None, reason="the program zip isn't installed")
@pytest.mark.parametrize("more", [[], ["-fz"]])
def test_what_the_program_zip_has_split_is_read(json: Path, tmp_path: Path, more: list[str]) -> None:
    source = tmp_path / "SAMed2Dv1"
    files = {name: random.Random(name).randbytes(50_000) for name in [*OTHERS, *INSTANCES, IMAGE]}
    for name, content in files.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(content)
    subprocess.run(["zip", "-q", "-r", "-s", "64k", *more, "set.zip", source.name], cwd=tmp_path, check=True)
    assert (tmp_path / "set.z05").exists()
    assert extract(json, tmp_path / "set.zip", tmp_path / "out") == 0
    assert below(tmp_path / "out") == {name: files[name] for name in [*INSTANCES, IMAGE]}


def test_numbers_too_large_for_a_zip_are_read_as_zip64_has_them(json: Path, tmp_path: Path) -> None:
    archive, content = tmp_path / "set.zip", contents([*INSTANCES, IMAGE])
    with zipfile.ZipFile(archive, "w") as file:
        for name, data in content.items():
            with file.open(zipfile.ZipInfo(name), "w", force_zip64=True) as member:
                member.write(data)
    before = archive.read_bytes()
    at = before.rindex(b"PK\5\6")
    members, length, start = struct.unpack("<H2L", before[at + 10 : at + 20])
    end = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, members, members, length, start)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, at, 1)
    full = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    archive.write_bytes(before[:at] + end + locator + full)
    assert extract(json, archive, tmp_path / "out") == 0
    assert below(tmp_path / "out") == content


@pytest.mark.parametrize("large", [False, True])
def test_what_stands_before_the_archive_is_passed_over(
    json: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, large: bool
) -> None:
    if large:
        monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 1)
    archive = packed(tmp_path / "set.zip", contents([*INSTANCES, IMAGE]))
    before = archive.read_bytes()
    assert (b"PK\6\6" in before) == large
    archive.write_bytes(b"#!/bin/sh\nexit 0\n" * 100 + before)
    assert extract(json, archive, tmp_path / "out") == 0
    assert below(tmp_path / "out") == contents([*INSTANCES, IMAGE])


def test_members_beyond_four_gigabytes_are_found(json: Path, tmp_path: Path) -> None:
    archive, content = tmp_path / "set.zip", contents([*INSTANCES, IMAGE])
    with archive.open("wb") as hole:
        hole.truncate(5 << 30)
    with zipfile.ZipFile(archive, "a") as file:
        for name, data in content.items():
            file.writestr(name, data)
    assert extract(json, archive, tmp_path / "out") == 0
    assert below(tmp_path / "out") == content


def test_missing_parts_are_counted_and_named(json: Path, tmp_path: Path, capsys: Any) -> None:
    parts = split(packed(tmp_path / "set.zip", contents([*INSTANCES, IMAGE])), 600)
    assert len(parts) == 8
    parts[1].unlink()
    said = nothing_unpacked(json, parts[-1], capsys)
    assert "is the last of 8 parts, and 1 of them are missing beside it: set.z02." in said
    for part in parts[:-1]:
        part.unlink(missing_ok=True)
    said = nothing_unpacked(json, parts[-1], capsys)
    assert "7 of them are missing beside it: set.z01, set.z02, set.z03, set.z04, set.z05, …" in said


def test_a_part_that_is_cut_off_or_a_pointer_is_named(json: Path, tmp_path: Path, capsys: Any) -> None:
    parts = split(packed(tmp_path / "set.zip", contents([*INSTANCES, IMAGE])), 600)
    whole = parts[3].read_bytes()
    parts[3].write_bytes(whole[:10])
    assert "set.z04 has 10 bytes" in nothing_unpacked(json, parts[-1], capsys)
    parts[3].write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 600\n")
    assert "set.z04 is only the pointer that git keeps" in nothing_unpacked(json, parts[-1], capsys)
    parts[3].write_bytes(whole)
    assert extract(json, parts[-1], tmp_path / "out") == 0


@pytest.mark.parametrize("keep", [0, 10, 700, -1])
def test_a_zip_without_its_end_is_told(json: Path, tmp_path: Path, capsys: Any, keep: int) -> None:
    archive = packed(tmp_path / "set.zip", contents([*INSTANCES, IMAGE]))
    archive.write_bytes(archive.read_bytes()[:keep])
    assert "is no zip, or its end is missing" in nothing_unpacked(json, archive, capsys)


@pytest.mark.parametrize(
    "name",
    ["../x", "a/../../x", "..", f"../{IMAGE}", "/etc/x", f"/{IMAGE}", "C:/x", "c:x", "a\\..\\x", f"x\\{IMAGE}", "a\nb"],
)
def test_a_member_named_dot_dot_is_refused_and_nothing_is_written(json: Path, capsys: Any, name: str) -> None:
    said = refused(json, contents([*INSTANCES, IMAGE, name]), capsys)
    assert "1 members have names that lead out of the folder or are links" in said and repr(name) in said


@pytest.mark.parametrize("name", ["x", IMAGE])
def test_a_link_is_refused_and_nothing_is_written(json: Path, capsys: Any, name: str) -> None:
    files = {**contents([*INSTANCES]), name: b"/etc/passwd"}
    said = refused(json, files, capsys, name, *ATTRIBUTES, 0o120777 << 16)
    assert "or are links" in said and repr(name) in said


def test_a_record_that_names_a_file_outside_is_named(tmp_path: Path, capsys: Any) -> None:
    json = records(tmp_path / "data.json", [IMAGE, "../x.png"])
    said = refused(json, contents([IMAGE]), capsys)
    assert "record 1 (r1)" in said and "'../x.png'" in said


def test_a_zip_bomb_is_refused_before_anything_is_unpacked(json: Path, capsys: Any) -> None:
    said = refused(json, {**contents(INSTANCES), IMAGE: bytes(archives.SUSPICIOUS + 1)}, capsys)
    assert IMAGE in said and "zip bomb" in said
    said = refused(json, contents([*INSTANCES, IMAGE]), capsys, IMAGE, *SIZE, archives.LARGEST + 1)
    assert IMAGE in said and "declares 536,870,913 bytes" in said


def test_a_member_that_unpacks_to_more_than_it_declares_leaves_nothing(json: Path, tmp_path: Path, capsys: Any) -> None:
    archive = packed(tmp_path / "set.zip", {**contents(INSTANCES), IMAGE: bytes(3_000_000)})
    patched(archive, IMAGE, *SIZE, 1000)
    assert extract(json, archive, tmp_path / "out") == 1
    assert set(below(tmp_path / "out")) == set(INSTANCES)
    assert f"{IMAGE} unpacks to more than the 1,000 bytes that it declares" in capsys.readouterr().out


def test_members_that_share_bytes_are_refused(json: Path, tmp_path: Path, capsys: Any) -> None:
    archive = packed(tmp_path / "set.zip", contents([IMAGE, *INSTANCES], "S/"))
    patched(archive, f"S/{INSTANCES[0]}", 42, "<L", 1)
    assert "share bytes" in nothing_unpacked(json, archive, capsys)


def test_a_file_that_is_there_twice_is_refused(json: Path, capsys: Any) -> None:
    said = refused(json, contents([IMAGE, f"copy/{IMAGE}"]), capsys)
    assert "1 files are in the archive more than once" in said and IMAGE in said


def test_other_ways_of_packing_and_encryption_are_told(json: Path, capsys: Any) -> None:
    said = refused(json, contents([*INSTANCES, IMAGE]), capsys, IMAGE, *METHOD, 14)
    assert f"{IMAGE}, which is packed by method 14" in said
    said = refused(json, contents([*INSTANCES, IMAGE]), capsys, IMAGE, *FLAGS, 1)
    assert f"{IMAGE}, which is encrypted" in said


def test_what_is_wrong_with_members_that_nobody_wants_does_not_matter(json: Path, tmp_path: Path) -> None:
    archive = packed(tmp_path / "set.zip", contents([*INSTANCES, IMAGE, "other.png"]))
    patched(archive, "other.png", *METHOD, 99)
    assert extract(json, archive, tmp_path / "out") == 0


def test_a_wrong_crc_names_the_member_and_its_part(json: Path, tmp_path: Path, capsys: Any) -> None:
    archive = packed(tmp_path / "set.zip", contents([*INSTANCES, IMAGE]))
    patched(archive, IMAGE, *CRC, 7)
    split(archive, 1500)
    assert extract(json, archive, tmp_path / "out") == 1
    assert below(tmp_path / "out") == contents(INSTANCES)
    assert f"{IMAGE} is damaged, as its CRC tells; it lies in set.z03" in capsys.readouterr().out


def test_no_damage_ends_otherwise_than_with_a_sentence(json: Path, tmp_path: Path, capsys: Any) -> None:
    archive, expected = packed(tmp_path / "set.zip", contents([*INSTANCES, IMAGE])), contents([*INSTANCES, IMAGE])
    whole, chance = archive.read_bytes(), random.Random(1)
    for _ in range(60):
        damaged = bytearray(whole)
        for _ in range(chance.randint(1, 3)):
            damaged[chance.randrange(len(whole) - 700, len(whole))] = chance.randrange(256)
        archive.write_bytes(damaged)
        out = tmp_path / "out"
        code = extract(json, archive, out)
        said = capsys.readouterr()
        assert code in (0, 1) and len(said.err) <= 1000
        assert all(expected.get(name) == content for name, content in (below(out) if out.exists() else {}).items())
        shutil.rmtree(out, ignore_errors=True)


def test_what_the_archive_does_not_have_is_counted_and_the_first_five_named(tmp_path: Path, capsys: Any) -> None:
    names = [f"images/{number}.png" for number in range(10)]
    json = records(tmp_path / "data.json", names)
    assert extract(json, packed(tmp_path / "set.zip", contents(names[:2])), tmp_path / "out") == 1
    said = capsys.readouterr().out
    assert "not in the archive: 8 files that records name" in said
    assert "images/2.png (record 2)" in said and "images/6.png (record 6)" in said and "images/7.png" not in said


def test_what_is_there_from_elsewhere_is_not_missing(json: Path, tmp_path: Path) -> None:
    (tmp_path / "out/masks_merged").mkdir(parents=True)
    (tmp_path / "out" / MERGED).write_bytes(b"mine")
    assert extract(json, packed(tmp_path / "set.zip", contents([IMAGE])), tmp_path / "out") == 0


def test_a_file_of_another_size_is_kept_and_told(json: Path, tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "out/images").mkdir(parents=True)
    (tmp_path / "out" / IMAGE).write_bytes(b"mine")
    assert extract(json, packed(tmp_path / "set.zip", contents([*INSTANCES, IMAGE])), tmp_path / "out") == 1
    assert (tmp_path / "out" / IMAGE).read_bytes() == b"mine"
    assert f"kept: 1 files that were there already with another size than in the archive, such as {IMAGE}" in (
        capsys.readouterr().out
    )


KILLED = """
import os, signal, sys
from medplib.data import archives
from medplib.data.__main__ import main
unpack, left = archives.unpack, [int(sys.argv.pop(1))]
class Out:
    def __init__(self, out): self.out = out
    def write(self, piece):
        self.out.write(piece[:100]); self.out.flush()
        os.kill(os.getpid(), signal.SIGKILL)
def unpack_some(parts, member, out):
    left[0] -= 1
    unpack(parts, member, out if left[0] >= 0 else Out(out))
archives.unpack = unpack_some
main(sys.argv[1:])
"""


def test_an_extraction_that_was_killed_goes_on_where_it_was(json: Path, tmp_path: Path, capsys: Any) -> None:
    archive, out = packed(tmp_path / "set.zip", contents([*INSTANCES, IMAGE])), tmp_path / "out"
    command = [sys.executable, "-c", KILLED, "2", "extract", str(json), str(archive), "--out", str(out)]
    killed = subprocess.run(command, check=False, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert killed.returncode == -signal.SIGKILL
    half = below(out)
    assert sorted(half) == [*INSTANCES[:2], f"{INSTANCES[2]}.part"]
    assert len(half[f"{INSTANCES[2]}.part"]) == 100
    written = {name: (out / name).stat().st_mtime_ns for name in INSTANCES[:2]}
    assert extract(json, archive, out) == 0
    assert "2 files unpacked" in (said := capsys.readouterr().out) and "2 were there already" in said
    assert below(out) == contents([*INSTANCES, IMAGE])
    assert written == {name: (out / name).stat().st_mtime_ns for name in written}


def test_room_is_checked_and_told_first(
    json: Path, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = packed(tmp_path / "set.zip", contents([*INSTANCES, IMAGE]))

    def disk(blocks: int, inodes: int, all_inodes: int = 1000) -> None:
        values = (4096, 4096, 10**6, blocks, blocks, all_inodes, inodes, inodes, 0, 255)
        monkeypatch.setattr(os, "statvfs", lambda _: os.statvfs_result(values))

    disk(blocks=3, inodes=100)
    assert "4 files to unpack, 0.0 MB" in (said := nothing_unpacked(json, archive, capsys)) and "isn't enough" in said
    disk(blocks=100, inodes=3)
    assert "3 files" in nothing_unpacked(json, archive, capsys)
    disk(blocks=100, inodes=0, all_inodes=0)
    assert extract(json, archive, tmp_path / "out") == 0
    assert "room at" in (said := capsys.readouterr().out) and "any number of files" in said


def test_a_folder_that_leads_elsewhere_is_refused(json: Path, tmp_path: Path, capsys: Any) -> None:
    archive = packed(tmp_path / "set.zip", contents([*INSTANCES, IMAGE]))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out/masks").symlink_to(tmp_path / "elsewhere")
    assert "out/masks leads out of" in nothing_unpacked(json, archive, capsys)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is not JSON"),
        ("{}", "must hold a list of records"),
        ('{"image": "a.png"}\n{"image": "b.png"}\n', "jq makes a list of objects: jq -s . data.json > list.json"),
        ("[7]", 'record 0 has no "image"'),
        ('[{"image": "images/a.png"}]', 'record 0 has no list "conversations"'),
        ('[{"image": "", "conversations": []}]', "names the file ''"),
    ],
)
def test_records_that_cannot_be_read_are_told(tmp_path: Path, capsys: Any, text: str, said: str) -> None:
    (tmp_path / "data.json").write_text(text)
    assert said in refused(tmp_path / "data.json", contents([IMAGE]), capsys)
