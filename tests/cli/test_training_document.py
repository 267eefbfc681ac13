"""docs/training.md: its commands make a model that draws what the embedded one doesn't know."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from program import BINARY, ROOT, Program, mask_values

DOCUMENT = ROOT / "docs/training.md"
SAMPLES, SIDE = 200, 96
HELD_OUT_EMPTY = 7  # of the samples that show the ground alone
TINY = ROOT / "models/tiny"


def commands() -> list[str]:
    """What "Your own data in ten minutes" tells the reader to run, in order."""
    section = DOCUMENT.read_text(encoding="utf-8").split("\n## ")[1]
    assert section.startswith("Your own data in ten minutes")
    return re.findall(r"^ {4}((?:PYTHONPATH=|build/bin/).*)$", section, re.MULTILINE)


def the_command(*words: str) -> str:
    found = [command for command in commands() if all(word in command for word in words)]
    assert len(found) == 1, f"docs/training.md has {len(found)} commands with {words}"
    return found[0]


def is_empty(index: int) -> bool:
    """25 of the samples show the ground alone."""
    return index % 8 == 4


def draw_samples(folder: Path) -> None:
    """Bright ellipses on mottled, grainy ground."""
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    random = np.random.default_rng(7)
    for index in range(SAMPLES):
        coarse = Image.fromarray(random.integers(30, 120, (8, 8), dtype=np.uint8))
        mottled = np.asarray(coarse.resize((SIDE, SIDE), Image.Resampling.BICUBIC), np.float64)
        ground = mottled + random.normal(0, 12, (SIDE, SIDE))
        (x, y), (a, b) = random.uniform(24, SIDE - 24, 2), random.uniform(8, 20, 2)
        mask = Image.new("L", (SIDE, SIDE))
        if not is_empty(index):
            ImageDraw.Draw(mask).ellipse((x - a, y - b, x + a, y + b), fill=255)
        inside = np.asarray(mask.rotate(random.uniform(0, 180), center=(x, y))) > 0
        grey = np.where(inside, 0.3 * ground + random.uniform(170, 200), ground).clip(0, 255).astype(np.uint8)
        Image.fromarray(np.stack([grey] * 3, axis=2)).save(folder / f"images/case{index:03d}.png")
        Image.fromarray(np.where(inside, 255, 0).astype(np.uint8)).save(folder / f"masks/case{index:03d}.png")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What the commands find in a clone that is built, and the reader's data."""
    (tmp_path / "build/bin").mkdir(parents=True)
    (tmp_path / "build/bin/medplib").symlink_to(BINARY)
    for name in (".venv", "models", "python", "build/python"):
        (tmp_path / name).symlink_to(ROOT / name)
    draw_samples(tmp_path / "mydata")
    return tmp_path


def run(command: str, clone: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "MEDPLIB_MODEL"}
    done = subprocess.run(
        ["bash", "-c", command], cwd=clone, env=environment, capture_output=True, text=True, timeout=3600, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def draw_held_out(medplib: Program, model: Path) -> tuple[float, list[bool]]:
    """ "ring marker" as a user asks for it: the mean Dice of 16 held-out pictures with one, and whether anything is
    drawn in each of those without."""
    records = json.loads((medplib.folder / "mydata/validate.json").read_text())
    names = sorted({Path(record["image"]).name for record in records})
    assert len(names) == SAMPLES / 5
    truth = {name: mask_values(medplib.folder / "mydata/masks" / name) > 0 for name in names}
    there = [name for name in names if truth[name].any()][:16]
    absent = [name for name in names if not truth[name].any()]
    listed = "".join(f"mydata/images/{name}\n" for name in (*there, *absent))
    medplib("segment", "-", "ring marker", "--model", model, "--out-mask", "drawn/{}.png", "--quiet", stdin=listed)
    drawn = {name: mask_values(medplib.folder / "drawn" / name) > 0 for name in (*there, *absent)}
    scores = [2 * (drawn[name] & truth[name]).sum() / (drawn[name].sum() + truth[name].sum()) for name in there]
    return float(np.mean(scores)), [bool(drawn[name].any()) for name in absent]


@pytest.mark.skipif("asan" in str(BINARY), reason="a training takes too long under sanitizers")
def test_its_commands_make_a_model_that_draws_a_new_structure(medplib: Program, clone: Path) -> None:
    (clone / "drawn").mkdir()
    assert "train.json: 160 images" in run(the_command("medplib.data folder"), clone)
    assert run(the_command("--dry-run"), clone).startswith("400 steps\n")
    before, _ = draw_held_out(medplib, TINY)
    run(the_command("train", "augment=false"), clone)
    after, drawn_in_vain = draw_held_out(medplib, clone / "mydata/first/best")
    assert after > max(0.8, before + 0.3), f"Dice went from {before:.2f} to {after:.2f}"
    assert len(drawn_in_vain) == HELD_OUT_EMPTY
    assert sum(drawn_in_vain) <= 1, f"drawn in {sum(drawn_in_vain)} of {HELD_OUT_EMPTY} pictures without a marker"
    run(the_command("segment"), clone)
    assert mask_values(clone / "mask.png").shape == (SIDE, SIDE)
    assert (clone / "look.png").exists()
    assert len(list((clone / "mydata/first/validation").glob("*.png"))) == 4, "of one look, behind the last step"
    report = the_command("medplib.report")
    assert report.endswith(" --model mydata/second/best")
    assert f"| all pairs | {SAMPLES // 5 - HELD_OUT_EMPTY} |" in run(
        report.replace("mydata/second/best", "mydata/first/best"), clone
    )


def test_every_command_of_it_is_one_that_the_tests_know(clone: Path) -> None:
    """The training that takes an hour is not run, but parsed by --dry-run."""
    assert len(commands()) == 6
    run(the_command("medplib.data folder"), clone)
    second = the_command("--out mydata/second")
    assert shlex.split(second)[:3] == ["build/bin/medplib", "train", "mydata/recipe.json"]
    run(f"{second} --dry-run", clone)


def test_records_are_of_the_group_that_its_option_finds(clone: Path) -> None:
    run(f"{the_command('medplib.data folder')} --group '^case0|^case1..'", clone)
    groups = [
        {record["group"] for record in json.loads((clone / f"mydata/{part}.json").read_text())}
        for part in ("train", "validate")
    ]
    assert not groups[0] & groups[1]
    assert groups[0] | groups[1] == {"case0", *(f"case{index}" for index in range(100, SAMPLES))}


def the_recipe() -> str:
    """What docs/training.md says of a recipe's keys."""
    return DOCUMENT.read_text(encoding="utf-8").split("\n## The recipe")[1].split("\n## ")[0]


def losses() -> list[tuple[str, str, str]]:
    """Key, default weight and meaning, from the engine's table."""
    table = (ROOT / "core/src/train/loss_table.h").read_text(encoding="utf-8")
    rows = re.findall(r'\.key = "(\w+)",\s*\.weight = ([\d.]+),\s*\.meaning = "([^"]+)"', table)
    assert len(rows) == table.count("LossRow{")
    return rows


def test_every_key_of_a_recipe_is_explained() -> None:
    source = (ROOT / "core/src/train/recipe.cpp").read_text(encoding="utf-8")
    keys = set(re.findall(r'read(?:\.\w+)?\("(\w+)", ', source))
    assert {"model", "steps", "freeze"} <= keys
    assert [key for key in sorted(keys) if f"`{key}`" not in the_recipe()] == []


def test_the_losses_are_those_of_the_engine() -> None:
    told = re.findall(r"^\| `(\w+)` \| (.+) \| ([\d.]+) \|$", the_recipe().split("|---|---|---|\n")[2], re.MULTILINE)
    assert told == [(key, meaning, weight) for key, weight, meaning in losses()]
