"""Rules of the house about the text of the core: nothing stands there twice, under one name or as a copy."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(file for file in (ROOT / "core").rglob("*") if file.suffix in {".h", ".cpp"})


def texts() -> dict[str, str]:
    """The files of the core, by their path under it."""
    return {str(file.relative_to(ROOT / "core")): file.read_text(encoding="utf-8") for file in SOURCES}


# Copies of code.

LINES = 12
OF_EVERY_FILE = re.compile(r"#(include|pragma).*|(inline )?namespace.*|[{}();,]*")  # no content of its own


def blocks(text: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Each run of LINES lines with content, whatever its white space, and the number of its first line."""
    numbered = ((number, " ".join(line.split())) for number, line in enumerate(text.splitlines(), 1))
    lines = [(number, line) for number, line in numbered if not OF_EVERY_FILE.fullmatch(line)]
    for first in range(len(lines) - LINES + 1):
        yield lines[first][0], tuple(line for _, line in lines[first : first + LINES])


def copies(files: Mapping[str, str]) -> list[str]:
    """The places of blocks that stand twice."""
    places: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for name, text in files.items():
        for number, block in blocks(text):
            places[block].append(f"{name}:{number}")
    return [" = ".join(where) for where in places.values() if len(where) > 1]


def test_no_block_of_twelve_lines_stands_twice_in_the_core() -> None:
    assert copies(texts()) == []


@pytest.mark.parametrize("file", ["src/image/geometry.cpp", "src/nn/layers.h"])
def test_a_copied_block_is_found_however_it_is_indented_and_spaced(file: str) -> None:
    whole = texts()[file].splitlines()
    copy = [line for line in whole[20:60] if not OF_EVERY_FILE.fullmatch(" ".join(line.split()))][:LINES]
    assert len(copy) == LINES
    other = "#pragma once\n\n" + "".join(f"    {line}\n\n" for line in copy)
    assert copies(texts() | {"src/other.h": other})
    assert not copies(texts() | {"src/other.h": other.rpartition("    ")[0]})


# Type names.

NOT_CODE = re.compile(
    r"""//[^\n]* | /\*.*?\*/ | R"(?P<mark>[^\s()\\]*)\(.*?\)(?P=mark)" | "(\\.|[^"\\\n])*" | '(\\.|[^'\\\n])+'
    | ^[ ]*\#[^\n]*(\\\n[^\n]*)*""",
    re.DOTALL | re.MULTILINE | re.VERBOSE,
)
DIGIT_SEPARATOR = re.compile(r"(?<=\d)'(?=\d{3}\b)")
NAMESPACE = re.compile(r"(?:inline\s+)?namespace(?:\s+(?P<name>[\w:]+))?\s*$")
ACCESS = re.compile(r"\b(?:public|private|protected)\s*:(?!:)")
TYPE = re.compile(
    r"""(?:template\s*<.*>\s*)? (?:\w+\s+)*? (?:struct|union|class|enum(?:\s+(?:class|struct))?) \s+
    (?:\[\[.*?\]\]\s*|alignas\(.*?\)\s*)? (?P<name>\w+(?:::\w+)*) (?:\s+final)? \s* (?::(?!:).*)?$""",
    re.DOTALL | re.VERBOSE,
)


def types_of(text: str) -> Iterator[str]:
    """The types that a source defines outside of functions, nested ones with the name of the outer one.

    Unnamed namespaces have no name here: files are joined for the compiler, so they are one, and see what is around.
    """
    code = NOT_CODE.sub(" ", DIGIT_SEPARATOR.sub("", text))
    scopes: list[str | None] = []  # None: a function, an initialiser or a type without a name
    for statement, sign in re.findall(r"([^{};]*)([{};])", code):
        words = ACCESS.sub("", statement).strip()
        if sign == "{" and (found := NAMESPACE.fullmatch(words)):
            scopes.append(found["name"] or "")
        elif sign == "{" and (found := TYPE.fullmatch(words)) and None not in scopes:
            yield "::".join([*filter(None, scopes), found["name"]])
            scopes.append(found["name"])
        elif sign == "{":
            scopes.append(None)
        elif sign == "}":
            scopes.pop()
    assert not scopes, "the braces of a source do not match, as this test reads them"


def twice(files: Mapping[str, str]) -> list[str]:
    """Type names that are defined twice, and where."""
    homes: dict[str, list[str]] = defaultdict(list)
    for name, text in files.items():
        for qualified in types_of(text):
            homes[qualified].append(name)
    return [f"{name}: {', '.join(where)}" for name, where in sorted(homes.items()) if len(where) > 1]


def test_no_type_name_is_defined_twice_in_one_namespace_of_the_core() -> None:
    assert twice(texts()) == []


HEADER = """#pragma once
namespace medplib::core {
class Later;
enum class Kind : std::int32_t { One = 1'000, Two };
struct Outer final : public Base<int> {
  struct Inner { int a = 1; };
  Inner inner() const { struct Local { int x; } local{}; return {}; }  // struct Comment { };
  const char* text = "struct Text {";

 private:
  enum { kOne, kTwo };
  union Value { int whole; double part; };
};
template <class T>
class Box { T value; };
namespace {
struct Hidden {};
}  // namespace
}  // namespace medplib::core
"""
NAMES = ["Kind", "Outer", "Outer::Inner", "Outer::Value", "Box", "Hidden"]


def test_the_types_of_a_source_are_those_that_it_defines() -> None:
    assert list(types_of(HEADER)) == [f"medplib::core::{name}" for name in NAMES]
    assert len([name for text in texts().values() for name in types_of(text)]) > 150


@pytest.mark.parametrize("name", [name for name in NAMES if "::" not in name])
def test_a_second_type_of_a_name_is_found_in_every_file(name: str) -> None:
    other = "namespace medplib::core {{\nnamespace {{\n{0} {1} {{ int a; }};\n}}\n}}\n"
    assert twice({"a/a.h": HEADER, "a/b.cpp": other.format("struct", name)}) == [
        f"medplib::core::{name}: a/a.h, a/b.cpp"
    ]
    assert not twice({"a/a.h": HEADER, "a/b.cpp": other.format("struct", f"{name}Too")})
    assert not twice({"a/a.h": HEADER, "a/b.cpp": f"namespace medplib::core {{ class {name}; }}"})


# Comments.


def test_no_comment_cites_a_document_that_is_not_in_the_repository() -> None:
    assert [name for name, text in texts().items() if re.search(r"\breference,? §|§ ?\d", text)] == []
