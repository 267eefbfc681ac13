"""For all tests of the command line: the program in a folder of the test, a model to damage, pictures."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from program import BINARY, MODEL, Once, Program, floats_of, picture_in
from training import make_training

# Tests in the background of a shell have Ctrl-C ignored, and would hand that on to the programs that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_report_header() -> str:
    return f"medplib program: {BINARY}"


@pytest.fixture
def medplib(tmp_path: Path) -> Program:
    if not BINARY.exists():
        pytest.fail(f"{BINARY} is not built; build the target medplib or set MEDPLIB_BIN.")
    return Program(tmp_path)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    return picture_in(tmp_path)


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Once:
    folder = tmp_path_factory.mktemp("once")
    picture_in(folder)
    return Once(folder)


@pytest.fixture
def other_picture(tmp_path: Path) -> Path:
    """A grey picture of 30 × 40 pixels."""
    pixels = np.random.default_rng(1).integers(0, 256, (40, 30), dtype=np.uint8)
    path = tmp_path / "other.png"
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def model_copy(tmp_path: Path) -> Path:
    """A model folder to damage."""
    folder = tmp_path / "model"
    shutil.copytree(MODEL, folder)
    for file in [folder, *folder.iterdir()]:
        file.chmod(0o755)
    return folder


@pytest.fixture
def segmenting_model(model_copy: Path) -> Path:
    """A model that says <SEG> and nothing else: its logit outgrows all others."""
    logits = floats_of(model_copy / "model-00002-of-00002.safetensors")["lm_head.weight"]
    logits[json.loads((model_copy / "added_tokens.json").read_text())["<SEG>"]] *= 1000
    logits.flush()
    return model_copy


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A recipe, the model that it names, and three pictures of a bright disc."""
    make_training(tmp_path)
    return tmp_path
