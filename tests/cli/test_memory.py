"""The memory that `info` tells, and what an answer takes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from program import BINARY, ROOT, Program, environment, floats_of, is_sanitized
from published import publish, write_safetensors

# What LibTorch 2.11 takes for itself, beside the pages of its files: as it is loaded, and for its kernels.
LOADED = 57_000_000 + 9_000_000


def library_bytes(process: int) -> int:
    """What a process holds of its program and libraries."""
    held, is_library = 0, False
    for line in Path(f"/proc/{process}/smaps").read_text().splitlines():
        words = line.split()
        if "-" in words[0]:  # "from-to mode offset device inode path"
            path = words[-1]
            is_library = ".so" in path or path == str(BINARY)
        elif words[0] == "Rss:" and is_library:
            held += 1024 * int(words[1])
    return held


def status_of(process: int) -> dict[str, int]:
    """Bytes of a process: VmHWM at most so far, RssAnon and RssFile now, libraries' among them."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    status = {key: int(fields[key].split()[0]) * 1024 for key in ("VmHWM", "RssAnon", "RssFile")}
    return status | {"libraries": library_bytes(process)}


def memory_of_an_answer(folder: Path, picture: Path, precision: str) -> dict[str, int]:
    """What the program takes that has loaded a model and answered a question, while it waits for the next."""
    call: list[Any] = [BINARY, "chat", picture, "--model", folder, "--precision", precision, "--max-new-tokens", "4"]
    # A small process starts it: the peak counts from there.
    starter = [sys.executable, "-c", "import os, sys; os.execv(sys.argv[1], sys.argv[1:])", *call, "--quiet"]
    pipe = subprocess.PIPE
    with subprocess.Popen(starter, stdin=pipe, stdout=pipe, env=environment(OMP_NUM_THREADS="2")) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(b"what is this?\n")
            process.stdin.flush()
            assert process.stdout.readline().endswith(b"\n")  # the whole answer
            return status_of(process.pid)
        finally:
            process.kill()


def compare_memory(medplib: Program, folder: Path, picture: Path, precision: str) -> None:
    told = medplib("info", folder, "--json", "--precision", precision).json
    memory = told["memory"]
    tokens = told["image_tokens"] + 64
    unused = memory["cache_bytes"] * (told["context"] - tokens) // told["context"]
    found = memory_of_an_answer(folder, picture, precision)
    program = found["libraries"] + LOADED
    assert told["memory_bytes"] == memory["mapped_bytes"] + memory["resident_bytes"]
    assert memory["program_bytes"] == pytest.approx(program, rel=0.25)
    # How many pages of the libraries are there is the system's choice.
    of_the_model = told["memory_bytes"] - memory["program_bytes"] - unused
    assert found["VmHWM"] == pytest.approx(program + of_the_model, rel=0.1)
    assert memory["weights_bytes"] < found["RssAnon"] < 1.1 * (memory["resident_bytes"] - unused)
    assert 0.9 * memory["mapped_bytes"] < found["RssFile"] < 1.1 * (memory["mapped_bytes"] + found["libraries"])


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("model", ["models/tiny", "tests/goldens/ckpt/tiny_seg"])
def test_the_memory_that_info_tells_is_the_peak_of_an_answer(
    medplib: Program, picture: Path, model: str, precision: str
) -> None:
    if is_sanitized():
        pytest.skip("AddressSanitizer's shadow takes memory of its own.")
    compare_memory(medplib, ROOT / model, picture, precision)


def grown(folder: Path) -> Path:
    """The golden model with a language model of 100 million parameters, in bfloat16: random, so that all experts are
    taken."""
    publish(folder, "no index", "F32", shards=1)
    shard = folder / "model-00001-of-00001.safetensors"
    config = json.loads((folder / "config.json").read_text())
    old, width, ffn, layers, experts = config["hidden_size"], 512, 2048, 8, 4
    config |= {
        "hidden_size": width,
        "intermediate_size": ffn,
        "num_hidden_layers": layers,
        "num_attention_heads": 8,
        "num_key_value_heads": 8,
    }
    config["moe"] |= {"moe_layers_idx": list(range(layers)), "num_experts": [experts] * layers, "top_k_experts": 1}
    (folder / "config.json").write_text(json.dumps(config))
    random = np.random.default_rng(0)

    def noise(*shape: int) -> Any:
        return random.standard_normal(shape, np.float32) * 0.05

    tensors: dict[str, Any] = {}
    for name, values in floats_of(shard).items():
        if not name.startswith("model.layers."):
            shape = [width if side == old else side for side in values.shape]
            is_theirs = "vision_tower" in name or "visual_model" in name
            tensors[name] = np.array(values) if is_theirs or shape == list(values.shape) else noise(*shape)
    tensors["model.norm.weight"] = np.ones(width, np.float32)
    for i in range(layers):
        layer = f"model.layers.{i}."
        for norm in ("input_layernorm", "post_attention_layernorm"):
            tensors[f"{layer}{norm}.weight"] = np.ones(width, np.float32)
        tensors |= {f"{layer}self_attn.{part}_proj.weight": noise(width, width) for part in "qkvo"}
        tensors[f"{layer}mlp.deepspeed_moe.gate.wg.weight"] = noise(experts, width)
        for expert in range(experts):
            own = f"{layer}mlp.deepspeed_moe.experts.deepspeed_experts.{expert}."
            tensors |= {f"{own}{part}_proj.weight": noise(ffn, width) for part in ("gate", "up")}
            tensors[f"{own}down_proj.weight"] = noise(width, ffn)
    write_safetensors(shard, tensors, "BF16")
    return folder


@pytest.mark.skipif("MEDPLIB_SLOW_TESTS" not in os.environ, reason="takes minutes: scripts/test --full runs it")
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_memory_of_a_larger_model_is_told_too(
    medplib: Program, picture: Path, tmp_path: Path, precision: str
) -> None:
    compare_memory(medplib, grown(tmp_path / "grown"), picture, precision)
