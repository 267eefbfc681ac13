"""Ctrl-C ends every long call, with a callback or without."""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import medplib
import pytest
from golden import MODEL, PICTURE, QUESTION, python

INTERRUPTED = f"""
import os, signal, medplib
signal.signal(signal.SIGINT, signal.default_int_handler)

def interrupt(_):
    os.kill(os.getpid(), signal.SIGINT)

def read():
    for piece in session.stream("What is this?", max_new_tokens=4):
        interrupt(piece)

session = medplib.load().session({str(PICTURE)!r})
for call in (
    lambda: medplib.load(progress=interrupt),
    lambda: session.ask("What is this?", max_new_tokens=4, on_text=interrupt),
    read,
):
    try:
        call()
        print("went on", flush=True)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
session.ask("What is this?", max_new_tokens=4, on_text=interrupt)
print("went on", flush=True)
"""


def test_control_c_ends_every_call_and_then_the_program() -> None:
    ended = python("-c", INTERRUPTED, check=False)
    assert ended.stdout.splitlines() == ["interrupted"] * 3, ended.stderr
    assert ended.returncode == -signal.SIGINT
    assert ended.stderr.rstrip().endswith("KeyboardInterrupt")


@pytest.fixture
def plain_signals() -> Iterator[None]:
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


def interrupted(call: Callable[[], object], under_way: Callable[[], bool]) -> bool:
    """Whether Ctrl-C, sent by another thread at some time within the call, ends one of some calls before it is done."""
    inside = list[bool]()

    def handle(*_: object) -> None:
        if under_way():
            inside.append(True)
            raise KeyboardInterrupt

    begin = time.monotonic()
    call()
    took = time.monotonic() - begin
    signal.signal(signal.SIGINT, handle)
    for attempt in range(50):  # at half of the time that it took, then spread over all of it
        delay = took * ((0.5 + 0.618 * attempt) % 1)
        thread = threading.Timer(delay, os.kill, (os.getpid(), signal.SIGINT))
        thread.start()
        try:
            call()
        except KeyboardInterrupt:
            return bool(inside)
        finally:
            thread.join()
    return False


@pytest.mark.parametrize(
    "name",
    [
        *("ask", "segment", "describe", "ask_many", "segment_many", "chat", "trace", "refine", "predict"),
        *("embed_image", "embed_region"),
    ],
)
def test_control_c_ends_a_call_that_has_no_callback(
    model: medplib.Model, selfish: None, plain_signals: None, name: str
) -> None:
    session = model.session()
    few: Any = {"max_new_tokens": 4}
    calls: dict[str, Callable[[], object]] = {
        "ask": lambda: session.ask("What is this?", **few),
        "segment": lambda: session.segment("tumour", **few),
        "describe": lambda: session.describe(point=(100, 100), **few),
        "ask_many": lambda: session.ask_many(["What is this?"], **few),
        "segment_many": lambda: session.segment_many(["tumour"], **few),
        "chat": lambda: session.chat("What is this?", **few),
        "trace": lambda: session.trace("What is this?", **few),
        "refine": lambda: session.refine(box=(50, 50, 150, 140)),
        "predict": lambda: session._predict([(100, 80, True)], None, None, True),
        "embed_image": session.embed_image,
        "embed_region": lambda: session.embed_region(point=(100, 100)),
    }

    def answering() -> bool:
        try:
            session.reset_chat()
        except medplib.StateError:
            return True
        return False

    def call() -> None:
        session.set_image(PICTURE)  # which is then encoded anew
        calls[name]()

    assert interrupted(call, answering)
    assert len(session.ask(QUESTION)) == 1


def bytes_read() -> int:
    """By this process, so far."""
    fields = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(fields["rchar"])


def test_control_c_ends_the_verification_of_a_long_file(tmp_path: Path, plain_signals: None) -> None:
    shutil.copytree(MODEL, tmp_path / "model")
    size, weights = 4 << 30, tmp_path / "model/long.safetensors"
    weights.touch()
    os.truncate(weights, size)  # on disk a hole
    (tmp_path / "model/medplib.json").write_text(
        json.dumps({"format_version": 1, "files": {weights.name: "0" * 64}}), encoding="utf-8"
    )
    before = bytes_read()

    def press() -> None:
        while bytes_read() < before + size // 64:
            time.sleep(0.001)
        os.kill(os.getpid(), signal.SIGINT)

    signal.signal(signal.SIGINT, signal.default_int_handler)
    thread = threading.Thread(target=press)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        medplib.verify(tmp_path / "model")
    thread.join()
    assert bytes_read() < before + size // 2


def test_control_c_ends_loading(selfish: None, plain_signals: None) -> None:
    told: list[float] = []  # by a function of C, which no signal interrupts

    def call() -> None:
        told.clear()
        medplib.load(MODEL, progress=told.append)

    assert interrupted(call, lambda: bool(told) and told[-1] < 0.9)
