"""Requests of every kind: C, Python and the command line give the same text and masks."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import pytest
from golden import PICTURE, ROOT
from medplib.examples import packaged, write_examples
from programs import BUILD, compiled, medplib, run

EMBEDDED = ""  # what MEDPLIB_MODEL is then


@dataclass(frozen=True)
class Request:
    picture: str
    words: str
    region: str = ""
    draw: dict[str, float] = field(default_factory=dict)


ASKED = [
    Request("retina", "What modality is used to take this image?"),
    Request("retina", "Is this normal?"),
    Request("retina", "What is in this place?", "box:170,535,325,770"),
    Request("brain", "What modality is used to take this image?"),
    Request("brain", "Which organ is shown?"),
    Request("brain", "Was ist das? 这是什么？", "point:90,100"),
    Request("tissue", "What modality is used to take this image?"),
    Request("tissue", "What is in this place?", "polygon:20,20,300,40,200,280"),
    Request("wide", "Is there a tumour?"),
    Request("wide", "Describe the image.", "scribble:20,20,100,60,200,100"),
]
SEGMENTED = [
    Request("retina", "optic disc"),
    Request("retina", "optic cup"),
    Request("retina", "liver"),
    Request("brain", "white matter"),
    Request("brain", "ventricle"),
    Request("brain", "optic disc"),
    Request("tissue", "nuclei"),
    Request("wide", "tumour"),
]
# Each differs from the one before in one option, and is answered otherwise.
DRAWN = [
    Request("wide", "Describe the image.", draw={"temperature": 2, "top_k": 20, "top_p": 0.9, "seed": 2**40 + 3}),
    Request("wide", "Describe the image.", draw={"temperature": 2, "top_k": 20, "top_p": 0.9, "seed": 3}),
    Request("wide", "Describe the image.", draw={"temperature": 2, "top_k": 500, "top_p": 0.9, "seed": 3}),
    Request("wide", "Describe the image.", draw={"temperature": 2, "top_k": 500, "top_p": 0.5, "seed": 3}),
    Request("wide", "Describe the image.", draw={"temperature": 3, "top_k": 500, "top_p": 0.5, "seed": 3}),
]
WORDS = {"ask": "question", "segment": "phrase"}


@dataclass(frozen=True)
class Given:
    """The texts, and the bytes of the mask files by their names."""

    texts: list[str]
    masks: dict[str, bytes]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    retina, brain = write_examples(tmp_path_factory.mktemp("pictures"))
    return {
        "retina": retina,
        "brain": brain,
        "tissue": packaged("skimage/data/ihc.png"),
        "wide": PICTURE,
    }


def files_in(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def from_program(
    verb: str, requests: list[Request], pictures: dict[str, Path], folder: Path, *command: str | Path
) -> Given:
    """The answers of answers.c or answers.py."""
    lines = (
        f"{pictures[each.picture]}\t{each.words}\t{each.region}\t{folder / f'{number}.png'}\t"
        f"{','.join(map(str, each.draw.values()))}\n"
        for number, each in enumerate(requests)
    )
    printed = run(*command, verb, stdin="".join(lines), PYTHONPATH=os.pathsep.join(sys.path), MEDPLIB_MODEL=EMBEDDED)
    return Given(printed.split("\0")[:-1], files_in(folder))


def from_command_line(verb: str, requests: list[Request], pictures: dict[str, Path], folder: Path) -> Given:
    """Those that draw their words alike in one call."""
    texts: list[str] = []
    for alike in (list(group) for _, group in groupby(requests, key=lambda each: each.draw)):
        files = [folder / f"{len(texts) + number}.png" for number in range(len(alike))]
        asked = (
            {
                "image": str(pictures[each.picture]),
                WORDS[verb]: each.words,
                "region": [each.region] if each.region else [],
                "out_mask": str(file),
            }
            for each, file in zip(alike, files, strict=True)
        )
        options = [f"--{name.replace('_', '-')}={value}" for name, value in alike[0].draw.items()]
        lines = "".join(json.dumps(request) + "\n" for request in asked)
        printed = run(BUILD / "bin/medplib", verb, "-", "--jsonl", *options, stdin=lines, MEDPLIB_MODEL=EMBEDDED)
        for line, file in zip(printed.splitlines(), files, strict=True):
            event = json.loads(line)
            texts.append(event["text"])
            if not event["masks"]:  # it then writes a mask with nothing inside, if any
                file.unlink(missing_ok=True)
    return Given(texts, files_in(folder))


@pytest.fixture(scope="module")
def c_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(ROOT / "capi/abi/next/answers.c", tmp_path_factory.mktemp("program") / "answers")


@pytest.mark.parametrize(
    ("verb", "requests"), [("ask", ASKED), ("segment", SEGMENTED), ("ask", DRAWN)], ids=["ask", "segment", "draw words"]
)
def test_c_python_and_the_command_line_give_the_same_text_and_masks(
    verb: str, requests: list[Request], pictures: dict[str, Path], c_program: Path, tmp_path: Path
) -> None:
    for interface in ("c", "python", "command line"):
        (tmp_path / interface).mkdir()
    answers = ROOT / "tests/capi/answers.py"
    expected = from_command_line(verb, requests, pictures, tmp_path / "command line")
    in_c = from_program(verb, requests, pictures, tmp_path / "c", c_program)
    in_python = from_program(verb, requests, pictures, tmp_path / "python", sys.executable, answers)
    assert len(expected.texts) == len(requests)
    assert in_c == expected
    assert in_python == expected
    # Else little was compared.
    if verb == "segment":
        assert len(set(expected.masks.values())) >= 3
    else:
        assert len(set(expected.texts)) >= 5


def verbs_from_command_line(out: Path) -> Given:
    """What verbs.c asks."""
    described = medplib("describe", PICTURE, "--region", "box:20,20,120,120")
    messages = "Please segment the tumour in this medical image.\nWhere does it lie?\n"
    chatted = medplib("chat", PICTURE, "--out-mask", out / "{}.png", stdin=messages)
    boxed, clicked = ("--region", "box:50,50,150,140"), ("--click", "100,80,+", "--click", "20,20,-")
    medplib("refine", PICTURE, *boxed, "--out-mask", out / "boxed.png")
    medplib("refine", PICTURE, *clicked, "--out-mask", out / "clicked.png")
    texts = [line for line in (described + chatted).splitlines() if not line.startswith("mask: ")]
    return Given(texts, files_in(out))


def test_the_other_verbs_are_the_same_by_every_interface(tmp_path: Path) -> None:
    for interface in ("c", "python", "command line"):
        (tmp_path / interface).mkdir()
    expected = verbs_from_command_line(tmp_path / "command line")
    assert len(set(expected.texts)) >= 2
    assert len(expected.texts) == 3
    assert len(set(expected.masks.values())) == len(expected.masks) == 4
    programs: dict[str, list[str | Path]] = {
        "c": [compiled(ROOT / "tests/capi/interfaces/verbs.c", tmp_path / "verbs")],
        "python": [sys.executable, ROOT / "tests/capi/interfaces/verbs.py"],
    }
    for interface, program in programs.items():
        printed = run(*program, PICTURE, tmp_path / interface, PYTHONPATH=os.pathsep.join(sys.path))
        assert Given(printed.split("\0")[:-1], files_in(tmp_path / interface)) == expected, interface
