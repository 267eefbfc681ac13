"""The same bits in every process, on two threads, at every interface; and what becomes of them without the warm-up.

MEDPLIB_BITS_PROCESSES says how many processes are started of each kind, 300 by default.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from golden import PICTURE, QUESTION, ROOT
from programs import BUILD, run

PROCESSES = int(os.environ.get("MEDPLIB_BITS_PROCESSES", "300"))
EMBEDDED = "MEDPLIB_MODEL="
PROBE = BUILD / "bin/bits_probe"


def on_two_threads(*command: str | Path) -> str:
    """What a program prints; NAME=VALUE may stand before it."""
    return run("env", "OMP_NUM_THREADS=2", *command)


def expect_same_bits(compute: Callable[[], str]) -> None:
    outputs = Counter(compute() for _ in range(PROCESSES))
    (first, _), *others = outputs.most_common()
    assert first
    assert not others, f"{outputs.total() - outputs[first]} of {outputs.total()} processes differ: " + "; ".join(
        ", ".join(differences(first, other)) for other, _ in others
    )


def differences(one: str, other: str) -> list[str]:
    """The names of the lines that differ."""
    lines = zip(one.splitlines(), other.splitlines(), strict=True)
    return [left.split(" ")[0][:40] for left, right in lines if left != right]


@pytest.mark.parametrize("kind", ["stages", "training"])
def test_every_stage_and_every_gradient_has_the_same_bits_in_each_process(kind: str) -> None:
    expect_same_bits(lambda: on_two_threads(PROBE, kind))


def test_a_c_program_gets_the_same_text_tokens_and_logits_in_each_process(tmp_path: Path) -> None:
    library, program = BUILD / "lib", tmp_path / "asks"
    strict = ["-std=c99", "-Wall", "-Wextra", "-Werror", f"-I{ROOT / 'capi/include'}"]
    linked = [f"-L{library}", "-lmedplib", f"-Wl,-rpath,{library}"]
    run("cc", *strict, ROOT / "tests/bits/asks.c", "-o", program, *linked)
    expect_same_bits(lambda: on_two_threads(EMBEDDED, program, PICTURE, QUESTION))


def test_the_program_prints_the_same_answer_in_each_process() -> None:
    def answer() -> str:
        told = json.loads(on_two_threads(BUILD / "bin/medplib", "ask", PICTURE, QUESTION, "--json", "--device", "cpu"))
        assert told["masks"]
        del told["timing"]
        return json.dumps(told)

    expect_same_bits(answer)


def test_python_gets_the_same_text_tokens_and_logits_in_each_process() -> None:
    asks = ROOT / "tests/bits/asks.py"
    path = f"PYTHONPATH={os.pathsep.join(sys.path)}"
    expect_same_bits(lambda: on_two_threads(path, sys.executable, asks, PICTURE, QUESTION))


def processor() -> str:
    found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return found[1] if found else "an unknown processor"


def test_without_the_warm_up_some_processes_compute_other_bits() -> None:
    warm = on_two_threads(PROBE, "stages")
    cold = [on_two_threads(PROBE, "stages", "cold") for _ in range(PROCESSES)]
    wrong = [output for output in cold if output != warm]
    if not wrong:
        pytest.skip(f"on {processor()} {PROCESSES} processes without the warm-up computed the same bits all the same")
    print(f"on {processor()} {len(wrong)} of {PROCESSES} processes without the warm-up computed other bits")
    # What the network's first call of the library makes, and what comes of it; nothing that comes before.
    assert {differences(warm, output)[0] for output in wrong} == {"image_positions"}
