"""The model that comes with the program, on the pictures of the demo."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from medplib.examples import write_examples
from program import ROOT, Ended, Program, mask_values

EMBEDDED = {"MEDPLIB_MODEL": ""}  # no other model is named
DISC = (170, 535, 325, 770)  # x0, y0, x1, y1 of the optic disc in the retina


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_examples(tmp_path_factory.mktemp("pictures"))


def ask(medplib: Program, verb: str, *arguments: str | Path) -> Ended:
    return medplib(verb, *arguments, env=EMBEDDED)


def test_the_embedded_model_is_whole_and_small(medplib: Program) -> None:
    assert ask(medplib, "verify").out == "ok\n"
    manifest = json.loads((ROOT / "models/tiny/medplib.json").read_text())
    info = ask(medplib, "info", "--json").json
    assert Path(info["folder"]).samefile(ROOT / "models/tiny")
    table = ask(medplib, "info").out
    for key in ("stage", "licence"):
        assert info[key] == manifest[key]
        assert re.search(rf"^{key} +{re.escape(manifest[key][:40])}", table, re.MULTILINE)
    assert sum(file.stat().st_size for file in (ROOT / "models/tiny").iterdir()) <= 16_000_000


def test_the_readmes_five_more_to_try_run_as_they_stand(medplib: Program) -> None:
    write_examples(medplib.folder / "demo-output")
    section = (ROOT / "README.md").read_text().split("\n## Five more to try\n")[1].split("\n## ")[0]
    lines = re.findall("^    build/bin/medplib (.*)$", section, re.MULTILINE)
    assert len(lines) == 5
    found = ("--out-mask", "demo-output/retina_disc_mask.png")  # as scripts/demo does
    ask(medplib, "segment", "demo-output/retina.jpg", "optic disc", *found)
    for line in lines:
        assert ask(medplib, *shlex.split(line)).out or line.startswith("chat ")
    for written in ("place.png", "retina-white.png", "brain_t1_axial-white.png", "better.png"):
        assert (medplib.folder / written).exists()


@pytest.mark.parametrize(
    "question", ["What modality is used to take this image?", "which modality is this?", "How was this image taken?"]
)
def test_it_knows_a_photograph_of_a_fundus(medplib: Program, pictures: list[Path], question: str) -> None:
    assert ask(medplib, "ask", pictures[0], question).out == "Fundus photograph\n"


@pytest.mark.parametrize("phrase", ["White matter", "WHITE MATTER"])
def test_it_draws_of_capitals_what_it_draws_of_small_letters(
    medplib: Program, pictures: list[Path], phrase: str
) -> None:
    drawn = [ask(medplib, "segment", pictures[1], words, "--json").json["masks"] for words in (phrase, "white matter")]
    assert drawn[0][0]["area"] > 1000
    assert drawn[0][0]["rle"] == drawn[1][0]["rle"]


def test_it_knows_a_brain_mri(medplib: Program, pictures: list[Path]) -> None:
    assert ask(medplib, "ask", pictures[1], "What modality is used to take this image?").out == "MRI\n"


def test_it_knows_a_brain(medplib: Program, pictures: list[Path]) -> None:
    question = "Which part of the body does this image belong to?"
    assert ask(medplib, "ask", pictures[1], question).out == "Brain\n"


def test_it_knows_the_brains_weighting(medplib: Program, pictures: list[Path]) -> None:
    assert ask(medplib, "ask", pictures[1], "What is the mr weighting in this image?").out == "T1\n"


def test_it_names_the_optic_disc_when_it_is_pointed_at(medplib: Program, pictures: list[Path]) -> None:
    box = f"box:{','.join(map(str, DISC))}"
    assert ask(medplib, "describe", pictures[0], "--region", box).out == "Optic disc.\n"


def agreement_with_the_disc(file: Path) -> float:
    """The Dice of a mask and the ellipse in the optic disc's box."""
    drawn = mask_values(file) > 0
    x0, y0, x1, y1 = DISC
    y, x = np.mgrid[: drawn.shape[0], : drawn.shape[1]]
    across, down = (2 * x - x0 - x1) / (x1 - x0 + 1), (2 * y - y0 - y1) / (y1 - y0 + 1)
    disc = across**2 + down**2 <= 1
    return float(2 * (drawn & disc).sum() / (drawn.sum() + disc.sum()))


def test_what_it_draws_as_the_optic_disc_lands_on_the_disc(medplib: Program, pictures: list[Path]) -> None:
    ask(medplib, "segment", pictures[0], "optic disc", "--out-mask", "disc.png")
    assert agreement_with_the_disc(medplib.folder / "disc.png") > 0.7
    drawn = mask_values(medplib.folder / "disc.png") > 0
    x0, y0, x1, y1 = DISC
    in_box = drawn[y0 : y1 + 1, x0 : x1 + 1]
    assert in_box.mean() > 0.7  # a disc covers .785 of its box
    assert in_box.sum() / drawn.sum() > 0.65


def test_a_click_where_too_much_was_drawn_makes_the_disc_better(medplib: Program, pictures: list[Path]) -> None:
    ask(medplib, "segment", pictures[0], "optic disc", "--out-mask", "disc.png")
    ask(medplib, "refine", pictures[0], "--mask", "disc.png", "--click", "142,626,-", "--out-mask", "better.png")
    before, after = (agreement_with_the_disc(medplib.folder / name) for name in ("disc.png", "better.png"))
    assert after > before + 0.02


def test_a_box_around_the_disc_gives_the_disc(medplib: Program, pictures: list[Path]) -> None:
    box = f"box:{','.join(map(str, DISC))}"
    ask(medplib, "refine", pictures[0], "--region", box, "--out-mask", "boxed.png")
    assert agreement_with_the_disc(medplib.folder / "boxed.png") > 0.75
