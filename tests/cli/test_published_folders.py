"""Folders in the layouts that published checkpoints have: they load, and say what was read and left alone."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path

import numpy as np
import pytest
from program import MODEL, Once, Program, is_sanitized, peak_memory
from published import LAYOUTS, publish, write_safetensors

MODEL_EXIT, FAILURE = 3, 1
STORED = {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}


@pytest.mark.parametrize("dtype", STORED)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_published_folder_answers(
    medplib: Program, once: Once, picture: Path, tmp_path: Path, layout: str, dtype: str
) -> None:
    folder = publish(tmp_path / "release", layout, dtype)
    ask = ("ask", "eye.png", "what is this?", "--max-new-tokens", "4", "--json")
    answer = medplib(*ask, "--model", folder).json
    assert answer["tokens"]
    if dtype == "F32":
        assert answer["tokens"] == once(*ask).json["tokens"]
    told = medplib("info", folder, "--json").json
    assert told["storage"].startswith(STORED[dtype])
    assert told["weights"]["files"] == [f"model-0000{i}-of-00003.safetensors" for i in (1, 2, 3)]
    twins = [f"pytorch_model-0000{i}-of-00003.bin" for i in (1, 2, 3)] if "twins" in layout else []
    indices = ["pytorch_model.bin.index.json"] if "bin" in layout else []
    assert told["weights"]["left_alone"] == twins + indices


def test_verify_says_what_it_read_and_what_it_left_alone(medplib: Program, tmp_path: Path) -> None:
    folder = publish(tmp_path / "release", "bin index and twins", "BF16")
    ended = medplib("verify", folder)
    assert ended.out == "ok, but there is no medplib.json with hashes to compare\n"
    read = medplib("verify", folder, "--json").json["weights"]
    size = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
    assert size - 400 * read["tensors"] < read["bytes"] < size
    assert f"read {read['tensors']} tensors, {read['bytes'] / 1e6:.1f} MB, of model-00001-of-00003" in ended.err
    assert "left alone: pytorch_model-00001-of-00003.bin" in ended.err
    assert medplib("verify", folder, "--quiet").err == ""


def test_info_tells_what_is_read_and_what_is_left_alone(medplib: Program, tmp_path: Path) -> None:
    folder = publish(tmp_path / "release", "bin index and twins", "F16")
    table = medplib("info", folder).out
    assert "files           model-00001-of-00003.safetensors, " in table
    assert "left alone      pytorch_model-00001-of-00003.bin, " in table


def test_loading_logs_what_it_left_alone(medplib: Program, picture: Path, tmp_path: Path) -> None:
    folder = publish(tmp_path / "release", "bin index and twins", "F32")
    call = ("ask", picture, "what?", "--max-new-tokens", "1", "--model", folder)
    logged = medplib(*call, "--log-level", "info").err
    assert "model-00001-of-00003.safetensors" in logged
    assert "Left alone: pytorch_model-00001-of-00003.bin" in logged
    assert "Left alone" not in medplib(*call).err


def test_a_shard_that_is_missing_is_named(medplib: Program, picture: Path, tmp_path: Path) -> None:
    folder = publish(tmp_path / "release", "bin index", "F32")
    (folder / "model-00002-of-00003.safetensors").unlink()
    calls: list[list[str | Path]] = [["ask", picture, "what?", "--model", folder], ["info", folder]]
    for call in calls:
        medplib.refuses(MODEL_EXIT, *call, saying="model-00002-of-00003.safetensors is missing")
    assert "model-00002-of-00003.safetensors is missing" in medplib("verify", folder, code=FAILURE).out


def test_shards_of_two_releases_are_not_mixed(medplib: Program, picture: Path, tmp_path: Path) -> None:
    folder = publish(tmp_path / "release", "bin index", "F32")
    other = publish(tmp_path / "other", "no index", "F32", shards=2)
    (other / "model-00001-of-00002.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    medplib.refuses(MODEL_EXIT, "ask", picture, "what?", "--model", folder, saying="shards of 2 sets")


def test_pickled_weights_alone_are_not_read(medplib: Program, picture: Path, tmp_path: Path) -> None:
    folder = publish(tmp_path / "release", "bin index and twins", "F32")
    for shard in folder.glob("*.safetensors"):
        shard.unlink()
    medplib.refuses(MODEL_EXIT, "ask", picture, "what?", "--model", folder, saying="Save them as safetensors")


def misfitting(folder: Path) -> Path:
    """A folder with 60 tensors too many."""
    publish(folder, "no index", "F32", shards=3)
    strangers = {f"model.stranger.{'x' * 60}.{i}": np.ones(2, np.float32) for i in range(60)}
    for i in (1, 2, 3):
        (folder / f"model-0000{i}-of-00003.safetensors").rename(folder / f"model-0000{i}-of-00004.safetensors")
    write_safetensors(folder / "model-00004-of-00004.safetensors", strangers, "F32")
    return folder


def test_what_does_not_fit_is_counted_on_stderr_and_listed_in_json(
    medplib: Program, picture: Path, tmp_path: Path
) -> None:
    folder = misfitting(tmp_path / "release")
    ask = ("ask", picture, "what?", "--model", folder)
    ended = medplib.refuses(MODEL_EXIT, *ask, saying="60 unexpected: model.stranger.")
    assert "and 55 more" in ended.err
    assert len(ended.err.splitlines()[0]) < 1050
    for option in ("--json", "--jsonl"):
        error = medplib(*ask, option, code=MODEL_EXIT).json["error"]
        assert error["code"] == "FORMAT"
        assert len(error["message"]) <= 1000
        assert len(error["details"]) == 60
        assert all(
            line.startswith("unexpected: model.stranger.") and line.endswith(" [2]") for line in error["details"]
        )
    problems = medplib("verify", folder, code=FAILURE).out.splitlines()
    assert set(error["details"]) <= set(problems)
    assert "details" not in medplib("ask", "none.png", "what?", "--jsonl", code=4).json["error"]


def test_info_takes_no_memory_and_reads_no_values_of_a_large_model(medplib: Program, tmp_path: Path) -> None:
    if is_sanitized():
        pytest.skip("AddressSanitizer's shadow takes memory of its own.")
    folder = publish(tmp_path / "release", "no index", "BF16", shards=1)
    rows, width = 16_000_000, 64
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "vocab_size": rows}))
    (folder / "model-00001-of-00001.safetensors").unlink()
    header = {"lm_head.weight": {"dtype": "BF16", "shape": [rows, width], "data_offsets": [0, 2 * rows * width]}}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)  # what the file does not align is copied
    with (folder / "model-00001-of-00001.safetensors").open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + 2 * rows * width)  # 2 GB of zeros that take no room on the disk
    told = medplib("info", folder, "--json", "--precision", "bfloat16").json
    assert told["memory"]["mapped_bytes"] == 2 * rows * width
    assert peak_memory("info", folder) < 1.1 * peak_memory("info", MODEL)


@pytest.mark.skipif(
    "MEDPLIB_PUBLISHED" not in os.environ, reason="MEDPLIB_PUBLISHED names no folder of a published release"
)
def test_a_release_answers(medplib: Program, picture: Path) -> None:
    folder = Path(os.environ["MEDPLIB_PUBLISHED"])
    assert "pytorch_model.bin.index.json" in medplib("info", folder, "--json").json["weights"]["left_alone"]
    assert medplib("verify", folder).out.startswith("ok")
    assert medplib("ask", picture, "what?", "--max-new-tokens", "2", "--json", "--model", folder).json["tokens"]
