"""A training so small that a test can run it."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from program import MODEL, ROOT

SMALL_TRAINING = ROOT / "tests/core/train/small_training.h"
# So many that the program is still at it when a signal comes.
STEPS = 60


def small_config() -> str:
    """The network of a few thousand weights that the tests of the engine train."""
    found = re.search(r'R"\((\{\s*"hidden_size".*?)\)"', SMALL_TRAINING.read_text(), re.DOTALL)
    assert found
    return found[1]


def record(number: int, name: str, question: str, answer: str) -> dict[str, Any]:
    turns = [{"from": "human", "value": f"<image>\n{question}"}, {"from": "gpt", "value": answer}]
    return {"id": str(number), "image": name, "set": "discs", "structure": "disc", "conversations": turns}


def make_training(folder: Path) -> None:
    """A recipe, the model that it names, and three pictures of a bright disc."""
    (folder / "model").mkdir()
    for name in ("tokenizer.model", "added_tokens.json"):
        shutil.copyfile(MODEL / name, folder / "model" / name)
    (folder / "model/config.json").write_text(small_config())
    manifest = {"format_version": 1, "mask_geometry": "centered", "threshold": 0.5}
    (folder / "model/medplib.json").write_text(json.dumps(manifest))
    records = []
    for i in range(3):
        rows, columns = np.indices((32, 32))
        disc = np.where((rows - 16) ** 2 + (columns - 10 - 4 * i) ** 2 <= 36, 255, 0).astype(np.uint8)
        Image.fromarray(disc).save(folder / f"mask-{i}.png")
        Image.fromarray(np.stack([disc, disc // 2, disc // 2], axis=2)).save(folder / f"{i}.png")
        asked = "Please segment the disc in this image."
        records.append(record(2 * i, f"{i}.png", asked, f"Sure, it is <SEG>.<mask>mask-{i}.png</mask>"))
        records.append(record(2 * i + 1, f"{i}.png", f"What is in the region <region>mask-{i}.png</region>?", "Disc."))
    (folder / "records.json").write_text(json.dumps(records))
    recipe = {"model": "model", "train": "records.json", "steps": STEPS, "images_per_step": 2, "threads": 1}
    (folder / "recipe.json").write_text(json.dumps(recipe))
