"""A program that ends while the engine is at work ends as any other."""

from __future__ import annotations

import subprocess

import pytest
from golden import PICTURE, python

BEGIN = f"import threading, medplib; session = medplib.load().session({str(PICTURE)!r})\n"
LONG = "'What is this?', temperature=5.0, seed=3, max_new_tokens=12"


def ends_well(script: str) -> None:
    ended: subprocess.CompletedProcess[str] = python("-c", BEGIN + script, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("read", ["next(stream)", "next(stream); del session"])
def test_a_stream_may_be_left_half_read(read: str) -> None:
    ends_well(f"stream = session.stream({LONG})\n{read}\n")


@pytest.mark.parametrize(
    "call",
    [
        "session.ask('What is this?', max_new_tokens=4, on_text=heard)",
        "session.ask('What is this?', max_new_tokens=4); under_way.set()",
        "medplib.load(progress=heard)",
        "medplib.load(); under_way.set()",
    ],
)
def test_a_thread_may_be_in_the_engine(call: str) -> None:
    ends_well(
        f"""
under_way = threading.Event()
def heard(_):
    under_way.set()
def work():
    while True:
        {call}
threading.Thread(target=work, daemon=True).start()
under_way.wait()
"""
    )
