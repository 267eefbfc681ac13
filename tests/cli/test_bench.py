"""What bench/ask, bench/bindings and bench/train print, not how long anything takes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from program import MODEL, ROOT, environment


def bench(name: str, *arguments: str | Path) -> str:
    command = [sys.executable, ROOT / "bench" / name, *arguments]
    return subprocess.run(command, env=environment(), capture_output=True, text=True, check=True).stdout


def test_bench_ask_measures_each_part_of_two_questions_and_a_mask(picture: Path) -> None:
    told = json.loads(bench("ask", picture, "--runs", "1", "--json"))
    for key in ("first_answer_token", "image_encode", "prefill", "per_token", "peak_memory_mb"):
        assert told["one question"][key] > 0, key
    assert told["segment"]["total"] > 0
    assert (told["segment"]["masks"] > 0) == (told["segment"]["mask_count"] > 0)
    assert told["second"]["reused_tokens"] > 0
    assert told["second"]["prompt_tokens"] > told["second"]["reused_tokens"]
    assert told["second_is_sooner"] > 0
    table = bench("ask", picture, "--runs", "1")
    for row in ("program start to first token", "image encoding", "mask decoding", "peak memory, MB"):
        assert row in table


def test_bench_bindings_asks_the_same_through_every_interface(picture: Path) -> None:
    options = ["What is seen?", "--model", str(MODEL), "--rounds", "2"]
    told = json.loads(bench("bindings", picture, *options, "--json"))
    assert told["answer"]
    assert list(told["interfaces"]) == ["core", "c", "python", "command line"]
    for row in told["interfaces"].values():
        assert row["median"] > 0
        assert row["added_quartile_1"] <= row["added"] <= row["added_quartile_3"]
    assert told["interfaces"]["core"]["added"] == 0
    assert "command line, warm" in bench("bindings", picture, *options)


def test_bench_train_measures_the_same_training_by_the_engine_and_by_pytorch() -> None:
    told = json.loads(bench("train", "--steps", "1", "--batch", "1", "--threads", "1", "--runs", "1", "--json"))
    assert told["parameters"] > 0
    for key in ("samples_per_second", "peak_memory_mb"):
        assert told["medplib"][key] > 0, key
        assert told["PyTorch"][key] > 0, key
        assert told["ratio"][key] > 0, key
