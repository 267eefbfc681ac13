"""The gate that keeps programs of an earlier version running: what it lets through, and what it stops."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest
from golden import ROOT
from programs import BUILD

HEADER = ROOT / "capi/include/medplib.h"
LIBRARY = BUILD / "lib/libmedplib.so"
THREADS = r"MEDPLIB_API int32_t medplib_set_threads\(int32_t threads\);"


def code_against(tmp_path: Path, pattern: str, by: str, now: Path = HEADER, **environment: str) -> int:
    """How the gate ends when the earlier header was that of today with a change."""
    if shutil.which("abidiff") is None:
        pytest.skip("abidiff is not installed: scripts/setup --test installs it")
    earlier = tmp_path / "medplib.h"
    text, count = re.subn(pattern, by, HEADER.read_text(encoding="utf-8"), count=1, flags=re.MULTILINE)
    assert count == 1
    earlier.write_text(text, encoding="utf-8")
    command: list[str | Path] = [ROOT / "tests/capi/abi.sh", "cc", now, earlier]
    return subprocess.run(command, check=False, capture_output=True, env={**os.environ, **environment}).returncode


@pytest.mark.parametrize(
    ("pattern", "by"),
    [(r"^  void\* user;\s*/\* of on_text.*$", ""), (THREADS, "")],
    ids=["a field more at the end", "a function more"],
)
def test_growth_passes(tmp_path: Path, pattern: str, by: str) -> None:
    assert code_against(tmp_path, pattern, by) == 0


@pytest.mark.parametrize(
    ("pattern", "by"),
    [
        (f"({THREADS})", r"\1\nMEDPLIB_API int32_t medplib_gone(void);"),
        (THREADS, "MEDPLIB_API int32_t medplib_set_threads(int64_t threads);"),
        (THREADS, "MEDPLIB_API int32_t medplib_set_threads(void);"),
        (THREADS, "MEDPLIB_API int64_t medplib_set_threads(int32_t threads);"),
        (r"^  int64_t context;", "  int64_t gone;\n  int64_t context;"),
        (r"^  int64_t context;", ""),
        (r"^  int64_t context;", "  double context;"),
        (r"\(\*medplib_layer_callback\)\(void\* user,", "(*medplib_layer_callback)(int64_t more,"),
    ],
    ids=[
        "a function gone",
        "a parameter of another type",
        "a parameter more",
        "another result",
        "a field gone",
        "a field in the middle",
        "a field of another type",
        "another callback",
    ],
)
def test_what_breaks_programs_is_stopped(tmp_path: Path, pattern: str, by: str) -> None:
    assert code_against(tmp_path, pattern, by) == 1


@pytest.mark.parametrize(
    ("pattern", "by", "code"),
    [
        (r"^  void\* user;\s*/\* of on_text.*$", "", 0),
        (f"({THREADS})", r"\1\nMEDPLIB_API int32_t medplib_gone(void);", 1),
        (r"^  int64_t context;", "  int64_t gone;\n  int64_t context;", 1),
    ],
    ids=["a field more at the end", "a function gone", "a field gone"],
)
def test_the_gate_looks_into_the_library_itself(tmp_path: Path, pattern: str, by: str, code: int) -> None:
    assert code_against(tmp_path, pattern, by, LIBRARY) == code


def test_a_library_that_tells_no_types_is_refused(tmp_path: Path) -> None:
    stripped = tmp_path / "libmedplib.so"
    subprocess.run(["strip", "-o", stripped, LIBRARY], check=True)
    assert code_against(tmp_path, THREADS, "", stripped) == 1


@pytest.mark.parametrize("code", [1, 2])
def test_nothing_passes_where_abidiff_itself_fails(tmp_path: Path, code: int) -> None:
    failing = tmp_path / "bin/abidiff"
    failing.parent.mkdir()
    failing.write_text(f"#!/bin/sh\nexit {code}\n", encoding="utf-8")
    failing.chmod(0o755)
    assert code_against(tmp_path, THREADS, "", PATH=f"{failing.parent}:{os.environ['PATH']}") == 1


# capi/abi/layout.c, which sees what abidiff lets through.

LAYOUT = ROOT / "capi/abi/layout.c"
CONSTANT = re.compile(
    r"^ +(MEDPLIB_\w+) = |enum \{ (MEDPLIB_\w+) = |, (MEDPLIB_\w+) = |^#define (MEDPLIB_\w+) \S", re.MULTILINE
)


def layout_holds(tmp_path: Path, change: dict[str, str], layout: dict[str, str] | None = None) -> bool:
    """Whether layout.c compiles with today's header after these changes of the two."""
    for file, changes in ((HEADER, change), (LAYOUT, layout or {})):
        text = file.read_text(encoding="utf-8")
        for old, new in changes.items():
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        (tmp_path / file.name).write_text(text, encoding="utf-8")
    command: list[str | Path] = ["cc", "-std=c11", "-fsyntax-only", tmp_path / LAYOUT.name]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


LAST = "  void* user;                    /* of on_text; default NULL */\n"
GROWN = {"SIZE(medplib_ask_options, user, 80);": "SIZE(medplib_ask_options, more, 88);"}


def test_the_layout_is_that_of_the_header_and_grows_by_whole_words(tmp_path: Path) -> None:
    assert layout_holds(tmp_path, {})
    assert layout_holds(tmp_path, {LAST: LAST + "  int64_t more;\n"}, GROWN)


def test_a_struct_cannot_end_in_padding(tmp_path: Path) -> None:
    assert not layout_holds(tmp_path, {LAST: LAST + "  int32_t more;\n"}, GROWN)


def test_fields_cannot_swap_places(tmp_path: Path) -> None:
    first, second = "  double prefill;\n", "  double decode;\n"
    assert not layout_holds(tmp_path, {first + second: second + first})


def test_no_constant_can_get_another_value(tmp_path: Path) -> None:
    assert not layout_holds(tmp_path, {"MEDPLIB_STOP = 1,": "MEDPLIB_STOP = 3,"})
    assert not layout_holds(tmp_path, {"MEDPLIB_E_OOM_HOST = -4,": "MEDPLIB_E_OOM_HOST = -14,"})


HELD = re.compile(r"^(?:FIELD|VALUE)\(.*$", re.MULTILINE)


def lines_gone(earlier: str, now: str) -> list[str]:
    """What the layout of an earlier version holds, and that of now does not."""
    assert len(HELD.findall(earlier)) > 80
    return [line for line in HELD.findall(earlier) if line not in now.splitlines()]


@pytest.mark.parametrize("earlier", sorted((ROOT / "capi/abi").glob("*/layout.c")), ids=lambda path: path.parent.name)
def test_the_layout_still_holds_all_that_an_earlier_version_promised(earlier: Path) -> None:
    assert lines_gone(earlier.read_text(encoding="utf-8"), LAYOUT.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("line", ["FIELD(medplib_timing, decode, 24);", "VALUE(MEDPLIB_STOP, 1);"])
def test_a_line_of_the_layout_that_goes_or_changes_is_missed(line: str) -> None:
    earlier = LAYOUT.read_text(encoding="utf-8")
    assert lines_gone(earlier, earlier.replace(line + "\n", "")) == [line]
    assert lines_gone(earlier, earlier.replace(line, line.replace(");", "0);"))) == [line]
    assert lines_gone(earlier, earlier + "VALUE(MEDPLIB_MORE, 1);\n") == []


# The sha256 sum of each file that a version left. Until 1.0.0 is tagged, "next" may be made anew (CONTRIBUTING.md).
FROZEN = {
    "next/answers.c": "56e965e67c8a40de3c5b21730c8dbd1965d13ecab4c74a2d75f6cbcdfefc4a36",
    "next/layout.c": "7303e1f4eda92d3b00089c898465c03390a33a20124ea88881c769c3223c2d9d",
    "next/medplib.h": "a117e0c29fe3a58d5345f58ca7f571862617c26dc3166eda1e85da0ff312fbe5",
}


def test_what_a_version_left_changes_only_with_its_sum() -> None:
    left = {str(file.relative_to(LAYOUT.parent)): file for file in LAYOUT.parent.glob("*/*")}
    assert {name: sha256(file.read_bytes()).hexdigest() for name, file in left.items()} == FROZEN


def test_every_earlier_version_left_its_layout() -> None:
    folders = [path for path in (ROOT / "capi/abi").iterdir() if path.is_dir()]
    assert folders
    assert [folder for folder in folders if not (folder / "layout.c").exists()] == []


def test_every_field_is_held() -> None:
    header = re.sub(r"/\*.*?\*/", "", HEADER.read_text(encoding="utf-8"), flags=re.DOTALL)
    held = LAYOUT.read_text(encoding="utf-8")
    structs = re.findall(r"^typedef struct (\w+) \{\n(.*?)^\} \1;", header, re.MULTILINE | re.DOTALL)
    assert len(structs) == len(re.findall(r"^typedef struct .*\{$", header, re.MULTILINE))
    lines = [f"SIZE({name}, " for name, _ in structs]
    lines += [f"FIELD({name}, {field}, " for name, fields in structs for field in re.findall(r"(\w+);", fields)]
    assert len(lines) > 55
    assert [line for line in lines if line not in held] == []


def test_every_constant_is_held() -> None:
    held = LAYOUT.read_text(encoding="utf-8") + (ROOT / "tests/capi/test_structs.c").read_text(encoding="utf-8")
    names = {next(filter(None, match)) for match in CONSTANT.findall(HEADER.read_text(encoding="utf-8"))}
    names -= {"MEDPLIB_API", "MEDPLIB_ABI_VERSION"}  # no value; and the one that is to change
    assert len(names) > 35
    assert [name for name in sorted(names) if f"VALUE({name}, " not in held and f"CHECK({name} == " not in held] == []
