"""Sees to it that the extension module can be loaded, and refuses with sentences: import this before `_core`.

`_core` uses the libraries of the torch it was built with; another version's would crash it.
"""

from __future__ import annotations

import functools
import importlib.util
import re
from collections.abc import Callable
from types import BuiltinFunctionType
from typing import Any

from . import _require_torch
from .errors import InvalidArgumentError, shown

if importlib.util.find_spec("medplib._core") is None:
    raise ImportError(
        "medplib's engine is not built here: build it and put build/python on PYTHONPATH, or install it with "
        "`pip install .`."
    )

import torch

_require_torch(torch.__version__)


def _say_what_is_refused(owner: Any, within: str = "") -> None:
    """Has what the functions of a module or class cannot take refused in a sentence, not by pybind11's TypeError."""
    for name, member in list(vars(owner).items()):
        called = getattr(member, "__func__", member)
        has_name = name == "__init__" or not name.startswith("__")  # what Python calls has TypeErrors of its own
        if isinstance(member, type):
            _say_what_is_refused(member, f"{name}.")
        elif has_name and isinstance(called, BuiltinFunctionType) and called.__doc__:
            saying = _saying(called, within + name)
            setattr(owner, name, staticmethod(saying) if isinstance(member, staticmethod) else saying)


def _saying(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """The same function. Errors: InvalidArgumentError too, where the arguments are not those that it takes."""

    @functools.wraps(function)
    def call(*given: Any, **named: Any) -> Any:
        try:
            return function(*given, **named)
        except TypeError as error:
            told_by_callback = error.__traceback__ is not None and error.__traceback__.tb_next is not None
            if told_by_callback or "): incompatible " not in str(error):
                raise
            raise InvalidArgumentError(_refusal(name, str(function.__doc__), given, named)) from None

    call.__qualname__ = name
    return call


def _refusal(name: str, doc: str, given: tuple[Any, ...], named: dict[str, Any]) -> str:
    """`doc` begins with pybind11's signature: "point(x: typing.SupportsFloat | typing.SupportsIndex, …) -> …"."""
    takes = re.sub(r"\b([a-z_]\w*\.)+", "", doc[doc.index("(") + 1 : doc.index(") -> ")])
    takes = re.sub(r"Supports(Int|Float) \| SupportsIndex", lambda kind: kind[1].lower(), takes)
    takes = takes.replace("PathLike | str | bytes", "str | PathLike")
    if takes.startswith("self: "):
        takes, given = takes.partition(", ")[2], given[1:]
    values = [*map(shown, given), *(f"{key}={shown(value)}" for key, value in named.items())]
    name = name.removesuffix(".__init__")
    return f"{name} takes ({takes}), not ({', '.join(values)}): a value is of another type or cannot be used."


_say_what_is_refused(importlib.import_module("medplib._core"))
