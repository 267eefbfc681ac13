"""docs/c-api.md is what the header says, and medplib.hpp has all of it."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_is_made_from_the_header() -> None:
    docs = runpy.run_path(str(ROOT / "capi/docs.py"))
    page = docs["page"]((ROOT / "capi/include/medplib.h").read_text(encoding="utf-8"))
    assert page == (ROOT / "docs/c-api.md").read_text(encoding="utf-8"), "run: python capi/docs.py"


def test_every_function_is_on_the_page() -> None:
    page = (ROOT / "docs/c-api.md").read_text(encoding="utf-8")
    for line in (ROOT / "capi/symbols.txt").read_text(encoding="utf-8").splitlines()[1:]:
        assert f"### {line.split()[1]}\n" in page


THREADS = re.compile(r"\b(?:[Tt]hread-safe|One thread per handle|Any thread)\.")


def test_every_function_says_in_one_of_three_phrases_which_threads_may_call_it() -> None:
    header = (ROOT / "capi/include/medplib.h").read_text(encoding="utf-8")
    described = re.findall(r"/\*((?:(?!\*/).)*)\*/\nMEDPLIB_API [^(]*?(medplib_\w+)\(", header, re.DOTALL)
    assert len(described) == header.count("\nMEDPLIB_API ") > 80
    words = {name: " ".join(re.split(r"[\s*]+", text.split("Example:")[0])) for text, name in described}
    assert [name for name, text in words.items() if len(THREADS.findall(text)) != 1] == []


def test_all_of_the_header_is_in_the_one_for_cpp() -> None:
    include = ROOT / "capi/include"
    cpp = "".join(path.read_text(encoding="utf-8") for path in include.glob("*.hpp"))
    header = re.sub(r"/\*.*?\*/", "", (include / "medplib.h").read_text(encoding="utf-8"), flags=re.DOTALL)
    functions = re.findall(r"^MEDPLIB_API .*?\b(medplib_\w+)\(", header, re.MULTILINE)
    constants = re.findall(r"^ +(MEDPLIB_(?!E_)\w+) = |(?:\{|,) (MEDPLIB_(?!E_)\w+) = ", header, re.MULTILINE)
    structs = re.findall(
        r"^typedef struct medplib_\w+_options \{\n  size_t struct_size;\n(.*?)^\}", header, re.M | re.S
    )
    fields = {field for struct in structs for field in re.findall(r"(\w+);", struct)} - {"reserved"}
    assert len(functions) > 80 and len(constants) > 15 and len(fields) > 20
    names = {*functions, *("".join(pair) for pair in constants)} - {"MEDPLIB_OK"}
    assert [name for name in sorted(names) if not re.search(rf"\b{name}\b", cpp)] == []
    assert [field for field in sorted(fields) if not re.search(rf"\b(given|options_)\.{field} = ", cpp)] == []
