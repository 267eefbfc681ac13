"""An installed medplib: the examples are built with it as a user would, and say what the command line says."""

from __future__ import annotations

import json
from pathlib import Path

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
LANGUAGES = ["c", "cpp"]


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


def example(examples: Path, name: str, *arguments: str | Path, code: int = 0) -> str:
    return run(examples / name, *arguments, code=code)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.stem)
@pytest.mark.parametrize("name", ["ask", "stream"])
def test_the_answer_is_that_of_the_command_line(examples: Path, name: str, picture: Path, language: str) -> None:
    expected = json.loads(medplib("ask", picture, QUESTION, "--json"))["text"]
    assert example(examples, f"{name}_{language}", picture, QUESTION) == expected + "\n"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("phrase", ["tumour", "left lung"])
@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.stem)
def test_the_mask_is_that_of_the_command_line(
    examples: Path, tmp_path: Path, picture: Path, phrase: str, language: str
) -> None:
    theirs, ours = tmp_path / "theirs.png", tmp_path / "ours.png"
    masks = json.loads(medplib("segment", picture, phrase, "--out-mask", theirs, "--json"))["masks"]
    printed = example(examples, f"segment_{language}", picture, phrase, ours, code=0 if masks else 1)
    if masks:
        assert printed == f"{phrase}: {masks[0]['area']} pixels\n"
        assert np.array_equal(np.asarray(Image.open(ours)), np.asarray(Image.open(theirs)))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.stem)
def test_many_questions_give_the_lines_of_the_command_line(examples: Path, picture: Path, language: str) -> None:
    requests = "".join(json.dumps({"image": str(picture), "question": each}) + "\n" for each in QUESTIONS)
    answers = [json.loads(line)["text"] for line in medplib("ask", "--jsonl", "-", stdin=requests).splitlines()]
    lines = [f"{question}\t{answer}\n" for question, answer in zip(QUESTIONS, answers, strict=True)]
    assert example(examples, f"batch_{language}", picture, *QUESTIONS) == "".join(lines)
    assert example(examples, f"batch_{language}", picture, QUESTIONS[0], "", code=5) == lines[0]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["ask", "segment", "stream", "batch"])
def test_wrong_use_and_a_missing_image_end_with_a_code(
    examples: Path, tmp_path: Path, name: str, language: str
) -> None:
    more = [QUESTION, tmp_path / "mask.png"] if name == "segment" else [QUESTION]
    example(examples, f"{name}_{language}", code=2)
    example(examples, f"{name}_{language}", tmp_path / "none.png", *more, code=1)


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
def test_a_program_built_from_an_earlier_header_runs_with_this_library(version: str, tmp_path: Path) -> None:
    """The header of that version, the library of today."""
    program, library = tmp_path / "ask", BUILD / "lib"
    header = f"-I{ROOT / 'capi/abi' / version}"
    run(
        "cc", "-std=c99", "-Werror", header, ROOT / "capi/examples/ask.c", "-o", program,
        f"-L{library}", "-lmedplib", f"-Wl,-rpath,{library}",
    )  # fmt: skip
    expected = json.loads(medplib("ask", PICTURES[0], QUESTION, "--json"))["text"]
    assert run(program, PICTURES[0], QUESTION) == expected + "\n"
