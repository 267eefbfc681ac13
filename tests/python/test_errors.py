"""Exceptions and the codes of the engine."""

from __future__ import annotations

import ctypes
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import medplib
import numpy as np
import pytest
from golden import PICTURE
from medplib import batch, errors
from programs import BUILD
from published import publish, write_safetensors


def test_there_is_a_class_for_each_code_of_the_engine() -> None:
    library = ctypes.CDLL(str(BUILD / "lib/libmedplib.so"))
    library.medplib_error_name.restype = ctypes.c_char_p
    names = {library.medplib_error_name(code).decode() for code in range(-1000, 0)} - {"UNKNOWN"}
    assert len(names) >= 13
    assert set(errors.BY_CODE) == names
    for name, each in errors.BY_CODE.items():
        assert getattr(medplib, each.__name__) is each
        assert each("A sentence.").code == name


@pytest.fixture
def misfit(tmp_path: Path) -> Path:
    """A folder of a published layout with 40 tensors too many."""
    folder = publish(tmp_path / "release", "no index", "F32", shards=1)
    (folder / "model-00001-of-00001.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    strangers = {f"model.stranger.{i:02}.{'x' * 80}": np.ones(2, np.float32) for i in range(40)}
    write_safetensors(folder / "model-00002-of-00002.safetensors", strangers, "F32")
    return folder


def test_a_long_list_is_counted_in_the_sentence_and_whole_in_the_details(misfit: Path) -> None:
    with pytest.raises(medplib.FormatError, match=r"40 unexpected: model\.stranger\.00.* and 35 more") as raised:
        medplib.load(misfit, device="cpu")
    assert len(str(raised.value)) <= 1000
    assert [line.split(".")[2] for line in raised.value.details] == [f"{i:02}" for i in range(40)]
    assert set(raised.value.details) <= set(medplib.verify(misfit))
    copy = pickle.loads(pickle.dumps(raised.value))
    assert (str(copy), copy.details, copy.code) == (str(raised.value), raised.value.details, "FORMAT")


def test_an_error_of_one_thing_has_no_details() -> None:
    with pytest.raises(medplib.NotFoundError) as raised:
        medplib.load("no folder", device="cpu")
    assert raised.value.details == []
    assert medplib.MedplibError("A sentence.").details == []


def test_a_sentence_is_no_longer_than_a_thousand_characters(session: medplib.Session) -> None:
    assert str(medplib.FormatError("ä" * 1000)) == "ä" * 1000
    cut = str(medplib.FormatError("first " + "ä" * 1000 + " last"))
    assert len(cut) == 1000
    assert cut.startswith("first ä")
    assert cut.endswith("ä last")
    name = "/".join(["x" * 200] * 15)
    for call in (lambda: session.set_image(name), lambda: medplib.load(name), lambda: session.ask("é" * 70000)):
        with pytest.raises(medplib.MedplibError) as raised:
            call()
        assert len(str(raised.value)) <= 1000


ARRAY: Any = np.arange(2000.0).reshape(40, 50)
DIGITS: Any = "12" * 5000
CALLS: list[tuple[Callable[[medplib.Session], object], str]] = [
    (lambda session: session.ask("What?", box=ARRAY), "ndarray of 40 × 50"),
    (lambda session: session.ask("What?", point=list(ARRAY)), "ndarray of 50"),
    (lambda session: session.ask("What?", polygon=[(1, 2, 3)] * 5000), r"\(1, 2, 3\), \.\.\.\]"),
    (lambda session: session.ask("What?", regions=[ARRAY]), "ndarray of 40 × 50"),
    (lambda session: session.ask("What?", temperature=ARRAY), "ndarray of 40 × 50"),
    (lambda session: session.ask("What?", scribble=DIGITS), r"'1212.*\.\.\..*12'"),
    (lambda session: medplib.Region.point(ARRAY, 1), "ndarray of 40 × 50"),
]


@pytest.mark.parametrize(("call", "saying"), CALLS)
def test_no_message_holds_an_array(
    session: medplib.Session, call: Callable[[medplib.Session], object], saying: str
) -> None:
    with pytest.raises(medplib.InvalidArgumentError, match=saying) as raised:
        call(session)
    assert len(str(raised.value)) < 500
    assert "array(" not in str(raised.value)


def test_a_row_has_the_details_of_its_error(monkeypatch: pytest.MonkeyPatch, model: medplib.Model) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise medplib.FormatError("Two are wrong.", ["one", "two"])

    monkeypatch.setattr(medplib.Session, "ask", refuse)
    (row,) = batch.ask([PICTURE], "What?", model=model, bar=False)
    assert row["error"] == {"code": "FORMAT", "message": "Two are wrong.", "details": ["one", "two"]}


def test_a_published_folder_loads(tmp_path: Path) -> None:
    folder = publish(tmp_path / "release", "bin index and twins", "F16")
    answer = medplib.load(folder, device="cpu").session(PICTURE).ask("What is this?", max_new_tokens=4)
    assert answer.tokens
    assert medplib.verify(folder) == []
    assert "pytorch_model.bin.index.json" in medplib.inspect(folder)["weights"]["left_alone"]
