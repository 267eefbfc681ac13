"""The rules of the house that can be read from the files: which part may include which, and how large a file may be."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SUFFIXES = {".h", ".hpp", ".cpp", ".c"}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)

# Part of core/src: the parts it may include, besides itself and what those may include.
BELOW: dict[str, set[str]] = {
    "base": set(),
    "ops": {"base"},
    "weights": {"ops"},
    "text": {"base"},
    "image": {"base"},
    "nn": {"weights", "text"},
    "model": {"nn", "text"},
    "vision": {"nn", "image"},
    "generate": {"model", "vision", "text"},
    "medical": {"image"},
    "data": {"text", "image"},
    "eval": {"generate", "data"},
    "train": {"eval"},
    "retrieve": {"generate"},
}
# The headers of core/include, by the part that implements them (the lowest, where two do).
PUBLIC_HEADERS = {
    "base": {"error", "files", "log", "names", "runtime"},
    "ops": {"current_error"},
    "image": {"image", "mask", "region"},
    "weights": {"weights"},
    "nn": {"routing"},
    "model": {"model", "experts"},
    "generate": {"session"},
    "data": {"check"},
    "eval": {"eval"},
    "train": {"train"},
}
TENSORS = re.compile(r"^(torch|ATen|c10)/")
WITHOUT_TENSORS = {"base", "text", "image"}
C_HEADERS = {"stddef.h", "stdint.h"}


def all_below(part: str) -> set[str]:
    return {part}.union(*(all_below(lower) for lower in BELOW[part]))


def sources(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted(file for file in (ROOT / folder).rglob("*") if file.suffix in SUFFIXES)


def includes(file: Path) -> list[tuple[str, str]]:
    """Pairs of the bracket and the path within."""
    return INCLUDE.findall(file.read_text(encoding="utf-8"))


def part_of(included: str) -> str | None:
    """The part of the core that an include names, if it names one."""
    if included.startswith("medplib/core/"):
        header = Path(included).stem
        homes = [part for part, headers in PUBLIC_HEADERS.items() if header in headers]
        assert homes, f"<{included}>: say in PUBLIC_HEADERS of {Path(__file__).name} which part it belongs to"
        return homes[0]
    first = included.split("/")[0]
    return first if "/" in included and first in BELOW else None


def wrong_arrows(part: str, included: Iterable[str]) -> list[str]:
    allowed = all_below(part)
    return [
        path
        for path in included
        if (part_of(path) or part) not in allowed or (part in WITHOUT_TENSORS and TENSORS.match(path))
    ]


@pytest.mark.parametrize("part", sorted(BELOW))
def test_includes_inside_the_core_point_one_way(part: str) -> None:
    wrong = {
        str(file.relative_to(ROOT)): arrows
        for file in sources(f"core/src/{part}")
        if (arrows := wrong_arrows(part, (path for _, path in includes(file))))
    }
    assert not wrong


def test_every_folder_of_the_core_is_a_known_part() -> None:
    assert {folder.name for folder in (ROOT / "core/src").iterdir() if folder.is_dir()} <= set(BELOW)


def test_public_headers_of_the_core_include_only_public_headers_below_them() -> None:
    for file in sources("core/include"):
        part = part_of(f"medplib/core/{file.name}")
        assert part is not None
        inside = [path for _, path in includes(file) if part_of(path)]
        assert all(path.startswith("medplib/core/") for path in inside), file
        assert not wrong_arrows(part, inside), file


@pytest.mark.parametrize(
    ("part", "included"),
    [
        ("image", "nn/clip.h"),
        ("image", "ATen/ATen.h"),
        ("base", "medplib/core/session.h"),
        ("data", "generate/sequence.h"),
    ],
)
def test_an_arrow_the_other_way_is_found(part: str, included: str) -> None:
    assert wrong_arrows(part, ["base/json.h", included, "vector"]) == [included]


def is_foreign(included: str) -> bool:
    """Whether it is of another library, which is not that of the tensors: those stay inside the core."""
    return part_of(included) is None and not TENSORS.match(included)


@pytest.mark.parametrize("interface", ["cli", "capi", "python"])
def test_the_interfaces_see_only_the_public_headers_of_the_core(interface: str) -> None:
    for file in sources(interface):
        for bracket, path in includes(file):
            if path.startswith("medplib/core/"):
                part_of(path)
            elif bracket == '"':
                assert any((folder / path).exists() for folder in own_folders(file, interface)), f"{file}: {path}"
            else:
                assert is_foreign(path), f"{file}: {path}"


@pytest.mark.parametrize("included", ["ATen/ATen.h", "torch/torch.h", "c10/util/Exception.h", "ops/linear.h"])
def test_tensors_and_the_inside_of_the_core_are_kept_from_the_interfaces(included: str) -> None:
    assert not is_foreign(included)


def own_folders(file: Path, interface: str) -> list[Path]:
    return [
        ROOT / interface / "include",
        *(folder for folder in file.parents if folder.is_relative_to(ROOT / interface)),
    ]


def test_the_c_header_includes_only_standard_c_headers() -> None:
    assert {path for _, path in includes(ROOT / "capi/include/medplib.h")} <= C_HEADERS


def test_no_large_file_is_committed_outside_models_and_goldens() -> None:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a git clone: nothing says which files are committed")
    listed = subprocess.run([git, "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    files = [ROOT / name for name in listed.split("\0") if name]
    large = [
        str(file.relative_to(ROOT))
        for file in files
        if file.exists() and file.stat().st_size > 5_000_000 and not file.is_relative_to(ROOT / "models")
    ]
    assert not [name for name in large if not name.startswith("tests/goldens/")]


FAULTS_NAME = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*__(program|training|c|python|folder|sets|report)(__[a-z0-9_]+)?")


def test_tests_of_faults_say_in_their_names_which_fault_and_where() -> None:
    names = [
        name
        for file in sorted((ROOT / "tests").glob("*/test_faults_*.py"))
        for name in re.findall(r"^def test_(\w+)", file.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert len(names) > 100
    assert [name for name in names if not FAULTS_NAME.fullmatch(name)] == []
