"""What runs beside and inside a call: callbacks, threads, forks; and what lives how long."""

from __future__ import annotations

import gc
import signal
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest import mock

import medplib
import numpy as np
import pytest
from golden import MODEL, PICTURE, QUESTION, python

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


def test_loading_tells_how_far_it_is_and_can_be_stopped() -> None:
    told: list[float] = []
    medplib.load(MODEL, progress=told.append)
    assert told == sorted(told)
    assert told[-1] > 0.99
    with pytest.raises(medplib.CancelledError):
        medplib.load(MODEL, progress=lambda part: part < 0.5)
    with pytest.raises(ZeroDivisionError):
        medplib.load(MODEL, progress=lambda _: 1 / 0)


# Forks


def test_a_forked_child_gets_an_error_and_does_not_hang() -> None:
    script = (
        "import os, medplib, medplib.errors\n"
        f"model = medplib.load(); session = model.session({str(PICTURE)!r})\n"
        "session.ask('What is this?', max_new_tokens=2)\n"
        "if os.fork() == 0:\n"
        "    for call in (medplib.load, model.session, lambda: session.ask('What?'), medplib.verify):\n"
        "        try:\n"
        "            call()\n"
        "        except medplib.StateError as error:\n"
        "            print('spawn' in str(error), flush=True)\n"
        "    os._exit(0)\n"
        "os.wait()\n"
        "print(session.ask('What is this?', max_new_tokens=2).finish)\n"
    )
    assert python("-c", script).stdout.split() == ["True"] * 4 + ["length"]


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


def test_an_image_outlives_its_place_in_a_session(model: medplib.Model) -> None:
    session, seen = model.session(), []
    for grey in (10, 20, 30):
        session.set_images([np.full((20, 30, 3), grey, np.uint8)] * (grey // 10))
        seen.append(session.image)
    assert [image.array[0, 0, 0] for image in seen if image is not None] == [10, 20, 30]


def test_a_stream_outlives_its_session() -> None:
    stream = medplib.load(MODEL).session(PICTURE).stream("What is this?", temperature=5.0, seed=3, max_new_tokens=12)
    gc.collect()
    assert "".join(stream) == stream.answer.text


def test_a_session_of_ones_own_that_asks_before_it_is_made_is_told(model: medplib.Model) -> None:
    class Hasty(medplib.Session):
        def __init__(self, model: medplib.Model) -> None:
            for use in (self.reset_chat, self.__repr__, lambda: self.context, lambda: self.ask("What is this?")):
                with pytest.raises(medplib.InvalidArgumentError, match=r"This Hasty is used before .*__init__"):
                    use()
            super().__init__(model)

    assert Hasty(model).context > 0


@pytest.mark.parametrize("kind", [medplib.Answer, medplib.Image, medplib.Mask, medplib.Model, medplib.Region])
def test_what_nobody_made_is_told(kind: Any) -> None:
    with pytest.raises(medplib.InvalidArgumentError, match=f"This {kind.__name__} is used before"):
        repr(kind.__new__(kind))


def test_what_only_says_that_it_is_one_is_refused(model: medplib.Model) -> None:
    with pytest.raises(medplib.InvalidArgumentError):
        medplib.Session(mock.Mock(spec=medplib.Model))
    with pytest.raises(TypeError):
        model.session(PICTURE).ask("What is this?", regions=[mock.Mock(spec=medplib.Region)])
    region = medplib.Region.box(0, 0, 2, 2)
    whole = medplib.Mask.from_region(weakref.proxy(region), 3, 3)
    assert whole.area == 9, "a proxy is as good as what it stands for"


def test_memory_stays_level() -> None:
    ended = python(str(Path(__file__).with_name("memory_slope.py")), "open and close=100", "ask=100", check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.count(": level") == 2


def test_a_planted_leak_is_found() -> None:
    ended = python(str(Path(__file__).with_name("memory_slope.py")), "leak=50", check=False)
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert ended.stdout.rstrip().endswith("bytes each: not level")
