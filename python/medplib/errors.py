"""What goes wrong, as exceptions: one class for each code of the engine."""

from __future__ import annotations

import reprlib
from collections.abc import Sequence
from typing import Any

LONGEST_MESSAGE = 1000  # characters


class MedplibError(RuntimeError):
    """A sentence that says what was wrong, where, and what to do; `code` is the engine's name for it.

    The sentence has 1,000 characters at most. Where it is about many things, it counts them and names the first five
    of each kind, and `details` lists them all, one a line.
    """

    code = "INTERNAL"

    def __init__(self, message: str = "", details: Sequence[str] = ()) -> None:
        super().__init__(shortened(message, LONGEST_MESSAGE))
        self.details = list(details)


class InvalidArgumentError(MedplibError):
    """An argument, option, question or region cannot be used."""

    code = "INVALID_ARG"


class NotFoundError(MedplibError):
    """A file or a named thing does not exist."""

    code = "NOT_FOUND"


class FormatError(MedplibError):
    """A file is there but is not what it should be."""

    code = "FORMAT"


class HostMemoryError(MedplibError):
    """The machine is out of memory."""

    code = "OOM_HOST"


class DeviceMemoryError(MedplibError):
    """The device is out of memory."""

    code = "OOM_DEVICE"


class DeviceError(MedplibError):
    """The device is missing or failed."""

    code = "DEVICE"


class CancelledError(MedplibError):
    """Somebody asked to stop."""

    code = "CANCELLED"


class CallbackError(MedplibError):
    """A callback failed."""

    code = "CALLBACK"


class VersionError(MedplibError):
    """Made for another version."""

    code = "VERSION"


class StateError(MedplibError):
    """Not now: the object is in another state."""

    code = "STATE"


class UnsupportedError(MedplibError):
    """Well-formed, but this engine cannot do it."""

    code = "UNSUPPORTED"


class IoError(MedplibError):
    """Reading or writing failed."""

    code = "IO"


class InternalError(MedplibError):
    """A defect of the engine."""


def shortened(text: str, most: int) -> str:
    """The text itself, or its beginning and end with "…" between, `most` characters in all."""
    kept = most - 1
    return text if len(text) <= most else f"{text[: kept - kept // 2]}…{text[len(text) - kept // 2 :]}"


class _Shown(reprlib.Repr):
    """Values in a sentence: arrays by their shape, and of what is long the beginning."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 2
        self.maxlist = self.maxtuple = self.maxset = self.maxfrozenset = self.maxdeque = self.maxdict = (
            self.maxarray
        ) = 5
        self.maxstring = self.maxother = self.maxlong = 60

    def repr_int(self, x: int, level: int) -> str:
        # Python writes no more than some thousand digits.
        return super().repr_int(x, level) if x.bit_length() < 1000 else f"an integer of {x.bit_length()} bits"

    def repr_instance(self, x: Any, level: int) -> str:
        shape = getattr(x, "shape", None)
        if isinstance(shape, tuple) and shape:
            return f"{type(x).__name__} of {' × '.join(map(str, shape))}"
        return super().repr_instance(x, level)


shown = _Shown().repr
"""A value as a sentence may show it."""

BY_CODE: dict[str, type[MedplibError]] = {each.code: each for each in MedplibError.__subclasses__()}
