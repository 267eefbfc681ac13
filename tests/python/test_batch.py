"""Many files with one model."""

from __future__ import annotations

import builtins
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import medplib
import numpy as np
import programs
import pytest
from golden import MODEL, PICTURE, QUESTION
from medplib import _bar, batch
from PIL import Image as PilImage


def test_every_image_gives_its_row_in_order(model: medplib.Model, tmp_path: Path) -> None:
    (tmp_path / "no.png").write_text("no picture")
    rows = list(batch.segment([PICTURE, tmp_path / "no.png", str(PICTURE)], "tumour", model=model))
    assert [row["image"] for row in rows] == [str(PICTURE), str(tmp_path / "no.png"), str(PICTURE)]
    assert all(row["phrase"] == "tumour" for row in rows)
    assert rows[1]["error"]["code"] == "FORMAT"
    expected = model.session(PICTURE).segment("tumour")
    assert rows[0]["masks"][0]["rle"] == expected[0].rle
    assert rows[0]["masks"] == rows[2]["masks"]
    assert json.loads(json.dumps(rows)) == rows


def test_rows_are_those_of_the_command_line(model: medplib.Model, tmp_path: Path) -> None:
    (tmp_path / "no.png").write_text("no picture")
    images = [str(PICTURE), str(tmp_path / "no.png"), str(tmp_path / "missing.png"), str(PICTURE)]
    requests = "".join(json.dumps({"image": image}) + "\n" for image in images)
    printed = programs.medplib("segment", "-", "tumour", "--jsonl", stdin=requests, code=5)
    theirs = [json.loads(row) for row in printed.splitlines()]
    for row in theirs:
        del row["line"]
        row.pop("timing", None)
    ours = json.loads(json.dumps(list(batch.segment(images, "tumour", model=model, bar=False))))
    assert ours == theirs
    assert ["error" in row for row in ours] == [False, True, True, False]


def test_a_question_is_asked_about_every_image(model: medplib.Model) -> None:
    rows = list(batch.ask([PICTURE] * 2, QUESTION, model=model, box=(20, 20, 120, 120)))
    assert [row["text"] for row in rows] == [model.session(PICTURE).ask(QUESTION, box=(20, 20, 120, 120)).text] * 2
    assert all(row["question"] == QUESTION for row in rows)


def test_images_are_read_when_their_turn_comes(model: medplib.Model) -> None:
    taken: list[int] = []

    def images() -> Any:
        for number in range(3):
            taken.append(number)
            yield np.full((20, 30), 90, np.uint8)

    rows = batch.segment(images(), "tumour", model=model)
    assert next(rows)["image"] == 0
    assert taken == [0]
    assert [row["image"] for row in rows] == [1, 2]


def truncated() -> PilImage.Image:
    """PIL reads the pixels of a file when they are first needed."""
    return PilImage.open(io.BytesIO(PICTURE.read_bytes()[:2000]))


def without_pixels() -> Any:
    pydicom = pytest.importorskip("pydicom", reason="pydicom is not installed")
    return pydicom.Dataset()


class Unwilling:
    """An array that its package does not hand over."""

    def __dlpack__(self, **how: Any) -> Any:
        raise BufferError("The array is on another device.")

    def __dlpack_device__(self) -> tuple[int, int]:
        return (1, 0)


@pytest.mark.parametrize("bad", [truncated, without_pixels, Unwilling])
def test_an_image_that_its_own_package_cannot_read_gives_its_row(model: medplib.Model, bad: Callable[[], Any]) -> None:
    rows = list(batch.segment([PICTURE, bad(), PICTURE], "tumour", model=model, bar=False))
    assert ["error" in row for row in rows] == [False, True, False]
    assert rows[1]["error"]["code"] == "FORMAT"
    assert "cannot be read: " in rows[1]["error"]["message"]


class TooLarge(Unwilling):
    def __dlpack__(self, **how: Any) -> Any:
        raise MemoryError


class Elsewhere:
    """A path whose package fetches the file when it is asked for its name."""

    def __fspath__(self) -> str:
        raise ConnectionError("The bucket is not there.")


@pytest.mark.parametrize(
    ("bad", "name", "code", "sentence"),
    [
        ("\ud800.png", "\ud800.png", "INVALID_ARG", "half a character, which no path does: '\\ud800.png'"),
        (Path("a\0.png"), "a\0.png", "INVALID_ARG", "a character of value 0"),
        (None, 1, "INVALID_ARG", "not NoneType"),
        (TooLarge(), 1, "OOM_HOST", "too little memory to read the TooLarge"),
        (Elsewhere(), 1, "FORMAT", "The Elsewhere cannot be read: The bucket is not there."),
    ],
)
def test_whatever_cannot_be_an_image_gives_its_row(
    model: medplib.Model, bad: Any, name: object, code: str, sentence: str
) -> None:
    rows = list(batch.segment([PICTURE, bad, PICTURE], "tumour", model=model, bar=False))
    assert [row["image"] for row in rows] == [str(PICTURE), name, str(PICTURE)]
    assert ["error" in row for row in rows] == [False, True, False]
    assert rows[1]["error"]["code"] == code
    assert sentence in rows[1]["error"]["message"]


def test_too_little_memory_for_a_mask_gives_its_row(model: medplib.Model) -> None:
    (row,) = batch.ask([PICTURE], QUESTION, model=model, bar=False, mask=TooLarge())
    assert row["error"]["code"] == "OOM_HOST"


def test_cancelling_ends_everything(model: medplib.Model) -> None:
    def cancelled() -> Any:
        raise medplib.CancelledError("The call was cancelled.")

    with pytest.raises(medplib.CancelledError):
        list(batch.segment([PICTURE], "tumour", model=model, on_text=lambda _: cancelled()))


@pytest.mark.parametrize("installed", [True, False])
def test_a_bar_on_a_terminal_says_how_far_it_is(
    model: medplib.Model, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], installed: bool
) -> None:
    if installed:
        pytest.importorskip("tqdm", reason="tqdm is not installed")
    else:
        imported = builtins.__import__

        def without_tqdm(name: str, *rest: Any) -> Any:
            if name.startswith("tqdm"):
                raise ImportError(name)
            return imported(name, *rest)

        monkeypatch.setattr(builtins, "__import__", without_tqdm)
    list(batch.segment([PICTURE], "tumour", model=model))
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    list(batch.segment([PICTURE] * 2, "tumour", model=model, bar=False))
    assert capsys.readouterr().err == ""
    list(batch.segment([PICTURE] * 2, "tumour", model=model))
    assert ("2/2" if installed else "2 images") in capsys.readouterr().err


def test_loading_that_takes_long_shows_a_bar(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("tqdm", reason="tqdm is not installed")
    monkeypatch.setattr(_bar, "LONG", -1)  # everything takes long
    medplib.load(MODEL)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    medplib.load(MODEL, progress=lambda part: None)
    assert capsys.readouterr().err == ""
    medplib.load(MODEL)
    assert "loading 100%" in capsys.readouterr().err
