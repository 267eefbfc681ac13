"""docs/training.md, the four stages of the paper: its commands lead from raw images and masks to a mixture of experts
that answers and segments."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from program import BINARY, ROOT, Program, floats_of, mask_values

SAMPLES, SIDE, STEPS = 6, 64, 3
INPUT = 4


def commands() -> list[str]:
    """What the section tells the reader to run, in order."""
    (section,) = (
        part
        for part in (ROOT / "docs/training.md").read_text(encoding="utf-8").split("\n## ")
        if part.startswith("The four stages of the paper")
    )
    return re.findall(r"^ {4}(build/bin/.*)$", section, re.MULTILINE)


def draw_samples(folder: Path) -> None:
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    random = np.random.default_rng(3)
    y, x = np.mgrid[:SIDE, :SIDE]
    for index in range(SAMPLES):
        centre = random.uniform(20, SIDE - 20, 2)
        inside = np.hypot(y - centre[0], x - centre[1]) < 10
        grey = np.where(inside, 200, 60 + random.integers(0, 40, (SIDE, SIDE))).astype(np.uint8)
        Image.fromarray(np.stack([grey] * 3, axis=2)).save(folder / f"images/{index}.png")
        Image.fromarray(np.where(inside, 255, 0).astype(np.uint8)).save(folder / f"masks/{index}.png")


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone in which the section's commands have run, each training for a few steps on raw images and masks."""
    folder = tmp_path_factory.mktemp("stages")
    (folder / "build/bin").mkdir(parents=True)
    (folder / "build/bin/medplib").symlink_to(BINARY)
    for name in (".venv", "models", "python"):
        (folder / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "recipes", folder / "recipes", symlinks=True)
    draw_samples(folder / "data/tiny")
    run(
        "PYTHONPATH=python .venv/bin/python -m medplib.data folder data/tiny"
        ' --phrase "bright disc" --modality CT --model models/tiny',
        folder,
    )
    few = f" steps={STEPS} images_per_step=2 checkpoint_every={STEPS} threads=1 augment=false"
    for command in commands():
        run(command + (few if " train " in command else ""), folder)
    return folder


def run(command: str, folder: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "MEDPLIB_MODEL"}
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def manifest(model: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((model / "medplib.json").read_text())
    return told


@pytest.mark.skipif("asan" in str(BINARY), reason="trainings take too long under sanitizers")
def test_the_joined_model_answers_and_segments(medplib: Program, clone: Path) -> None:
    model, picture = clone / "runs/tiny/stage4/model", clone / "data/tiny/images/0.png"
    assert medplib("verify", "--model", model).code == 0
    told = json.loads(medplib("info", "--model", model, "--json").out)
    assert told["experts"] == [2, 2, 2]
    assert isinstance(
        json.loads(medplib("ask", picture, "Which modality is this?", "--model", model, "--json").out)["text"], str
    )
    medplib("segment", picture, "bright disc", "--model", model, "--compat", "reference", "--out-mask", "mask.png")
    assert mask_values(medplib.folder / "mask.png").shape == (SIDE, SIDE)


@pytest.mark.skipif("asan" in str(BINARY), reason="trainings take too long under sanitizers")
def test_each_model_says_of_what_stage_it_is_and_what_it_was_made_from(clone: Path) -> None:
    runs = clone / "runs/tiny"
    stages = {"stage1": "alignment", "stage2": "language-expert", "stage3": "grounding-expert", "stage4": "experts"}
    for name, stage in stages.items():
        told = manifest(runs / name / "model")
        assert told["stage"] == stage
        (before,) = told["made_from"]
        assert re.fullmatch(r"[0-9a-f]{64}", before["sha256"])
    assert manifest(runs / "experts")["stage"] == "joined-experts"


@pytest.mark.skipif("asan" in str(BINARY), reason="trainings take too long under sanitizers")
def test_a_stage_changes_what_it_teaches_and_nothing_else(clone: Path) -> None:
    runs = clone / "runs/tiny"

    def changed(after: str, before: str) -> set[str]:
        new, old = (floats_of(runs / name / "model/model.safetensors") for name in (after, before))
        return {name for name in new if not np.array_equal(new[name], old[name])}

    assert all(".mm_projector." in name for name in changed("stage1", "base")) and changed("stage1", "base")
    second = changed("stage2", "stage1")
    assert any("self_attn.q_proj" in name for name in second)
    assert not any("visual_model" in name or "vision_tower" in name for name in second)
    third = changed("stage3", "stage2")
    assert any("mask_decoder" in name for name in third)
    assert all(re.search(r"mask_decoder|text_hidden_fcs|mlp\.(gate|up|down)_proj", name) for name in third)


@pytest.mark.skipif("asan" in str(BINARY), reason="trainings take too long under sanitizers")
def test_a_stage_without_its_predecessor_says_who_makes_it(medplib: Program, clone: Path) -> None:
    recipe = clone / "recipes/tiny/stage3.json"
    medplib.refuses(
        INPUT, "train", recipe, f'start=["{clone}/runs/tiny/stage1/model"]', "train=x.json", "--out", "out",
        saying='is of stage "alignment"',
    )  # fmt: skip
