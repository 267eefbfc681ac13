"""MedPLIB: ask questions about medical images and have structures drawn in them.

>>> import medplib
>>> session = medplib.load().session("retina.jpg")
>>> print(session.ask("Which modality is this?"))
>>> session.segment("optic disc")[0].save("disc.png")

The engine, and before it torch, whose version is compared, is loaded when one of its names is first used: `python -m
medplib.data` and the like, which need neither, start at once and run where nothing is built.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from .errors import (
    CallbackError,
    CancelledError,
    DeviceError,
    DeviceMemoryError,
    FormatError,
    HostMemoryError,
    InternalError,
    InvalidArgumentError,
    IoError,
    MedplibError,
    NotFoundError,
    StateError,
    UnsupportedError,
    VersionError,
)

if TYPE_CHECKING:
    from ._built import __version__
    from .engine import (
        Answer,
        Image,
        Mask,
        Model,
        Region,
        Session,
        Stream,
        Timing,
        Trace,
        ask,
        inspect,
        load,
        segment,
        set_log,
        set_threads,
        threads,
        verify,
    )
    from .predictor import Predictor

__all__ = [
    "Answer",
    "CallbackError",
    "CancelledError",
    "DeviceError",
    "DeviceMemoryError",
    "FormatError",
    "HostMemoryError",
    "Image",
    "InternalError",
    "InvalidArgumentError",
    "IoError",
    "Mask",
    "MedplibError",
    "Model",
    "NotFoundError",
    "Predictor",
    "Region",
    "Session",
    "StateError",
    "Stream",
    "Timing",
    "Trace",
    "UnsupportedError",
    "VersionError",
    "__version__",
    "ask",
    "inspect",
    "load",
    "segment",
    "set_log",
    "set_threads",
    "threads",
    "verify",
]

if not TYPE_CHECKING:
    _SUBMODULES = ("batch", "data", "errors", "interop", "ray", "report", "widget")

    def __dir__() -> list[str]:
        return sorted([*__all__, *_SUBMODULES])

    def __getattr__(name: str) -> object:
        if name in _SUBMODULES:
            return importlib.import_module(f".{name}", __name__)
        if name not in __all__:
            raise AttributeError(f"module 'medplib' has no attribute '{name}'")
        from . import engine, predictor

        globals().update({each: getattr(engine, each) for each in engine.__all__}, Predictor=predictor.Predictor)
        return globals()[name]
