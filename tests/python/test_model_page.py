"""docs/model.md: the files, functions and sections that it and the code name to each other."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/model.md").read_text(encoding="utf-8")
ROOTS = (ROOT / "core/src", ROOT, ROOT / "core/include")  # where its files are named from
FILE = re.compile(r"`((?:[\w.-]+/)+[\w.-]+\.\w+)`")
STEP = re.compile(r"`((?:[\w.-]+/)+[\w.-]+\.cpp)`, `([\w:]+)`")
CITED = re.compile(r"docs/model\.md, ([^).;:]+)")


def path_of(name: str) -> Path | None:
    return next((root / name for root in ROOTS if (root / name).is_file()), None)


def sections() -> dict[str, str]:
    """The sections by their titles."""
    parts = re.split(r"^#+ (.+)$", PAGE, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def comments(text: str) -> str:
    """Those of a source, each run of lines as one."""
    return re.sub(r"\s*\n\s*// ?", " ", "\n".join(re.findall(r"(?://.*\n\s*)+", text)))


def test_every_file_that_the_page_names_exists() -> None:
    named = set(FILE.findall(PAGE))
    assert len(named) > 60
    assert sorted(name for name in named if path_of(name) is None) == []


def test_every_section_that_a_comment_cites_is_on_the_page() -> None:
    sources = [file for file in (ROOT / "core").rglob("*") if file.suffix in {".h", ".cpp"}]
    cited = {
        (str(file.relative_to(ROOT)), title.strip())
        for file in sources
        for title in CITED.findall(comments(file.read_text(encoding="utf-8")))
    }
    assert len(cited) >= 14
    assert sorted(citation for citation in cited if citation[1] not in sections()) == []


@pytest.mark.parametrize("walk", ["A question", "A picture", "A recipe"])
def test_a_walk_names_files_and_functions_that_exist_and_comes_to_none_more_than_twice(walk: str) -> None:
    steps = re.findall(r"^\d+\. (.*(?:\n   .*)*)", sections()[walk], flags=re.MULTILINE)
    assert len(steps) >= 12
    visits = [STEP.findall(step) for step in steps]
    assert all(visits), "every step names a file and a function"
    pairs = [pair for step in visits for pair in step]
    lost = [
        (name, function)
        for name, function in pairs
        if (path := path_of(name)) is None
        or not re.search(rf"\b{function.split('::')[-1]}\b", path.read_text(encoding="utf-8"))
    ]
    assert lost == []
    assert [name for name, count in Counter(name for name, _ in pairs).items() if count > 2] == []


def test_a_section_that_is_not_there_would_be_missed() -> None:
    comment = "// The whole network (docs/model.md, No such\n// section): parts.\nint a;\n"
    assert CITED.findall(comments(comment)) == ["No such section"]
