"""What users stumble over: words, places, endings and devices. A test is named FAULT__WHERE_it_is_met."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import medplib
import numpy as np
import pytest
from golden import MODEL, PICTURE, QUESTION
from medplib import batch
from medplib.data.words import INVISIBLE, plain_words
from medplib.predictor import Predictor
from PIL import Image

BOX = (20, 20, 120, 120)
# Seen as "left lung".
ODD = "\ufeff left\u00a0\nlu\u00adng\u200b "


@pytest.fixture(scope="module")
def untaught(tmp_path_factory: pytest.TempPathFactory) -> medplib.Model:
    """A model that never learnt to look for a phrase in a region, nor to estimate its IoU."""
    folder = tmp_path_factory.mktemp("model") / "untaught"
    shutil.copytree(MODEL, folder)
    facts = {"format_version": 1, "segment_in_region": False, "iou_estimate": False}
    (folder / "medplib.json").write_text(json.dumps(facts))
    return medplib.load(folder, device="cpu")


# White space in words


@pytest.mark.parametrize(
    "put",
    [
        lambda session, words: session.ask(words, max_new_tokens=2),
        lambda session, words: session.segment(words, max_new_tokens=2),
        lambda session, words: session.chat(words, max_new_tokens=2),
        lambda session, words: session.trace(words, max_new_tokens=2).answer,
        lambda session, words: session.ask_many([words], max_new_tokens=2)[0],
        lambda session, words: session.segment_many([words], max_new_tokens=2)[0],
        lambda session, words: streamed(session, words),
    ],
    ids=["ask", "segment", "chat", "trace", "ask_many", "segment_many", "stream"],
)
def test_white_space_in_words__python__are_asked_as_they_are_seen(
    model: medplib.Model, put: Callable[[medplib.Session, str], medplib.Answer]
) -> None:
    odd, plain = (put(model.session(PICTURE), each) for each in (ODD, "left lung"))
    assert "left lung" in odd.prompt
    assert (odd.prompt, odd.tokens) == (plain.prompt, plain.tokens)


def streamed(session: medplib.Session, words: str) -> medplib.Answer:
    stream = session.stream(words, max_new_tokens=2)
    list(stream)
    assert stream.answer is not None
    return stream.answer


def test_white_space_in_words__python__of_training_data_is_as_in_questions(session: medplib.Session) -> None:
    around = {code for first, last in INVISIBLE for code in (first - 1, first, last, last + 1) if code >= 0}
    spaces = {code for code in range(0x3001) if chr(code).isspace()}
    text = "a".join(chr(code) for code in sorted(around | spaces))
    assert plain_words(text) in session.ask(text, max_new_tokens=1).prompt
    assert plain_words(" \u200b a \u200b b") == "a b"


def test_white_space_in_words__python__name_the_mask(model: medplib.Model) -> None:
    assert model.session(PICTURE, compat="reference").segment(ODD, max_new_tokens=1)[0].label == "left lung"


def test_white_space_in_words__python__of_nothing_else_are_no_words(session: medplib.Session) -> None:
    with pytest.raises(medplib.InvalidArgumentError, match="is empty"):
        session.ask("\u200b \ufeff")
    with pytest.raises(medplib.InvalidArgumentError, match="is empty"):
        session.segment("\u00ad")


# Phrase and region


@pytest.mark.parametrize(
    "place",
    [
        {"box": BOX},
        {"point": (30, 30)},
        {"polygon": [(20, 20), (120, 20), (120, 120)]},
        {"scribble": [(20, 20), (120, 120)]},
        {"mask": np.ones((150, 330), bool)},
        {"regions": [medplib.Region.box(*BOX)]},
    ],
    ids=lambda place: next(iter(place)),
)
def test_phrase_and_region__python__segment_is_refused_by_the_manifest(
    untaught: medplib.Model, place: dict[str, Any]
) -> None:
    session = untaught.session(PICTURE)
    with pytest.raises(medplib.UnsupportedError, match="give the box, or clicks, to refine"):
        session.segment("tumour", **place)
    assert session.ask("What is this?", max_new_tokens=1, **place).prompt


def test_phrase_and_region__python__segment_many_refuses_that_one(untaught: medplib.Model) -> None:
    refused, drawn = untaught.session(PICTURE).segment_many(["tumour"] * 2, each=[{"box": BOX}, {}], max_new_tokens=1)
    assert isinstance(refused, medplib.UnsupportedError)
    assert isinstance(drawn, medplib.Answer)


def test_phrase_and_region__python__batch_says_so_in_the_row(untaught: medplib.Model) -> None:
    (row,) = batch.segment([PICTURE], "tumour", model=untaught, bar=False, box=BOX)
    assert row["error"]["code"] == "UNSUPPORTED"


def test_phrase_and_region__python__the_widget_shows_why(untaught: medplib.Model) -> None:
    widget = pytest.importorskip("medplib.widget")
    view = widget.ImageView(untaught.session(PICTURE))
    view.draw("box", BOX)
    view._act(None, {"do": "segment", "with": ["tumour"]}, [])
    assert "to refine" in view.error


def test_phrase_and_region__python__info_says_so(untaught: medplib.Model, model: medplib.Model) -> None:
    assert (untaught.info["segments_in_region"], untaught.info["estimates_iou"]) == (False, False)
    assert (model.info["segments_in_region"], model.info["estimates_iou"]) == (True, True)


# An IoU estimate that was never taught


def test_untaught_iou_estimate__python__is_none(untaught: medplib.Model) -> None:
    session = untaught.session(PICTURE)
    answer = session.ask(QUESTION)
    assert [mask.iou_estimate for mask in answer] == [None]
    assert session.refine(box=BOX).iou_estimate is None
    assert json.loads(answer.to_json())["masks"][0]["iou_estimate"] is None
    assert batch.row_of(answer)["masks"][0]["iou_estimate"] is None


def test_untaught_iou_estimate__python__is_nan_among_a_predictors_scores(untaught: medplib.Model) -> None:
    predictor = Predictor(untaught)
    predictor.set_image(np.zeros((60, 80, 3), np.uint8))
    _, scores, _ = predictor.predict(box=np.array([10, 10, 40, 40]), multimask_output=True)
    assert scores.dtype == np.float32
    assert np.isnan(scores).all()
    assert len(scores) == 3


def test_untaught_iou_estimate__python__does_not_change_the_threshold_that_refine_goes_on_with(
    untaught: medplib.Model,
) -> None:
    session = untaught.session(PICTURE)
    assert session.refine(session.refine(box=BOX, threshold=0.3), box=BOX).threshold == 0.3


# Endings

ENDINGS = ["jpg", "jpeg", "TIF", "tiff", "nii", "nii.gz", "npy", "dcm", "bmp", "gif", "webp", "png.gz"]


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("what", ["answer", "mask"])
def test_endings__python__of_another_format_are_refused(
    session: medplib.Session, tmp_path: Path, what: str, ending: str
) -> None:
    answer = session.ask(QUESTION)
    thing = answer if what == "answer" else answer[0]
    for name in (tmp_path / f"m.{ending}", str(tmp_path / f"m.{ending}")):
        with pytest.raises(medplib.InvalidArgumentError, match="written as PNG"):
            thing.save(name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["m.png", "M.PNG", "m"])
def test_endings__python__of_png_and_none_are_written(session: medplib.Session, tmp_path: Path, name: str) -> None:
    answer = session.ask(QUESTION)
    for thing in (answer, answer[0]):
        thing.save(tmp_path / name)
        assert Image.open(tmp_path / name).format == "PNG"


# Device files


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    yield reader, writer
    os.close(reader)
    os.close(writer)


@pytest.mark.parametrize("folder", ["/dev/fd", "/proc/self/fd"])
def test_device_files__python__an_open_pipe_has_the_mask(
    session: medplib.Session, tmp_path: Path, pipe: tuple[int, int], folder: str
) -> None:
    mask = session.ask(QUESTION)[0]
    mask.save(tmp_path / "plain.png")
    mask.save(f"{folder}/{pipe[1]}")
    assert os.read(pipe[0], 1 << 20) == (tmp_path / "plain.png").read_bytes()


@pytest.mark.parametrize("what", ["answer", "mask"])
def test_device_files__python__an_open_file_has_the_picture(
    session: medplib.Session, tmp_path: Path, what: str
) -> None:
    answer = session.ask(QUESTION)
    thing = answer if what == "answer" else answer[0]
    thing.save(tmp_path / "plain.png")
    with (tmp_path / "open").open("wb") as file:
        thing.save(f"/dev/fd/{file.fileno()}")
    assert (tmp_path / "open").read_bytes() == (tmp_path / "plain.png").read_bytes()


def test_device_files__python__the_null_device_stays(session: medplib.Session) -> None:
    answer = session.ask(QUESTION)
    answer.save("/dev/null")
    answer[0].save("/dev/null")
    assert Path("/dev/null").is_char_device()


# Names with NUL


@pytest.mark.parametrize(
    "call",
    [
        lambda _: medplib.Region.parse("mask:a.png\0x"),
        lambda _: medplib.Region.mask_file("a.png\0x"),
        lambda _: medplib.Image.read("a.png\0x"),
        lambda _: medplib.inspect("a\0x"),
        lambda session: session.set_image("a.png\0x"),
        lambda session: session.ask("What?", mask="a.png\0x"),
        lambda session: session.ask(QUESTION)[0].save("a.png\0x"),
        lambda session: session.ask(QUESTION).save("a.png\0x"),
    ],
)
def test_list_with_nul__python__a_name_with_one_is_refused(
    session: medplib.Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: Callable[[medplib.Session], object]
) -> None:
    monkeypatch.chdir(tmp_path)
    Image.fromarray(np.full((150, 330), 255, np.uint8)).save("a.png")
    before = Path("a.png").read_bytes()
    with pytest.raises(medplib.InvalidArgumentError):
        call(session)
    assert Path("a.png").read_bytes() == before


# One list of fields


def test_ids__python__json_has_what_the_answer_has(session: medplib.Session) -> None:
    answer = session.ask(QUESTION)
    told = json.loads(answer.to_json())
    (mask,) = told.pop("masks")
    for name, value in told.pop("timing").items():
        assert getattr(answer.timing, name) == value
    for name, value in told.items():
        assert getattr(answer, name) == value
    for name, value in mask.items():
        assert getattr(answer[0], name) == value
