"""The examples of every interface, those in C and C++ built as users would: they say what the program medplib says."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from golden import QUESTION, ROOT
from PIL import Image
from programs import BUILD, PICTURES, install, medplib, run

QUESTIONS = [
    QUESTION,
    "Which modality is this?",
    "What is in the middle?",
    "Is there a tumour?",
    "Where is the lesion?",
    "Which organ is shown?",
    "Describe the image.",
    "Segment the lung.",
    "Is this normal?",
    "What is bright here?",
]
NAMES = ["ask", "segment", "stream", "batch"]
LANGUAGES = ["c", "cpp", "python", "command line"]
EMBEDDED = ""  # what MEDPLIB_MODEL is for the model that knows what is not there, and says more than a word
LONGER = "What diseases are included in the picture?"


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prefix")
    install(folder)
    return folder


@pytest.fixture(scope="module")
def examples(prefix: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("examples")
    run("cmake", "-S", ROOT / "capi/examples", "-B", folder, f"-DCMAKE_PREFIX_PATH={prefix}")
    run("cmake", "--build", folder, "--parallel", "2")
    return folder


def command(examples: Path, name: str, language: str) -> list[str | Path]:
    """How the example is started."""
    if language == "python":
        return [sys.executable, ROOT / f"python/examples/{name}.py"]
    if language == "command line":
        return [ROOT / f"cli/examples/{name}.sh"]
    return [examples / f"{name}_{language}"]


def surroundings() -> dict[str, str]:
    """What the examples find the program and the package by."""
    return {"PATH": os.pathsep.join([str(BUILD / "bin"), os.environ["PATH"]]), "PYTHONPATH": os.pathsep.join(sys.path)}


def example(examples: Path, name: str, language: str, *arguments: str | Path, code: int = 0, **more: str) -> str:
    return run(*command(examples, name, language), *arguments, code=code, **surroundings(), **more)


# What the command line says, asked once for all languages.


@cache
def answer_of(picture: Path) -> Any:
    return json.loads(medplib("ask", picture, QUESTION, "--json"))


@cache
def longer_text() -> str:
    told = json.loads(run(BUILD / "bin/medplib", "ask", PICTURES[0], LONGER, "--json", MEDPLIB_MODEL=EMBEDDED))
    return str(told["text"])


@cache
def texts_of(picture: Path) -> list[str]:
    requests = "".join(json.dumps({"image": str(picture), "question": each}) + "\n" for each in QUESTIONS)
    return [json.loads(line)["text"] for line in medplib("ask", "--jsonl", "-", stdin=requests).splitlines()]


class Segmented:
    """The area, and the file of the mask."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.found: dict[tuple[Path, str], tuple[int, Path]] = {}

    def __call__(self, picture: Path, phrase: str) -> tuple[int, Path]:
        if (picture, phrase) not in self.found:
            file = self.folder / f"{len(self.found)}.png"
            (mask, *_) = json.loads(medplib("segment", picture, phrase, "--out-mask", file, "--json"))["masks"]
            self.found[picture, phrase] = (mask["area"], file)
        return self.found[picture, phrase]


@pytest.fixture(scope="module")
def segmented(tmp_path_factory: pytest.TempPathFactory) -> Segmented:
    return Segmented(tmp_path_factory.mktemp("segmented"))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.stem)
@pytest.mark.parametrize("name", ["ask", "stream"])
def test_the_answer_is_that_of_the_command_line(examples: Path, name: str, picture: Path, language: str) -> None:
    answer = answer_of(picture)
    printed = example(examples, name, language, picture, QUESTION)
    if language == "command line":  # which tells of the masks as well, a line each
        *lines, _ = printed.rsplit("\n", len(answer["masks"]) + 1)
        printed = lines[0] + "\n"
    assert printed == answer["text"] + "\n"


def pieces(*called: str | Path, terminal: bool) -> list[str]:
    """What the program writes, read write by write; on a terminal, which may hand out several at once, as it comes."""
    ours, theirs = pty.openpty() if terminal else os.pipe2(os.O_DIRECT)
    environment = {**os.environ, **surroundings(), "OMP_NUM_THREADS": "1", "MEDPLIB_MODEL": EMBEDDED}
    with subprocess.Popen(called, stdout=theirs, stderr=subprocess.DEVNULL, env=environment) as process:
        os.close(theirs)
        read = list(iter(lambda: read_some(ours), b""))
    os.close(ours)
    assert process.returncode == 0
    return [piece.decode().replace("\r", "") for piece in read]


def read_some(end: int) -> bytes:
    try:
        return os.read(end, 65536)
    except OSError:  # a terminal says so when the program has ended
        return b""


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_stream_shows_words_before_the_last_is_there(examples: Path, language: str) -> None:
    text = longer_text()
    assert len(text.split()) > 2
    terminal = language == "command line"
    for _ in range(5 if terminal else 1):
        shown = pieces(*command(examples, "stream", language), PICTURES[0], LONGER, terminal=terminal)
        assert "".join(shown).startswith(text)
        if not any(text in piece for piece in shown):
            return
    pytest.fail(f"the whole answer came at once: {shown}")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("phrase", ["tumour", "left lung"])
@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.stem)
def test_the_mask_is_that_of_the_command_line(
    examples: Path, segmented: Segmented, tmp_path: Path, picture: Path, phrase: str, language: str
) -> None:
    area, theirs = segmented(picture, phrase)
    ours = tmp_path / "ours.png"
    printed = example(examples, "segment", language, picture, phrase, ours)
    line = f"{phrase}: {area} pixels"
    assert printed.startswith(line + ", ") if language == "command line" else printed == line + "\n"
    assert np.array_equal(np.asarray(Image.open(ours)), np.asarray(Image.open(theirs)))


@pytest.mark.parametrize("language", LANGUAGES)
def test_segmenting_what_is_not_there_ends_with_a_code(examples: Path, tmp_path: Path, language: str) -> None:
    arguments: list[str | Path] = [PICTURES[0], "liver", tmp_path / "mask.png"]
    assert example(examples, "segment", language, *arguments, code=1, MEDPLIB_MODEL=EMBEDDED) == ""


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.stem)
def test_many_questions_give_the_lines_of_the_command_line(examples: Path, picture: Path, language: str) -> None:
    lines = [f"{question}\t{answer}\n" for question, answer in zip(QUESTIONS, texts_of(picture), strict=True)]
    assert batch(examples, language, picture, *QUESTIONS) == "".join(lines)
    assert batch(examples, language, picture, QUESTIONS[0], "", code=5) == lines[0]


def batch(examples: Path, language: str, *arguments: str | Path, code: int = 0) -> str:
    printed = example(examples, "batch", language, *arguments, code=code)
    if language != "command line":
        return printed
    events = [json.loads(line) for line in printed.splitlines()]  # with an error in place of a text
    return "".join(f"{event['question']}\t{event['text']}\n" for event in events if "text" in event)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_wrong_use_and_a_missing_image_end_with_a_code(
    examples: Path, tmp_path: Path, name: str, language: str
) -> None:
    more = [QUESTION, tmp_path / "mask.png"] if name == "segment" else [QUESTION]
    missing = 1 if language != "command line" else 5 if name == "batch" else 4
    example(examples, name, language, code=2)
    example(examples, name, language, tmp_path / "none.png", *more, code=missing)


@pytest.mark.parametrize("folder", ["capi/examples/*.c", "capi/examples/*.cpp", "python/examples/*", "cli/examples/*"])
def test_the_examples_are_those_of_every_language(folder: str) -> None:
    assert sorted(file.stem for file in ROOT.glob(folder)) == sorted(NAMES)


def test_a_program_built_with_pkg_config_finds_the_installed_model(prefix: Path, tmp_path: Path) -> None:
    flags = run("pkg-config", "--cflags", "--libs", "medplib", PKG_CONFIG_PATH=str(next(prefix.rglob("pkgconfig"))))
    assert str(prefix) in flags
    library = next(prefix.rglob("libmedplib.so"))
    source = tmp_path / "where.c"
    source.write_text(
        "#include <medplib.h>\n#include <stdio.h>\n"
        "int main(void) { char folder[4096];\n"
        "  if (medplib_embedded_model(folder, sizeof folder, NULL) != MEDPLIB_OK) return 1;\n"
        '  printf("%s", folder); return 0; }\n',
        encoding="utf-8",
    )
    run("cc", "-std=c99", "-Werror", source, "-o", tmp_path / "where", *flags.split(), f"-Wl,-rpath,{library.parent}")
    found = run(tmp_path / "where", MEDPLIB_MODEL="")
    assert Path(found) == prefix / "share/medplib/models/tiny"
    assert (Path(found) / "config.json").exists()


def test_the_library_is_named_after_the_abi(prefix: Path) -> None:
    link = next(prefix.rglob("libmedplib.so"))
    header = (prefix / "include/medplib.h").read_text(encoding="utf-8")
    abi = header.split("#define MEDPLIB_ABI_VERSION ")[1].split()[0]
    assert link.is_symlink() and link.readlink().name == f"libmedplib.so.{abi}"
    assert f"[libmedplib.so.{abi}]" in run("readelf", "-d", link)


@pytest.mark.parametrize("version", sorted(folder.name for folder in (ROOT / "capi/abi").iterdir() if folder.is_dir()))
def test_a_program_of_an_earlier_version_runs_with_this_library(version: str, tmp_path: Path) -> None:
    """Its source and its header are those of that version; the library is today's."""
    program, earlier = tmp_path / "answers", ROOT / "capi/abi" / version
    linked = [f"-L{BUILD / 'lib'}", "-lmedplib", f"-Wl,-rpath,{BUILD / 'lib'}"]
    run("cc", "-std=c99", "-Werror", f"-I{earlier}", earlier / "answers.c", "-o", program, *linked)
    ours, theirs, region = tmp_path / "ours.png", tmp_path / "theirs.png", "box:20,20,120,120"
    for verb, words in (("ask", QUESTION), ("segment", "tumour")):
        asked: list[str | Path] = [verb, PICTURES[0], words, "--region", region, "--out-mask", theirs, "--json"]
        expected = json.loads(medplib(*asked))["text"]
        assert run(program, verb, stdin=f"{PICTURES[0]}\t{words}\t{region}\t{ours}\t\n") == expected + "\0"
        assert ours.read_bytes() == theirs.read_bytes()
