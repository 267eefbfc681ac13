"""Text that is read while it comes."""

from __future__ import annotations

from typing import Any

import medplib
import pytest
from golden import QUESTION

LONG: Any = {"temperature": 5.0, "seed": 3, "max_new_tokens": 12}


def test_the_pieces_make_up_the_answer_that_ask_gives(session: medplib.Session) -> None:
    stream = session.stream("What is this?", **LONG)
    pieces = list(stream)
    expected = session.ask("What is this?", **LONG)
    assert len(pieces) > 1
    assert "".join(pieces) == stream.answer.text == expected.text
    assert stream.answer.tokens == expected.tokens


def test_the_answer_has_its_masks(session: medplib.Session) -> None:
    stream = session.stream(QUESTION, box=(20, 20, 120, 120))
    for _ in stream:
        pass
    assert len(stream.answer) == 1
    assert len(stream.answer.regions) == 1


def test_the_answer_is_not_there_before_the_end(session: medplib.Session) -> None:
    stream = session.stream("What is this?", **LONG)
    next(stream)
    with pytest.raises(medplib.StateError, match="once all of its text was read"):
        _ = stream.answer
    assert "under way" in repr(stream)
    stream.close()


def test_closing_early_cancels_and_the_session_goes_on(session: medplib.Session) -> None:
    stream = session.stream("What is this?", **LONG)
    for _ in stream:
        break
    stream.close()
    assert list(stream) == []
    assert len(session.ask(QUESTION)) == 1


def test_forgetting_a_stream_cancels_it(session: medplib.Session) -> None:
    for _ in session.stream("What is this?", **LONG):
        break
    assert len(session.ask(QUESTION)) == 1


def test_the_end_of_a_with_cancels(session: medplib.Session) -> None:
    with session.stream("What is this?", **LONG) as stream:
        for _ in stream:
            break
    assert list(stream) == []
    assert len(session.ask(QUESTION)) == 1
    with pytest.raises(medplib.StateError, match="never when it was cancelled"):
        _ = stream.answer


def test_an_answer_that_came_to_its_end_outlives_the_with(session: medplib.Session) -> None:
    with session.stream(QUESTION) as stream:
        text = "".join(stream)
    assert stream.answer.text == text


def test_errors_come_out_of_the_stream(session: medplib.Session, model: medplib.Model) -> None:
    with pytest.raises(medplib.InvalidArgumentError):
        list(session.stream(""))
    with pytest.raises(medplib.StateError):
        next(model.session().stream("What is this?"))


def test_wrong_options_are_refused_at_once(session: medplib.Session) -> None:
    with pytest.raises(medplib.InvalidArgumentError, match="on_text"):
        session.stream("What is this?", on_text=print)
    with pytest.raises(medplib.InvalidArgumentError, match="x0, y0, x1, y1"):
        session.stream("What is this?", box=(1, 2))
