"""What runs beside and inside a call: callbacks, threads, Ctrl-C, forks; and what lives how long."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import medplib
import numpy as np
import pytest
from golden import MODEL, PICTURE, QUESTION, python
from medplib import _core

# Callbacks, threads, interruption


def test_text_arrives_in_pieces_that_make_up_the_answer(session: medplib.Session) -> None:
    pieces: list[str] = []
    answer = session.ask("What is this?", temperature=5.0, seed=3, max_new_tokens=12, on_text=pieces.append)
    assert "".join(pieces) == answer.text
    assert all(pieces)


def test_returning_false_stops_and_keeps_the_text(session: medplib.Session) -> None:
    pieces: list[str] = []

    def first_only(piece: str) -> bool:
        pieces.append(piece)
        return False

    answer = session.ask("What is this?", temperature=5.0, seed=3, max_new_tokens=12, on_text=first_only)
    assert answer.finish == "stopped"
    assert [answer.text] == pieces


def test_what_a_callback_raises_comes_back_as_itself_and_the_session_goes_on(session: medplib.Session) -> None:
    class OwnError(Exception):
        pass

    error = OwnError("mine")

    def broken(_: str) -> None:
        raise error

    with pytest.raises(OwnError) as caught:
        session.ask(QUESTION, on_text=broken)
    assert caught.value is error
    assert len(session.ask(QUESTION)) == 1


def test_a_callback_cannot_call_into_its_session(session: medplib.Session) -> None:
    with pytest.raises(medplib.StateError, match="session"):
        session.ask(QUESTION, on_text=lambda _: session.ask("What is this?", max_new_tokens=4))


def test_control_c_interrupts_an_answer(session: medplib.Session) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # tests in the background ignore it
    with pytest.raises(KeyboardInterrupt):
        session.ask(QUESTION, on_text=lambda _: signal.raise_signal(signal.SIGINT))
    signal.signal(signal.SIGINT, before)
    assert len(session.ask(QUESTION)) == 1


def test_cancelling_from_another_thread_ends_the_answer(session: medplib.Session) -> None:
    def cancel_elsewhere(_: str) -> None:
        thread = threading.Thread(target=session.cancel)
        thread.start()
        thread.join()

    with pytest.raises(medplib.CancelledError):
        session.ask(QUESTION, on_text=cancel_elsewhere)


def test_two_threads_in_one_session_are_told_and_sessions_of_one_model_run_side_by_side(model: medplib.Model) -> None:
    session = model.session(PICTURE)
    results: list[object] = []

    def elsewhere(call: Callable[[], object]) -> None:
        def run() -> None:
            try:
                results.append(call())
            except medplib.MedplibError as error:
                results.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()

    def meanwhile(_: str) -> None:
        if not results:
            elsewhere(lambda: session.ask("What is this?", max_new_tokens=4))
            elsewhere(lambda: model.session(PICTURE).ask(QUESTION).tokens)

    expected = session.ask(QUESTION, on_text=meanwhile).tokens
    assert isinstance(results[0], medplib.StateError)
    assert results[1] == expected


def test_two_sessions_on_two_threads_answer_each_as_alone(model: medplib.Model) -> None:
    other = (np.arange(70 * 90 * 3) ** 2 % 251).astype(np.uint8).reshape(70, 90, 3)

    def ask_one() -> list[int]:
        return model.session(PICTURE).ask(QUESTION).tokens

    def ask_other() -> list[int]:
        return model.session(other).ask("What is this?", max_new_tokens=8).tokens

    asks = (ask_one, ask_other)
    alone = [ask() for ask in asks]
    assert alone[0] != alone[1]
    with ThreadPoolExecutor(2) as threads:
        rounds = [[threads.submit(ask) for ask in asks] for _ in range(3)]
    for answers in rounds:
        assert [answer.result() for answer in answers] == alone


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


def test_loading_tells_how_far_it_is_and_can_be_stopped() -> None:
    told: list[float] = []
    medplib.load(MODEL, progress=told.append)
    assert told == sorted(told)
    assert told[-1] > 0.99
    with pytest.raises(medplib.CancelledError):
        medplib.load(MODEL, progress=lambda part: part < 0.5)
    with pytest.raises(ZeroDivisionError):
        medplib.load(MODEL, progress=lambda _: 1 / 0)


# The lock of the interpreter


@pytest.fixture
def selfish() -> Iterator[None]:
    """A thread gives up the lock only where it means to."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1000)
    yield
    sys.setswitchinterval(before)


@pytest.fixture
def plain_signals() -> Iterator[None]:
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


def interrupted(call: Callable[[], object], under_way: Callable[[], bool]) -> bool:
    """Whether Ctrl-C, sent by another thread when the call lets it run, ends one of some calls before it is done."""
    gate, inside = threading.Lock(), list[bool]()

    def handle(*_: object) -> None:
        if under_way():
            inside.append(True)
            raise KeyboardInterrupt

    def other() -> None:
        with gate:
            os.kill(os.getpid(), signal.SIGINT)

    signal.signal(signal.SIGINT, handle)
    for _ in range(50):
        gate.acquire()
        thread = threading.Thread(target=other)
        thread.start()
        gate.release()
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


def test_control_c_ends_loading(selfish: None, plain_signals: None) -> None:
    told: list[float] = []  # by a function of C, which no signal interrupts

    def call() -> None:
        told.clear()
        medplib.load(MODEL, progress=told.append)

    assert interrupted(call, lambda: bool(told) and told[-1] < 0.9)


def runs_meanwhile(call: Callable[[], object], times: int = 500) -> bool:
    """Whether another thread gets on during one of some calls."""
    gate, seen = threading.Lock(), list[bool]()

    def other() -> None:
        with gate:
            seen.append(True)

    gate.acquire()
    thread = threading.Thread(target=other)
    thread.start()
    gate.release()
    while gate.acquire(blocking=False):  # until the thread has it, which then waits for the interpreter alone
        gate.release()
    for _ in range(times):
        call()
        if seen:
            break
    got_on = bool(seen)
    thread.join()
    return got_on


def lets_others_run(call: Callable[[], object]) -> bool:
    """The same of the call itself: what it gives is kept, since forgetting it lets others run too."""
    kept: list[object] = []
    return runs_meanwhile(lambda: kept.append(call()))


@pytest.mark.parametrize(
    "name",
    [
        *("load", "inspect", "verify", "session", "ask", "segment", "describe", "chat", "trace", "refine", "predict"),
        *("ask_many", "segment_many", "embed_image", "embed_region", "save", "_repr_png_"),
    ],
)
def test_other_threads_run_during_a_long_call(model: medplib.Model, selfish: None, tmp_path: Path, name: str) -> None:
    session = model.session(PICTURE)
    answer = session.ask(QUESTION)
    region, few = medplib.Region.point(100, 100), _core.AskOptions()
    few.max_new_tokens = 4
    calls: dict[str, Callable[[], object]] = {
        "load": lambda: medplib.load(MODEL),
        "inspect": lambda: medplib.inspect(MODEL),
        "verify": lambda: medplib.verify(MODEL),
        "session": model.session,
        "ask": lambda: session.ask(QUESTION),
        "segment": lambda: session.segment("tumour"),
        "describe": lambda: session._describe(region, few, None),
        "chat": lambda: session.chat("What is this?", max_new_tokens=4),
        "trace": lambda: session.trace(QUESTION),
        "refine": lambda: session.refine(point_coords=[(100, 100)]),
        "predict": lambda: session._predict([(100, 80, True)], None, None, True),
        "ask_many": lambda: session.ask_many([QUESTION]),
        "segment_many": lambda: session.segment_many(["tumour"]),
        "embed_image": session.embed_image,
        "embed_region": lambda: session._embed_region(region),
        "save": lambda: answer.save(tmp_path / "overlay.png"),
        "_repr_png_": answer._repr_png_,
    }
    assert lets_others_run(calls[name])


@pytest.mark.parametrize(
    "name",
    [
        *("read", "decode", "from_array", "sixteen_bits", "image_png", "region_mask", "mask_file", "overlay_png"),
        *("from_region", "array", "area", "bbox", "rle", "polygon", "mask_png", "save", "repr"),
    ],
)
def test_other_threads_run_while_pixels_are_worked_on(selfish: None, tmp_path: Path, name: str) -> None:
    content = PICTURE.read_bytes()
    pixels, inside = np.zeros((400, 400, 3), np.uint8), np.ones((400, 400), np.uint8)
    sixteen = np.zeros((400, 400, 3), np.uint16)
    image, region = medplib.Image.from_array(pixels), medplib.Region.mask(inside)
    mask = medplib.Mask.from_region(region, 400, 400)
    mask.save(tmp_path / "mask.png")
    calls: dict[str, Callable[[], object]] = {
        "read": lambda: medplib.Image.read(PICTURE),
        "decode": lambda: medplib.Image.decode(content),
        "from_array": lambda: medplib.Image.from_array(pixels),
        "sixteen_bits": lambda: medplib.Image.from_array(sixteen),
        "image_png": image._repr_png_,
        "region_mask": lambda: medplib.Region.mask(inside),
        "mask_file": lambda: medplib.Region.mask_file(tmp_path / "mask.png"),
        "overlay_png": lambda: _core.overlay_png(image, [mask], [region]),
        "from_region": lambda: medplib.Mask.from_region(region, 400, 400),
        "array": lambda: mask.array,
        "area": lambda: mask.area,
        "bbox": lambda: mask.bbox,
        "rle": lambda: mask.rle,
        "polygon": mask.polygon,
        "mask_png": mask._repr_png_,
        "save": lambda: mask.save(tmp_path / "again.png"),
        "repr": lambda: repr(mask),
    }
    assert lets_others_run(calls[name])


def test_a_call_that_keeps_the_lock_is_found_out(selfish: None) -> None:
    assert not runs_meanwhile(lambda: sum(range(1000)))


@pytest.mark.parametrize("kind", ["model", "session", "answer", "mask", "image", "region", "array"])
def test_other_threads_run_while_an_object_is_forgotten(model: medplib.Model, selfish: None, kind: str) -> None:
    session = model.session(PICTURE)
    answer = session.ask(QUESTION)
    makers: dict[str, Callable[[], object]] = {
        "model": lambda: medplib.load(MODEL),
        "session": model.session,
        "answer": lambda: session.ask(QUESTION),
        "mask": lambda: answer[0],
        "image": lambda: medplib.Image.read(PICTURE),
        "region": lambda: medplib.Region.point(1, 2),
        "array": lambda: answer[0].logits,
    }

    def forgotten(make: Callable[[], object], count: int) -> bool:
        objects = [make() for _ in range(count)]
        return runs_meanwhile(objects.pop, count)

    assert any(forgotten(makers[kind], 5) for _ in range(10))
    assert not forgotten(object, 500)


# Forks


def test_a_forked_child_gets_an_error_and_does_not_hang() -> None:
    script = (
        "import os, medplib, medplib.errors\n"
        f"model = medplib.load(); session = model.session({str(PICTURE)!r})\n"
        "session.ask('What is this?', max_new_tokens=2)\n"
        "if os.fork() == 0:\n"
        "    for call in (medplib.load, model.session, lambda: session.ask('What?')):\n"
        "        try:\n"
        "            call()\n"
        "        except medplib.StateError as error:\n"
        "            print('spawn' in str(error), flush=True)\n"
        "    os._exit(0)\n"
        "os.wait()\n"
        "print(session.ask('What is this?', max_new_tokens=2).finish)\n"
    )
    assert python("-c", script).stdout.split() == ["True"] * 3 + ["length"]


# What lives how long


def test_the_session_keeps_its_model_and_the_answer_needs_neither() -> None:
    session = medplib.load(MODEL).session(PICTURE)
    gc.collect()
    answer = session.ask(QUESTION)
    del session
    gc.collect()
    assert answer[0].array.any()


def test_what_an_answer_has_outlives_it() -> None:
    session = medplib.load(MODEL).session(PICTURE)
    answer = session.ask(QUESTION, box=(20, 20, 120, 120))
    mask, image, region, timing = answer[0], answer.image, answer.regions[0], answer.timing
    logits, pixels = mask.logits, image.array
    expected = logits.copy(), pixels.copy()
    del session, answer, mask, image
    gc.collect()
    np.testing.assert_array_equal(logits, expected[0])
    np.testing.assert_array_equal(pixels, expected[1])
    assert "box" in repr(region)
    assert timing.total > 0


def test_a_stream_outlives_its_session() -> None:
    stream = medplib.load(MODEL).session(PICTURE).stream("What is this?", temperature=5.0, seed=3, max_new_tokens=12)
    gc.collect()
    assert "".join(stream) == stream.answer.text


def test_memory_stays_level() -> None:
    ended = python(str(Path(__file__).with_name("memory_slope.py")), "open and close=100", "ask=100", check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.count(": level") == 2


def test_a_planted_leak_is_found() -> None:
    ended = python(str(Path(__file__).with_name("memory_slope.py")), "leak=50", check=False)
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert ended.stdout.rstrip().endswith("bytes each: not level")
