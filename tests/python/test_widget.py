"""The widget's Python side: what the browser asks for, what it is shown, and the code that does the same."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import medplib
import numpy as np
import numpy.typing as npt
import pytest
from golden import QUESTION
from medplib.widget import ImageView
from PIL import Image

BOX = [20, 20, 120, 120]


@pytest.fixture
def view(session: medplib.Session) -> ImageView:
    return ImageView(session)


def act(view: ImageView, what: str, *given: Any) -> None:
    """As the browser does."""
    view._handle_custom_msg(json.loads(json.dumps({"do": what, "with": given})), [])


def picture(view: ImageView) -> npt.NDArray[np.uint8]:
    bundle = view._repr_mimebundle_()
    assert bundle is not None
    assert "application/vnd.jupyter.widget-view+json" in bundle[0]
    with Image.open(io.BytesIO(base64.b64decode(bundle[0]["image/png"]))) as shown:
        return np.array(shown.convert("RGB"))


def run(code: str, session: medplib.Session) -> dict[str, Any]:
    names: dict[str, Any] = {"medplib": medplib, "session": session}
    exec(code, names)
    return names


def test_what_is_drawn_is_asked_about(view: ImageView, session: medplib.Session) -> None:
    act(view, "draw", "box", BOX)
    act(view, "ask", QUESTION)
    assert view.answer is not None
    expected = session.ask(QUESTION, box=BOX)
    np.testing.assert_array_equal(view.answer[0].logits, expected[0].logits)
    assert (session.ask(QUESTION)[0].logits != expected[0].logits).any()
    assert view.text == expected.text
    assert [mask["rle"] for mask in view.masks] == [expected[0].rle]
    assert not view.busy


def test_the_text_comes_in_pieces(view: ImageView, session: medplib.Session) -> None:
    pieces: list[str] = []
    session.ask(QUESTION, on_text=pieces.append)
    seen: list[str] = []
    view.observe(lambda change: seen.append(change["new"]), "text")
    view.ask(QUESTION)
    assert seen == ["".join(pieces[: count + 1]) for count in range(len(pieces))]


def test_the_code_does_the_same_without_the_widget(view: ImageView, session: medplib.Session) -> None:
    act(view, "draw", "point", [5, 7])
    act(view, "clear")
    act(view, "draw", "box", BOX)
    act(view, "draw", "scribble", [[30, 40], [50, 60], [70, 60]])
    act(view, "draw", "polygon", [[30, 40], [50, 60], [70, 60]])
    act(view, "ask", 'Where\'s the "tumour"?')
    act(view, "segment", "tumour")
    act(view, "show", 0, False)
    names = run(view.code, session)
    assert view.answer is not None
    assert list(map(repr, names["regions"])) == list(map(repr, view.answer.regions))
    assert names["answer"].prompt == view.answer.prompt
    np.testing.assert_array_equal(names["answer"][0].logits, view.answer[0].logits)
    assert names["shown"] == []
    act(view, "show", 0, True)
    assert [mask.rle for mask in run(view.code, session)["shown"]] == [view.answer[0].rle]


def test_without_a_place_the_code_names_none(view: ImageView, session: medplib.Session) -> None:
    act(view, "segment", "tumour")
    assert view.code == "answer = session.segment('tumour')\n"


def test_where_widgets_do_not_run_a_picture_shows_the_same(view: ImageView, session: medplib.Session) -> None:
    assert session.image is not None
    np.testing.assert_array_equal(picture(view), session.image.array)
    view.draw("box", BOX)
    pointed_at = picture(view)
    assert (pointed_at[20, 20:121] != session.image.array[20, 20:121]).any(1).all()
    answer = view.ask(QUESTION)
    assert repr(view) == "<medplib.ImageView places: 1, masks: 1>"
    with Image.open(io.BytesIO(answer._repr_png_())) as overlay:
        np.testing.assert_array_equal(picture(view), np.array(overlay.convert("RGB")))
    view.show(0, False)
    np.testing.assert_array_equal(picture(view), pointed_at)


def test_a_state_goes_through_json_and_is_done_again(view: ImageView, session: medplib.Session) -> None:
    view.draw("box", BOX)
    view.ask(QUESTION)
    view.show(0, False)
    view.clear()
    view.draw("point", np.array([60, 70]))
    again = ImageView(session, json.loads(json.dumps(view.state)))
    assert again.answer is not None
    assert view.answer is not None
    np.testing.assert_array_equal(again.answer[0].logits, view.answer[0].logits)
    assert {**again.state, "code": ""} == {**view.state, "code": ""}
    fresh = ImageView(session)
    assert ImageView(session, fresh.state).state == fresh.state


def test_errors_are_shown_in_the_browser_and_raised_in_python(view: ImageView) -> None:
    act(view, "draw", "point", [9000, 9000])
    act(view, "ask", QUESTION)
    assert "outside" in view.error
    assert not view.busy
    assert view.masks == []
    act(view, "clear")
    assert view.error == ""
    act(view, "ask", "")
    assert "question" in view.error.lower()
    with pytest.raises(medplib.InvalidArgumentError, match="no mask 0"):
        view.show(0, False)
    with pytest.raises(medplib.InvalidArgumentError, match="one of point, box"):
        view.draw("circle", BOX)
    with pytest.raises(medplib.InvalidArgumentError, match="x0, y0, x1, y1"):
        view.draw("box", [1, 2])
    assert view.regions == []


def test_after_an_error_the_old_masks_are_gone_from_the_picture(view: ImageView, session: medplib.Session) -> None:
    view.ask(QUESTION)
    act(view, "ask", "")
    assert session.image is not None
    np.testing.assert_array_equal(picture(view), session.image.array)


def test_a_failed_question_is_no_part_of_the_state_nor_of_the_code(view: ImageView, session: medplib.Session) -> None:
    act(view, "segment", "tumour")
    code = view.code
    act(view, "ask", "")
    assert view.error
    assert view.asked == {}
    assert view.code == code
    again = ImageView(session, json.loads(json.dumps(view.state)))
    assert again.answer is None
    act(view, "draw", "box", BOX)
    act(view, "ask", QUESTION)
    assert run(view.code, session)["answer"].tokens == ImageView(session, view.state).answer.tokens  # type: ignore[union-attr]


def test_another_image_of_the_session_takes_the_place_of_the_one_shown(model: medplib.Model) -> None:
    session = model.session(np.full((150, 330), 60, np.uint8))
    view = ImageView(session)
    view.draw("box", BOX)
    view.segment("tumour")
    session.set_image(np.full((40, 30), 90, np.uint8))
    assert picture(view).shape == (40, 30, 3)
    assert not view.places and not view.masks
    view.segment("tumour")
    assert picture(view).shape == (40, 30, 3)


def test_a_session_without_an_image_is_refused(model: medplib.Model) -> None:
    with pytest.raises(medplib.StateError, match="set_image"):
        ImageView(model.session())
