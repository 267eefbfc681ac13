"""What bench/ask prints, not how long anything takes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from program import ROOT, environment


def bench(picture: Path, *options: str) -> str:
    command = [sys.executable, str(ROOT / "bench/ask"), str(picture), "--runs", "1", *options]
    return subprocess.run(command, env=environment(), capture_output=True, text=True, check=True).stdout


def test_bench_ask_measures_each_part_of_two_questions_and_a_mask(picture: Path) -> None:
    told = json.loads(bench(picture, "--json"))
    for key in ("first_answer_token", "image_encode", "prefill", "per_token", "peak_memory_mb"):
        assert told["one question"][key] > 0, key
    assert told["segment"]["total"] > 0
    assert (told["segment"]["masks"] > 0) == (told["segment"]["mask_count"] > 0)
    assert told["second"]["reused_tokens"] > 0
    assert told["second"]["prompt_tokens"] > told["second"]["reused_tokens"]
    assert told["second_is_sooner"] > 0
    table = bench(picture)
    for row in ("program start to first token", "image encoding", "mask decoding", "peak memory, MB"):
        assert row in table
