"""Exceptions and the codes of the engine."""

from __future__ import annotations

import ctypes

import medplib
from medplib import errors
from programs import BUILD


def test_there_is_a_class_for_each_code_of_the_engine() -> None:
    library = ctypes.CDLL(str(BUILD / "lib/libmedplib.so"))
    library.medplib_error_name.restype = ctypes.c_char_p
    names = {library.medplib_error_name(code).decode() for code in range(-1000, 0)} - {"UNKNOWN"}
    assert len(names) >= 13
    assert set(errors.BY_CODE) == names
    for name, each in errors.BY_CODE.items():
        assert getattr(medplib, each.__name__) is each
        assert each("A sentence.").code == name
