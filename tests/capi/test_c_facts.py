"""What C says of a model, an image and a mask is what the program medplib and the Python package say.

C is called by a process of its own, this file as a program.
"""

from __future__ import annotations

import ctypes
import json
import sys
from ctypes import byref, c_char_p, c_float, c_int32, c_size_t, c_void_p
from pathlib import Path
from typing import Any

import medplib
import pytest
from golden import GOLDENS, MODEL, PICTURE, QUESTION
from programs import BUILD, run
from programs import medplib as program

DEEP = GOLDENS / "preprocess/p3_grey16_301x299.png"
PRECISIONS = {"float32": 1, "bfloat16": 2}  # MEDPLIB_PRECISION_…


class Library:
    """The functions of medplib.h that tell something."""

    def __init__(self, path: str) -> None:
        self._library = ctypes.CDLL(path)
        self._library.medplib_bytes_data.restype = c_char_p

    def made(self, function: str, *arguments: Any) -> c_void_p:
        handle = c_void_p()
        assert getattr(self._library, function)(*arguments, byref(handle)) == 0
        return handle

    def told(self, function: str, *arguments: Any) -> Any:
        """The JSON that comes as bytes."""
        return json.loads(self._library.medplib_bytes_data(self.made(function, *arguments)))

    def embedding(self) -> list[float]:
        """Of the <SEG> in the answer to the question about the picture."""
        session = self.made("medplib_session_create", self.model(), None)
        image = self.made("medplib_image_read", c_char_p(bytes(PICTURE)), None)
        assert self._library.medplib_session_set_image(session, image) == 0
        answer = self.made("medplib_ask", session, c_char_p(QUESTION.encode()), None)
        mask, needed = self.made("medplib_answer_mask", answer, c_int32(0)), c_size_t()
        assert self._library.medplib_mask_embedding(mask, None, c_size_t(0), byref(needed)) == 0
        values = (c_float * needed.value)()
        assert self._library.medplib_mask_embedding(mask, values, needed, None) == 0
        return list(values)

    def model(self) -> c_void_p:
        return self.made("medplib_model_load", c_char_p(bytes(MODEL)), None)


def main() -> None:
    library = Library(sys.argv[1])
    inspected = {
        name: library.told("medplib_inspect", c_char_p(bytes(MODEL)), c_int32(precision))
        for name, precision in PRECISIONS.items()
    }
    loaded = library.told("medplib_model_info_json", library.model())
    images = {
        str(path): library.told(
            "medplib_image_info_json", library.made("medplib_image_read", c_char_p(bytes(path)), None)
        )
        for path in (PICTURE, DEEP)
    }
    print(json.dumps({"inspected": inspected, "loaded": loaded, "images": images, "embedding": library.embedding()}))


@pytest.fixture(scope="module")
def in_c() -> Any:
    library = BUILD / "lib/libmedplib.so"
    return json.loads(run(sys.executable, Path(__file__), library, PYTHONPATH=":".join(sys.path)))


def of_the_model(info: Any) -> Any:
    """Without what the process takes for itself, whatever it is."""
    memory = info["memory"]
    itself = memory["program_bytes"]
    return info | {
        "memory_bytes": info["memory_bytes"] - itself,
        "memory": memory | {"program_bytes": 0, "resident_bytes": memory["resident_bytes"] - itself},
    }


@pytest.mark.parametrize("precision", PRECISIONS)
def test_of_a_model_it_says_what_the_command_line_says(in_c: Any, precision: str) -> None:
    in_the_program = json.loads(program("info", "--precision", precision, "--json"))
    assert of_the_model(in_c["inspected"][precision]) == of_the_model(in_the_program)


def test_of_a_loaded_model_it_says_what_it_says_of_its_folder(in_c: Any) -> None:
    assert in_c["loaded"] == in_c["inspected"]["float32"] != in_c["inspected"]["bfloat16"]


@pytest.mark.parametrize("picture", [PICTURE, DEEP], ids=lambda path: path.stem)
def test_of_an_image_it_says_what_the_command_line_says(in_c: Any, picture: Path) -> None:
    assert in_c["images"][str(picture)] == json.loads(program("info", "--image", picture, "--json"))


def test_the_embedding_of_a_mask_is_that_of_python(in_c: Any) -> None:
    (mask,) = medplib.load(MODEL, device="cpu").session(PICTURE).ask(QUESTION)
    assert mask.embedding is not None and len(mask.embedding) == 96
    assert in_c["embedding"] == pytest.approx(mask.embedding.tolist(), rel=1e-5, abs=1e-6)


if __name__ == "__main__":
    main()
