"""What `info` tells of models and images, and what `train` refuses."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from program import BINARY, MODEL, ROOT, Program, environment


def stored_parameters() -> int:
    """Numbers in the golden model's weight files."""
    total = 0
    for shard in MODEL.glob("*.safetensors"):
        data = shard.read_bytes()
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        total += sum(int(np.prod(entry["shape"])) for name, entry in header.items() if name != "__metadata__")
    return total


def test_a_models_parts_add_up(medplib: Program) -> None:
    told = medplib("info", "--json").json
    parts = told["parts"]
    assert sum(part["parameters"] for part in parts) == told["parameters"]
    assert sum(part["read_per_token"] for part in parts) == told["read_per_token"]
    assert told["parameters"] == pytest.approx(stored_parameters(), rel=0.01)  # buffers are no parameters
    assert 0 < told["read_per_token"] < told["parameters"]
    assert told["experts"] == [2, 2, 2]
    assert told["context"] == 2048
    assert told["image_tokens"] == 576


def test_the_table_for_people_has_the_same_figures(medplib: Program) -> None:
    told = medplib("info", "--json").json
    table = medplib("info").out
    for part in told["parts"]:
        assert f"{part['parameters']:,}" in table
        assert part["name"] in table
        sizes = ", ".join(f"{name.replace('_', ' ')} {size}" for name, size in part["sizes"].items())
        assert re.search(rf"^{part['name']} .* {sizes}$", table, re.MULTILINE)
    assert f"{told['read_per_token']:,}" in table
    assert str(MODEL) in table


def test_a_models_parts_have_the_sizes_of_its_configuration(medplib: Program) -> None:
    config = json.loads((MODEL / "config.json").read_text())
    clip, sam = config["vision_config"], config["sam_config"]
    sizes = {part["name"]: part["sizes"] for part in medplib("info", "--json").json["parts"]}
    assert sizes["language"] == {
        "layers": config["num_hidden_layers"],
        "width": config["hidden_size"],
        "heads": config["num_attention_heads"],
        "ffn": config["intermediate_size"],
        "vocabulary": config["vocab_size"],
    }
    assert sizes["clip"] == {
        "layers": clip["num_hidden_layers"],
        "width": clip["hidden_size"],
        "heads": clip["num_attention_heads"],
        "ffn": clip["intermediate_size"],
        "image_size": 336,
        "patch_size": 14,
        "grid": 24,
    }
    assert sizes["image encoder"] == {
        "layers": sam["depth"],
        "width": sam["embed_dim"],
        "heads": sam["num_heads"],
        "ffn": 4 * sam["embed_dim"],
        "image_size": 256,
        "patch_size": 16,
        "grid": 16,
    }
    assert sizes["mask decoder"] == {
        "layers": sam["decoder_depth"],
        "width": sam["out_chans"],
        "heads": sam["decoder_num_heads"],
        "ffn": sam["decoder_mlp_dim"],
        "mask_size": 64,
    }
    for part in ("projector", "region adapter"):
        assert sizes[part] == {"in": clip["hidden_size"], "out": config["hidden_size"]}
    assert sizes["mask prompt"] == {"in": config["hidden_size"], "out": sam["out_chans"]}


def test_half_the_precision_takes_half_the_memory_but_for_what_draws(medplib: Program) -> None:
    whole, half = (medplib("info", "--json", "--precision", p).json for p in ("float32", "bfloat16"))
    parts = {part["name"]: part for part in whole["parts"]}
    halved = whole["parameters"] - sum(parts[name]["parameters"] for name in ("mask prompt", "mask decoder"))
    language = parts["language"]["sizes"]
    cached = 2 * language["layers"] * whole["context"] * language["width"]
    held = [sum(each["memory"][f"{what}_bytes"] for what in ("mapped", "weights", "cache")) for each in (whole, half)]
    assert held[0] - held[1] == pytest.approx(2 * (halved + cached), rel=0.01)


def test_an_image_tells_what_its_file_holds(medplib: Program, other_picture: Path, tmp_path: Path) -> None:
    told = medplib("info", "--image", other_picture, "--json").json
    assert (told["format"], told["width"], told["height"], told["channels"], told["bits"]) == ("PNG", 30, 40, 1, 8)
    deep = np.linspace(1000, 3000, 40 * 30).astype(np.uint16).reshape(40, 30)
    Image.fromarray(deep).save(tmp_path / "deep.png")
    told = medplib("info", "--image", "deep.png", "--json").json
    assert (told["bits"], told["window_low"], told["window_high"]) == (16, 1000, 3000)
    assert "1000 to 3000" in medplib("info", "--image", "deep.png").out
    colour = ROOT / "tests/core/image/files/rgb16.png"  # of 12 significant bits
    told = medplib("info", "--image", colour, "--json").json
    assert (told["channels"], told["bits"]) == (3, 16)
    assert 255 < told["window_high"] < 4096
    medplib.refuses(4, "info", "--image", "none.png", saying="none.png")


def test_an_installed_program_finds_its_model_from_anywhere(medplib: Program, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    shutil.copy(BINARY, tmp_path / "bin/medplib")
    shutil.copytree(MODEL, tmp_path / "share/medplib/models/tiny")
    (tmp_path / "elsewhere").mkdir()
    done = subprocess.run(
        ["medplib", "info", "--json"],
        cwd=tmp_path / "elsewhere",
        env=environment(MEDPLIB_MODEL="", PATH=f"{tmp_path}/bin"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["folder"] == str(tmp_path / "share/medplib/models/tiny")


def test_training_needs_a_recipe_that_is_there_and_a_place_to_write(medplib: Program, tmp_path: Path) -> None:
    (tmp_path / "recipe.json").write_text("{")
    medplib.refuses(2, "train", "recipe.json", saying="--out")
    medplib.refuses(4, "train", "none.json", "--out", "out", saying="none.json")
    medplib.refuses(4, "train", "recipe.json", "--dry-run", saying="recipe.json")
    assert not (tmp_path / "out").exists()
