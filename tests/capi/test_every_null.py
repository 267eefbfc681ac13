"""NULL for each pointer of each function of medplib.h, one at a time: a code and the argument's name, never a crash.

The calls are made by a process of its own, this file as a program, so that a crash is seen as one.
"""

from __future__ import annotations

import ctypes
import json
import re
import sys
from ctypes import POINTER, byref, c_char_p, c_double, c_int32, c_size_t, c_void_p, cast
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from golden import MODEL, PICTURE, QUESTION, ROOT
from programs import BUILD, run

INVALID_ARG = -1
RUBBISH = 0x5A5A
# What may be NULL, by the header's word; the options of the init functions may not.
OPTIONAL = {"options", "needed", "rows", "callback", "user"}
NUMBERS = {"int32_t": c_int32, "size_t": c_size_t, "double": c_double}
SIZES = {"medplib_session_facts": 40, "medplib_timing": 72, "medplib_load_options": 40, "medplib_image_options": 32}
SIZES |= {"medplib_session_options": 40, "medplib_ask_options": 80, "medplib_refine_options": 56}


@dataclass(frozen=True)
class Parameter:
    type: str
    name: str

    @property
    def is_pointer(self) -> bool:
        return "*" in self.type or self.type.endswith("_callback")

    @property
    def base(self) -> str:
        return self.type.replace("const", "").replace("*", "").strip()


@dataclass(frozen=True)
class Function:
    result: str
    name: str
    parameters: list[Parameter]


def functions() -> list[Function]:
    header = (ROOT / "capi/include/medplib.h").read_text(encoding="utf-8")
    found = re.findall(r"^MEDPLIB_API ([\w\s*]+?)\s*(medplib_\w+)\(([^;]*)\);", header, re.MULTILINE)
    return [Function(result, name, parameters(listed)) for result, name, listed in found]


def parameters(listed: str) -> list[Parameter]:
    return [
        Parameter(*re.split(r"\s+(?=\w+$)", " ".join(each.split()))) for each in listed.split(",") if each != "void"
    ]


class Caller:
    """Calls functions of the library with arguments that are all right but for one."""

    def __init__(self, library: str) -> None:
        self.library = ctypes.CDLL(library)
        self.library.medplib_last_error.restype = c_char_p
        self.handles: dict[str, Any] = {}
        self.make("model", "medplib_model_load", c_char_p(bytes(MODEL)), None)
        self.make("image", "medplib_image_read", c_char_p(bytes(PICTURE)), None)
        self.make("session", "medplib_session_create", self.handles["model"], None)
        assert self.library.medplib_session_set_image(self.handles["session"], self.handles["image"]) == 0
        self.make("region", "medplib_region_parse", c_char_p(b"box:20,20,60,60"))
        self.make("mask", "medplib_mask_from_region", self.handles["region"], 330, 150)
        self.make("polygons", "medplib_mask_polygons", self.handles["mask"])
        self.make("bytes", "medplib_mask_png", self.handles["mask"])
        self.make("answer", "medplib_ask", self.handles["session"], c_char_p(QUESTION.encode()), None)
        questions = (c_char_p * 1)(QUESTION.encode())
        self.make("answers", "medplib_ask_many", self.handles["session"], questions, c_size_t(1), None)

    def make(self, kind: str, function: str, *arguments: Any) -> None:
        handle = c_void_p()
        assert getattr(self.library, function)(*arguments, byref(handle)) == 0, self.last_error()
        self.handles[kind] = handle

    def last_error(self) -> str:
        return bytes(self.library.medplib_last_error()).decode()

    def number(self, function: Function, parameter: Parameter) -> float:
        if parameter.name == "struct_size":
            return next(SIZES[each.base] for each in function.parameters if each.base in SIZES)
        sizes = {
            "width": 330,
            "height": 150,
            "stride": 330,
            "byte_size": 330 * 150,
            "high": 255,
            "index": 0,
            "layer": 0,
        }
        return sizes.get(parameter.name, 0 if parameter.name == "low" else 1)

    def pointer(self, parameter: Parameter) -> Any:
        """Something to point at."""
        kind = parameter.base.removeprefix("medplib_")
        if parameter.type.endswith("const*"):
            element = c_char_p(QUESTION.encode()) if kind == "char" else self.handles.get(kind)
            return None if element is None else cast((c_void_p * 1)(cast(element, c_void_p).value), c_void_p)
        if parameter.type.endswith("**") and parameter.base.startswith("medplib_"):
            return POINTER(c_void_p)(c_void_p(RUBBISH))
        if kind in self.handles and parameter.base.startswith("medplib_"):
            return self.handles[kind]
        if parameter.type == "const char*":
            text = {"folder": str(MODEL), "path": str(PICTURE), "text": "point:1,1"}.get(parameter.name, QUESTION)
            return c_char_p(text.encode())
        buffer = ctypes.create_string_buffer(330 * 150 * 8)
        if kind.endswith("_options"):
            assert getattr(self.library, f"medplib_{kind}_init")(buffer, c_size_t(SIZES[parameter.base])) == 0
        return buffer

    def call(self, function: Function, arguments: list[Any]) -> dict[str, Any]:
        called = getattr(self.library, function.name)
        called.argtypes = [c_void_p if each.is_pointer else NUMBERS[each.type] for each in function.parameters]
        called.restype = {"void": None, "int32_t": c_int32, "size_t": c_size_t}.get(function.result, c_void_p)
        result = called(*(cast(each, c_void_p) if isinstance(each, POINTER(c_void_p)) else each for each in arguments))
        left = [each.contents.value == RUBBISH for each in arguments if isinstance(each, POINTER(c_void_p))]
        return {"result": result, "left": any(left), "error": self.last_error()}

    def arguments(self, function: Function) -> list[Any]:
        return [
            self.pointer(each) if each.is_pointer else NUMBERS[each.type](self.number(function, each))  # type: ignore[arg-type]
            for each in function.parameters
        ]


def tell(**fields: Any) -> None:
    print(json.dumps(fields), flush=True)


def main() -> None:
    caller = Caller(sys.argv[1])
    for function in functions():
        for place, parameter in enumerate(function.parameters):
            if not parameter.is_pointer or function.name == "medplib_set_log":
                continue
            nulls: list[Any] = [None]
            if parameter.type.endswith("const*"):
                nulls.append((c_void_p * 1)(None))  # NULL in the list, too
            for null in nulls:
                arguments = caller.arguments(function)
                arguments[place] = null
                tell(calls=f"{function.name}, {parameter.name}")
                tell(function=function.name, parameter=parameter.name, **caller.call(function, arguments))


def wrong(call: dict[str, Any], function: Function) -> str | None:
    """What is not as it should be about a call with a NULL."""
    optional = call["parameter"] in OPTIONAL and not function.name.endswith("_init")
    if function.result != "int32_t":
        return None if not call["result"] else "gives something"
    if optional:
        refused = call["result"] != 0 and f"{call['parameter']} is NULL" in call["error"]
        return "refuses what may be NULL" if refused else None
    if call["result"] != INVALID_ARG:
        return f"returns {call['result']}"
    if not re.search(rf"\b{call['parameter']}\b", call["error"]):
        return f"does not name the argument: {call['error']}"
    return "leaves a handle that is none" if call["left"] else None


def test_null_for_any_pointer_is_a_code_and_the_name_of_the_argument() -> None:
    declared = {each.name: each for each in functions()}
    symbols = (ROOT / "capi/symbols.txt").read_text(encoding="utf-8").splitlines()[1:]
    assert set(declared) == {line.split()[1] for line in symbols}
    printed = run(
        sys.executable, Path(__file__), BUILD / "lib/libmedplib.so", PYTHONPATH=":".join(sys.path)
    )  # which ends otherwise, after the call that it told last, in a crash
    calls = [call for call in map(json.loads, printed.splitlines()) if "function" in call]
    assert len(calls) > 130
    found = [(call["function"], call["parameter"], wrong(call, declared[call["function"]])) for call in calls]
    assert [each for each in found if each[2] is not None] == []


if __name__ == "__main__":
    main()
