"""What goes wrong, as exceptions: one class for each code of the engine."""

from __future__ import annotations


class MedplibError(RuntimeError):
    """A sentence that says what was wrong, where, and what to do; `code` is the engine's name for it."""

    code = "INTERNAL"


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


BY_CODE: dict[str, type[MedplibError]] = {each.code: each for each in MedplibError.__subclasses__()}
