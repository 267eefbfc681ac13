"""What bench/ask, bench/bindings, bench/check and bench/train print, not how long anything takes."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from program import MODEL, ROOT, environment


def bench(name: str, *arguments: str | Path) -> Any:
    command = [sys.executable, ROOT / "bench" / name, *arguments, "--json"]
    return json.loads(subprocess.run(command, env=environment(), capture_output=True, text=True, check=True).stdout)


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """What a bench prints without --json of what it has told with it."""

    def printed(told: Any, name: str, *arguments: str | Path) -> str:
        main = runpy.run_path(str(ROOT / "bench" / name))["main"]
        monkeypatch.setitem(main.__globals__, "measure", lambda _: told)
        monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
        main()
        return capsys.readouterr().out

    return printed


def test_bench_ask_measures_each_part_of_two_questions_and_a_mask(picture: Path, table: Callable[..., str]) -> None:
    call = ("ask", picture, "--runs", "1")
    told = bench(*call)
    for key in ("first_answer_token", "image_encode", "prefill", "per_token", "peak_memory_mb"):
        assert told["one question"][key] > 0, key
    assert told["segment"]["total"] > 0
    assert (told["segment"]["masks"] > 0) == (told["segment"]["mask_count"] > 0)
    assert told["second"]["reused_tokens"] > 0
    assert told["second"]["prompt_tokens"] > told["second"]["reused_tokens"]
    assert told["second_is_sooner"] > 0
    printed = table(told, *call)
    for row in ("program start to first token", "image encoding", "mask decoding", "peak memory, MB"):
        assert row in printed


def test_bench_bindings_asks_the_same_through_every_interface(picture: Path, table: Callable[..., str]) -> None:
    call = ("bindings", picture, "What is seen?", "--model", MODEL, "--rounds", "2")
    told = bench(*call)
    assert told["answer"]
    assert list(told["interfaces"]) == ["core", "c", "python", "command line"]
    for row in told["interfaces"].values():
        assert row["median"] > 0
        assert row["added_quartile_1"] <= row["added"] <= row["added_quartile_3"]
    assert told["interfaces"]["core"]["added"] == 0
    assert "command line, warm" in table(told, *call)


def test_bench_check_measures_a_check_of_records_that_are_all_right(table: Callable[..., str]) -> None:
    call = ("check", "--records", "10", "--runs", "1")
    told = bench(*call)
    assert told["records"] == 10
    for key in ("seconds", "records_per_second", "peak_memory_mb"):
        assert told[key] > 0, key
    assert "records per second" in table(told, *call)


def test_bench_train_measures_the_same_training_by_the_engine_and_by_pytorch() -> None:
    told = bench("train", "--steps", "1", "--batch", "1", "--threads", "1", "--runs", "1")
    assert told["parameters"] > 0
    for key in ("samples_per_second", "peak_memory_mb"):
        assert told["medplib"][key] > 0, key
        assert told["PyTorch"][key] > 0, key
        assert told["ratio"][key] > 0, key
