"""Writes docs/c-api.md from capi/include/medplib.h: python capi/docs.py"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HEADER = ROOT / "capi/include/medplib.h"
PAGE = ROOT / "docs/c-api.md"

TITLE = """# The C interface

Made from `capi/include/medplib.h` by `capi/docs.py`; change that header, not this page. Programs include `<medplib.h>`,
or `<medplib.hpp>` for the same in C++ with exceptions and values that free themselves. `cmake --install build --prefix
PREFIX --component c` installs both; then link with `find_package(medplib)` and `medplib::medplib`, or with `pkg-config
--cflags --libs medplib`. Whole programs in C and C++ are in `capi/examples`.

## From other languages

The interface is plain C: a language that can call C needs the declarations of the functions that it uses, and the
library. Two are shown, each with Debian's packages alone; the tests build them and compare what they print and draw
with what the program `medplib` does.

**Rust** (`rustc`, no crates): `capi/examples/rust/medplib.rs` declares the functions and frees what they hand out.

```sh
cd capi/examples/rust
rustc --edition 2021 ask.rs -L native=PREFIX/lib -C link-arg=-Wl,-rpath,PREFIX/lib
./ask eye.jpg "Which modality is this?"
```

**Java** (`default-jdk-headless`, `libjna-java`): `capi/examples/java/Medplib.java` declares the functions for
[JNA](https://github.com/java-native-access/jna), and `Session.java` frees what it holds.

```sh
cd capi/examples/java
javac -encoding UTF-8 -cp /usr/share/java/jna.jar -d . *.java
java -Djna.library.path=PREFIX/lib -cp .:/usr/share/java/jna.jar Ask eye.jpg "Which modality is this?"
```
"""

SECTION = re.compile(r"/\* ---- (.+) ---- \*/")
TABLES = {"Pattern", "Threads"}  # parts of the contract whose lines stay as they are
NAME = re.compile(r"\b(medplib_\w+)\(")


def comment_text(comment: str) -> str:
    """The lines of a comment without its stars."""
    inside = re.sub(r"^/\*|\*/$", "", comment.strip())
    return textwrap.dedent("\n".join(re.sub(r"^ ?\* ?", "", line) for line in inside.split("\n"))).strip()


def prose(text: str) -> str:
    """Reflowed, with constants and functions as code."""
    words = re.sub(r"(?<!`)\b(medplib_\w+(?:\(\))?|MEDPLIB_\w+|NULL)", r"`\1`", " ".join(text.split()))
    return textwrap.fill(words, 120, break_long_words=False, break_on_hyphens=False)


def blocks(header: str) -> Iterator[str]:
    """The pieces of the header between empty lines, from the contract to the end of the declarations."""
    contract, declarations = header.split("#ifndef MEDPLIB_H")[0], header.split('extern "C" {\n#endif\n')[1]
    yield contract
    yield from declarations.split("\n#ifdef __cplusplus")[0].strip().split("\n\n")


def contract(block: str) -> Iterator[str]:
    """The comment at the top of the header: a heading a part."""
    for part in comment_text(block).split("\n\n")[1:]:
        heading, *lines = part.split("\n")
        yield f"## {heading}"
        yield code("\n".join(lines), "text") if heading in TABLES else prose(" ".join(lines))


def code(text: str, language: str = "c") -> str:
    return f"```{language}\n{textwrap.dedent(text).strip()}\n```"


def described(block: str) -> Iterator[str]:
    """A comment and what it is about, or a declaration alone."""
    if not block.startswith("/*"):
        yield code(block)
        return
    comment, declaration = block[: block.index("*/") + 2], block[block.index("*/") + 2 :].strip()
    text, _, example = comment_text(comment).partition("\n\nExample:\n")
    name = NAME.search(declaration) if declaration.startswith("MEDPLIB_API") else None
    if name:
        yield f"### {name[1]}"
        yield code(declaration.removeprefix("MEDPLIB_API "))
    yield prose(text)
    if declaration and not name:
        yield code(declaration)
    if example:
        yield code(example)


def page(header: str) -> str:
    first, *rest = blocks(header)
    parts = [TITLE.strip(), *contract(first)]
    for block in rest:
        section = SECTION.match(block)
        parts += [f"## {section[1]}"] if section else described(block)
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(HEADER.read_text(encoding="utf-8")), encoding="utf-8")
