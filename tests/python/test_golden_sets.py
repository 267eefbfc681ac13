"""Golden sets that lack a file, whose tests are then skipped and say why; and sets named by a relative path."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from golden import GOLDENS
from programs import BUILD

CASE = "s01_emits_seg_wide"
CORE, BASE = "test_core", "test_base"
ON_CPU = "*Golden*float32_on_cpu*"

# What is left out, the program whose tests read it, and which of them.
LEFT_OUT = [
    ("tokenizer/tokenizer.json", BASE, "*"),
    ("tokenizer/labels.json", BASE, "*"),
    ("tokenizer/tiny_tokenizer/tokenizer.model", BASE, "*"),
    ("tokenizer", BASE, "*"),
    ("preprocess/preprocess.json", BASE, "*"),
    ("preprocess/preprocess.safetensors", BASE, "*"),
    ("preprocess/p0_rgb_611x347.png", BASE, "*"),
    ("preprocess/r4_free.png", BASE, "*"),
    ("preprocess/mask_reading.json", BASE, "*"),
    ("cases", BASE, "*"),
    ("ckpt/tiny_seg", BASE, "*"),
    ("preprocess/postprocess_rows.json", CORE, "MaskGeometry.*"),
    ("metrics/lr_schedule.json", CORE, "Schedule.*"),
    ("sam_prompts", CORE, ON_CPU),
    ("sam_prompts/prompts.safetensors", CORE, ON_CPU),
    ("cases/index.json", CORE, "*Golden*-*Training*:*Lora*:*Prompts*"),
    (f"cases/{CASE}.json", CORE, ON_CPU),
    (f"cases/{CASE}.safetensors", CORE, ON_CPU),
    (f"cases/{CASE}.image.png", CORE, ON_CPU),
    (f"cases/{CASE}.region0.png", CORE, ON_CPU),
    (f"cases/{CASE}.mask0.t0.5.png", CORE, ON_CPU),
    ("ckpt/tiny_seg", CORE, f"{ON_CPU}:*Model*:Names.*:Checkpoint.*"),
    ("ckpt/tiny_seg/config.json", CORE, f"{ON_CPU}:*Model*"),
    ("ckpt/tiny_seg/model-00002-of-00002.safetensors", CORE, f"{ON_CPU}:*Model*:Names.*:Checkpoint.*"),
    ("train", CORE, "*GoldenTraining*:*GoldenLora*"),
    ("train/a.png", CORE, "*GoldenTraining*"),
    ("train/all_losses_batch.safetensors", CORE, "*GoldenTraining*"),
]


@pytest.fixture
def goldens(tmp_path: Path) -> Path:
    """A golden set to take files from."""
    return Path(shutil.copytree(GOLDENS, tmp_path / "goldens"))


def run_tests(program: str, tests: str, goldens: str | Path, folder: Path) -> str:
    done = subprocess.run(
        [BUILD / "bin" / program, f"--gtest_filter={tests}"],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1", "MEDPLIB_GOLDENS": str(goldens)},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(("name", "program", "tests"), LEFT_OUT)
def test_what_needs_a_file_that_a_golden_set_lacks_is_skipped_with_its_name(
    name: str, program: str, tests: str, goldens: Path
) -> None:
    left_out = goldens / name
    if left_out.is_dir():
        shutil.rmtree(left_out)
    else:
        left_out.unlink()
    told = run_tests(program, tests, goldens, goldens.parent)
    reasons = re.findall(r"^The golden set has no .*$", told, re.MULTILINE)
    assert any(name in reason or "checkpoint" in reason for reason in reasons), told


def test_what_needs_any_model_does_without_the_golden_set(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    told = run_tests(CORE, "SessionTest.another*:PredictTest.one*", "empty", tmp_path)
    assert "SKIPPED" not in told
    assert "2 tests ran" in told or "2 tests from 2 test suites ran" in told, told


def test_a_golden_set_may_be_named_relative_to_where_the_tests_are_started(goldens: Path) -> None:
    told = run_tests(BASE, "*olden*", "goldens", goldens.parent)
    assert "The golden set has no" not in told, told


def test_ctest_takes_a_golden_set_relative_to_its_caller(goldens: Path) -> None:
    (goldens / "preprocess/preprocess.json").unlink()
    done = subprocess.run(
        ["ctest", "--test-dir", BUILD, "--output-on-failure", "--no-tests=error", "-R", "GoldenPictures|GoldenRegions"],
        cwd=goldens.parent,
        env={**os.environ, "MEDPLIB_GOLDENS": "goldens", "PWD": str(goldens.parent)},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout
    assert "(Skipped)" in done.stdout, "it looked at another set"


def test_a_golden_set_that_is_not_there_is_a_failure(tmp_path: Path) -> None:
    done = subprocess.run(
        [BUILD / "bin" / CORE, "--gtest_filter=GoldenSet.*"],
        env={**os.environ, "MEDPLIB_GOLDENS": str(tmp_path / "nowhere")},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode != 0
    assert "nowhere" in done.stdout
