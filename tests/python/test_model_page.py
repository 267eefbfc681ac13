"""docs/model.md: what it and the code name to each other."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/model.md").read_text(encoding="utf-8")
CITED = re.compile(r"docs/model\.md, ([^).;:]+)")


def sections() -> dict[str, str]:
    """The sections by their titles."""
    parts = re.split(r"^#+ (.+)$", PAGE, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def comments(text: str) -> str:
    """Those of a source, each run of lines as one."""
    return re.sub(r"\s*\n\s*// ?", " ", "\n".join(re.findall(r"(?://.*\n\s*)+", text)))


def test_every_section_that_a_comment_cites_is_on_the_page() -> None:
    sources = [file for file in (ROOT / "core").rglob("*") if file.suffix in {".h", ".cpp"}]
    cited = {
        (str(file.relative_to(ROOT)), title.strip())
        for file in sources
        for title in CITED.findall(comments(file.read_text(encoding="utf-8")))
    }
    assert len(cited) >= 14
    assert sorted(citation for citation in cited if citation[1] not in sections()) == []


def test_a_section_that_is_not_there_would_be_missed() -> None:
    comment = "// The whole network (docs/model.md, No such\n// section): parts.\nint a;\n"
    assert CITED.findall(comments(comment)) == ["No such section"]
