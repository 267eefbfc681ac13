"""The examples in Rust and Java are built with an installed medplib, and say and draw what the command line does."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from golden import QUESTION, ROOT
from programs import PICTURES, install, medplib, run

EXAMPLES = ROOT / "capi/examples"
JNA = Path("/usr/share/java/jna.jar")  # of Debian's libjna-java
Command = list[str | Path]
LANGUAGES = ["rust", "java"]


def rust(library: Path, folder: Path) -> dict[str, Command]:
    for name in ("ask", "segment"):
        run(
            "rustc", "--edition", "2021", "-D", "warnings", EXAMPLES / f"rust/{name}.rs", "-o", folder / name,
            "-L", f"native={library.parent}", "-C", f"link-arg=-Wl,-rpath,{library.parent}",
        )  # fmt: skip
    return {name: [folder / name] for name in ("ask", "segment")}


def java(library: Path, folder: Path) -> dict[str, Command]:
    sources = sorted(EXAMPLES.glob("java/*.java"))
    run("javac", "-Xlint:all", "-Werror", "-encoding", "UTF-8", "-cp", JNA, "-d", folder, *sources)
    start: Command = ["java", f"-Djna.library.path={library.parent}", "-cp", f"{folder}:{JNA}"]
    return {"ask": [*start, "Ask"], "segment": [*start, "Segment"]}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install(tmp_path_factory.mktemp("prefix"))


@pytest.fixture(scope="module", params=LANGUAGES)
def examples(
    request: pytest.FixtureRequest, library: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Command]:
    """How each example is started."""
    if request.param == "java" and not (shutil.which("javac") and JNA.exists()):
        pytest.skip("a JDK or JNA is not installed: scripts/setup --full installs both")
    if request.param == "rust" and not shutil.which("rustc"):
        pytest.skip("rustc is not installed: scripts/setup --full installs it")
    folder = tmp_path_factory.mktemp(request.param)
    return (rust if request.param == "rust" else java)(library, folder)


@pytest.mark.parametrize("question", [QUESTION, "Was ist das? 这是什么？"])
@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.stem)
def test_the_answer_is_that_of_the_command_line(examples: dict[str, Command], picture: Path, question: str) -> None:
    expected = json.loads(medplib("ask", picture, question, "--json"))["text"]
    assert run(*examples["ask"], picture, question, LC_ALL="C.UTF-8") == expected + "\n"


@pytest.mark.parametrize("phrase", ["tumour", "Läsion"])
@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.stem)
def test_the_mask_is_that_of_the_command_line(
    examples: dict[str, Command], tmp_path: Path, picture: Path, phrase: str
) -> None:
    theirs, ours = tmp_path / "theirs.png", tmp_path / "ours.png"
    (mask,) = json.loads(medplib("segment", picture, phrase, "--out-mask", theirs, "--json"))["masks"]
    printed = run(*examples["segment"], picture, phrase, ours, LC_ALL="C.UTF-8")
    assert printed == f"{phrase}: {mask['area']} pixels\n"
    assert ours.read_bytes() == theirs.read_bytes()


@pytest.mark.parametrize("name", ["ask", "segment"])
def test_wrong_use_and_a_missing_image_end_with_a_code(examples: dict[str, Command], tmp_path: Path, name: str) -> None:
    more = [QUESTION, tmp_path / "mask.png"] if name == "segment" else [QUESTION]
    run(*examples[name], code=2)
    run(*examples[name], tmp_path / "none.png", *more, code=1)
