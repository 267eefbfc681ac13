"""MedPLIB: ask questions about medical images and have structures drawn in them.

>>> import medplib
>>> session = medplib.load().session("retina.jpg")
>>> print(session.ask("Which modality is this?"))
>>> session.segment("optic disc")[0].save("disc.png")

The engine, and before it torch, is loaded when one of its names is first used: `python -m medplib.data` and the like,
which need neither, start at once and run where nothing is built. Where the engine is built, but another version of
torch is installed than it was built with, the import fails.
"""

from __future__ import annotations

import importlib.util
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


def _require_torch(version: str) -> None:
    """Errors: ImportError, where the engine was built with another."""
    from ._built import TORCH

    if version.split("+")[0] != TORCH:
        raise ImportError(
            f"medplib was built with torch {TORCH}, but torch {version} is installed: run "
            f"`pip install torch=={TORCH}`, or build medplib again."
        )


def _require_installed_torch() -> None:
    """The same of the torch that is installed, if one is and an engine is built, without loading it."""
    if importlib.util.find_spec("medplib._built") is None:
        return
    from importlib import metadata

    try:
        version = metadata.version("torch")
    except metadata.PackageNotFoundError:
        return
    _require_torch(version)


_require_installed_torch()

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
