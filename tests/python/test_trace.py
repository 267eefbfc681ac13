"""A look inside an answer: what the language model looked at, and which experts it took."""

from __future__ import annotations

import medplib
import numpy as np
import pytest
from golden import QUESTION

BOX = (20, 20, 120, 120)


@pytest.fixture(scope="module")
def trace(session: medplib.Session) -> medplib.Trace:
    return session.trace(QUESTION, box=BOX)


def test_the_answer_is_the_one_that_ask_gives(trace: medplib.Trace, session: medplib.Session) -> None:
    answer = session.ask(QUESTION, box=BOX)
    assert trace.answer.tokens == answer.tokens
    np.testing.assert_array_equal(trace.answer[0].logits, answer[0].logits)


def test_each_row_has_its_piece(trace: medplib.Trace) -> None:
    timing = trace.answer.timing
    assert len(trace.rows) == timing.prompt_tokens + timing.generated_tokens
    assert trace.rows.count("<region>") == 2  # the token that announces it, and its own row
    first, last = trace.image_rows[0], trace.image_rows[-1]
    assert trace.image_rows == list(range(first, last + 1))
    assert len(trace.segs) == len(trace.answer) == 1
    assert [trace.rows[row + 1] for row in trace.segs] == ["<SEG>"]


def test_attention_is_shared_out_among_the_rows_so_far(trace: medplib.Trace) -> None:
    rows = len(trace.rows)
    assert len(trace.attention) >= 2
    for layer in trace.attention:
        assert layer.shape == (rows, rows)
        np.testing.assert_allclose(layer.sum(1), 1, atol=1e-5)
        assert (layer >= 0).all()
        assert not np.triu(layer, 1).any()


def test_the_experts_are_those_that_the_router_holds_for_the_best(trace: medplib.Trace) -> None:
    assert len(trace.experts) == len(trace.router) > 0
    for router, experts in zip(trace.router, trace.experts, strict=True):
        assert router.shape[0] == len(experts) == len(trace.rows)
        best = -np.sort(-router, 1)[:, : experts.shape[1]]
        np.testing.assert_array_equal(np.take_along_axis(router, experts.astype(np.int64), 1), best)


def test_the_pass_that_is_looked_into_takes_the_way_of_the_one_that_answered(trace: medplib.Trace) -> None:
    """Token by token over a cache there, all at once here."""
    taken = [
        np.bincount(experts.ravel(), minlength=router.shape[1]).tolist()
        for router, experts in zip(trace.router, trace.experts, strict=True)
    ]
    assert taken == trace.answer.routing
    assert len({tuple(experts.ravel().tolist()) for experts in trace.experts}) > 1


def test_the_routing_by_kind_of_token_is_that_of_these_rows(trace: medplib.Trace) -> None:
    by_kind = trace.answer.routing_by_kind
    assert set(by_kind) >= {"image", "question", "answer", "seg"}
    for layer, (router, experts) in enumerate(zip(trace.router, trace.experts, strict=True)):
        count = router.shape[1]
        assert by_kind["seg"][layer] == np.bincount(experts[trace.segs].ravel(), minlength=count).tolist()
        images = [row for row, piece in enumerate(trace.rows) if piece == "<image>" and row not in trace.segs]
        assert by_kind["image"][layer] == np.bincount(experts[images].ravel(), minlength=count).tolist()
        assert np.sum([counts[layer] for counts in by_kind.values()], axis=0).tolist() == trace.answer.routing[layer]


def test_a_trace_shows_itself_in_a_line(trace: medplib.Trace) -> None:
    shown = repr(trace)
    assert f"{len(trace.rows)} rows, {len(trace.attention)} layers" in shown
    assert trace.answer.text in shown
    assert len(shown) < 200


def test_what_cannot_be_asked_cannot_be_traced(session: medplib.Session, model: medplib.Model) -> None:
    with pytest.raises(medplib.InvalidArgumentError):
        session.trace("")
    with pytest.raises(medplib.InvalidArgumentError, match="on_text"):
        session.trace(QUESTION, on_text=print)
    with pytest.raises(medplib.StateError):
        model.session().trace(QUESTION)
