"""The gate that keeps programs of an earlier version running: what it lets through, and what it stops."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from golden import ROOT
from programs import BUILD

HEADER = ROOT / "capi/include/medplib.h"
LIBRARY = BUILD / "lib/libmedplib.so"
THREADS = r"MEDPLIB_API int32_t medplib_set_threads\(int32_t threads\);"


def code_against(tmp_path: Path, pattern: str, by: str, now: Path = HEADER) -> int:
    """How the gate ends when the earlier header was that of today with a change."""
    if shutil.which("abidiff") is None:
        pytest.skip("abidiff is not installed: scripts/setup --test installs it")
    earlier = tmp_path / "medplib.h"
    text, count = re.subn(pattern, by, HEADER.read_text(encoding="utf-8"), count=1, flags=re.MULTILINE)
    assert count == 1
    earlier.write_text(text, encoding="utf-8")
    return subprocess.run([ROOT / "tests/capi/abi.sh", "cc", now, earlier], check=False, capture_output=True).returncode


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
