"""What the engine does besides answering one question, as the C interface has it too."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import medplib
import numpy as np
import pytest
from golden import MODEL, PICTURE, QUESTION, python

BOX = (20, 20, 120, 120)
LOUD = "import medplib\nmedplib.set_log('info', lambda level, message: print(level, message))\nkept = medplib.load()\n"


def test_an_image_a_region_and_a_mask_have_embeddings(session: medplib.Session) -> None:
    image = session.embed_image()
    assert image.dtype == np.float32
    assert image.shape[0] == 576
    assert image.std() > 0
    region, other = session.embed_region(box=BOX), session.embed_region(point=(300, 20))
    mask = session.ask(QUESTION)[0].embedding
    assert mask is not None
    assert region.shape == other.shape == image.shape[1:]
    assert (region != other).any()
    assert mask.any()
    assert session.refine(box=BOX).embedding is None


def test_what_cannot_be_embedded_is_refused(session: medplib.Session, model: medplib.Model) -> None:
    with pytest.raises(medplib.InvalidArgumentError, match="no image 1"):
        session.embed_image(1)
    with pytest.raises(medplib.InvalidArgumentError, match="one place, not 0"):
        session.embed_region()
    with pytest.raises(medplib.StateError):
        model.session().embed_image()


def test_several_images_stand_in_the_prompt_and_the_first_is_drawn_on(model: medplib.Model) -> None:
    session = model.session()
    other = np.full((40, 60), 90, np.uint8)
    session.set_images([PICTURE, other])
    assert [(image.width, image.height) for image in session.images] == [(330, 150), (60, 40)]
    assert session.image is not None
    assert session.image.name == session.images[0].name
    both = session.ask(QUESTION)
    assert both.prompt.count("<image>") == 2
    assert both[0].array.shape == (150, 330)
    assert (session.embed_image(0) != session.embed_image(1)).any()
    session.set_image(other)
    assert len(session.images) == 1
    with pytest.raises(medplib.InvalidArgumentError):
        session.set_images([])


def test_many_questions_give_what_each_gives_alone(session: medplib.Session) -> None:
    pieces: list[str] = []
    each: Any = [{}, {}, {"box": BOX, "max_new_tokens": 8}]
    given = session.ask_many(["What is this?", "", QUESTION], each, max_new_tokens=4, on_text=pieces.append)
    first, second, third = given
    assert isinstance(first, medplib.Answer)
    assert isinstance(second, medplib.InvalidArgumentError)
    assert isinstance(third, medplib.Answer)
    alone = session.ask("What is this?", max_new_tokens=4), session.ask(QUESTION, box=BOX, max_new_tokens=8)
    assert [first.tokens, third.tokens] == [answer.tokens for answer in alone]
    np.testing.assert_array_equal(third[0].logits, alone[1][0].logits)
    assert len(third.regions) == 1
    assert "".join(pieces) == first.text + third.text


def test_many_phrases_are_drawn(session: medplib.Session) -> None:
    given = session.segment_many(iter(["tumour", "liver"]), threshold=0.3)
    assert [answer[0].label for answer in given if isinstance(answer, medplib.Answer)] == ["tumour", "liver"]
    assert session.segment_many([]) == []


def test_many_end_with_a_cancel_or_with_what_a_callback_raises(session: medplib.Session) -> None:
    given = session.ask_many([QUESTION] * 3, on_text=lambda _: session.cancel())
    assert [type(each) for each in given] == [medplib.CancelledError] * 3
    with pytest.raises(ZeroDivisionError):
        session.ask_many([QUESTION] * 3, on_text=lambda _: 1 / 0)
    with pytest.raises(medplib.InvalidArgumentError, match="2 to ask, but 1"):
        session.ask_many([QUESTION] * 2, [{}])
    with pytest.raises(medplib.InvalidArgumentError, match="on_text"):
        session.ask_many([QUESTION], [{"on_text": print}])


def test_a_session_says_what_it_uses(model: medplib.Model) -> None:
    session = model.session(PICTURE, context=700, compat="reference")
    assert (session.device, session.precision, session.context, session.compat) == ("cpu", "float32", 700, "reference")
    assert model.session().compat == "none"
    assert model.session().context > 700
    with pytest.raises(medplib.InvalidArgumentError, match="context"):
        model.session(PICTURE, context=20).ask(QUESTION)
    with pytest.raises(medplib.InvalidArgumentError, match="context is 0"):
        model.session(context=0)
    with pytest.raises(medplib.InvalidArgumentError, match="reference"):
        model.session(compat="other")  # type: ignore[arg-type]


def test_with_compat_reference_every_answer_has_one_mask(model: medplib.Model) -> None:
    short: Any = {"max_new_tokens": 1}
    assert len(model.session(PICTURE).ask("What is this?", temperature=5.0, seed=3, **short)) == 0
    assert len(model.session(PICTURE, compat="reference").ask("What is this?", temperature=5.0, seed=3, **short)) == 1


def test_an_image_is_read_within_limits_from_a_file_or_its_bytes(model: medplib.Model) -> None:
    content = PICTURE.read_bytes()
    read, decoded = medplib.Image.read(PICTURE), medplib.Image.decode(content, "scan 7")
    np.testing.assert_array_equal(decoded.array, read.array)
    assert decoded.name == "scan 7"
    assert decoded.info["format"] == "PNG"
    assert model.session(content).ask(QUESTION).tokens == model.session(PICTURE).ask(QUESTION).tokens
    limits: list[Any] = [{"max_pixels": 1000}, {"max_bytes": 1000}]
    for limit in limits:
        with pytest.raises(medplib.FormatError):
            medplib.Image.read(PICTURE, **limit)
        with pytest.raises(medplib.FormatError):
            medplib.Image.decode(content, **limit)


def test_sixteen_bits_are_seen_through_a_window_or_by_their_high_byte(tmp_path: Path) -> None:
    pil = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    values = np.array([[256, 512], [768, 1024]], np.uint16)
    pil.fromarray(values).save(tmp_path / "grey.png")
    assert medplib.Image.read(tmp_path / "grey.png").array.max() == 255
    high = medplib.Image.read(tmp_path / "grey.png", sixteen_bit="high_byte")
    np.testing.assert_array_equal(high.array[:, :, 0], values >> 8)
    with pytest.raises(medplib.InvalidArgumentError, match="high_byte"):
        medplib.Image.read(PICTURE, sixteen_bit="low")  # type: ignore[arg-type]


def test_a_mask_is_made_of_a_region(session: medplib.Session) -> None:
    mask = medplib.Mask.from_region(medplib.Region.box(30, 40, 90, 100), 330, 150)
    assert mask.area == 61 * 61
    assert session.refine(mask, point_coords=[(60, 60)]).array.shape == (150, 330)


def test_a_folder_is_inspected_and_verified_without_loading_it(model: medplib.Model, tmp_path: Path) -> None:
    assert medplib.inspect(MODEL)["parameters"] == model.info["parameters"] == model.parameters
    assert medplib.verify(MODEL) == []
    shutil.copytree(MODEL, tmp_path / "model")
    (tmp_path / "model/tokenizer.model").write_bytes(b"no tokenizer")
    assert any("tokenizer" in problem for problem in medplib.verify(tmp_path / "model"))
    with pytest.raises(medplib.NotFoundError):
        medplib.inspect(tmp_path / "nowhere")


def test_messages_go_where_they_are_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, str]] = []
    medplib.set_log("info", lambda level, message: told.append((level, message)))
    medplib.load(MODEL)
    assert [level for level, _ in told] == ["info"]
    medplib.set_log("error", lambda level, message: told.append((level, message)))
    medplib.load(MODEL)
    assert len(told) == 1
    raised: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", raised.append)
    medplib.set_log("info", lambda level, message: 1 / 0)
    medplib.load(MODEL)
    assert [each.exc_type for each in raised] == [ZeroDivisionError]
    medplib.set_log()
    with pytest.raises(medplib.InvalidArgumentError, match="silent"):
        medplib.set_log("loud")  # type: ignore[arg-type]


def test_a_program_may_end_with_its_callback_for_messages() -> None:
    ended = python("-c", LOUD)
    assert ended.stdout.startswith("info ")
    assert ended.stderr == ""


def test_the_number_of_threads_can_be_set() -> None:
    before = medplib.threads()
    medplib.set_threads(before + 1)
    assert medplib.threads() == before + 1
    medplib.set_threads(before)
    with pytest.raises(medplib.InvalidArgumentError):
        medplib.set_threads(0)
