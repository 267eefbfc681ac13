"""Models, sessions and what they answer."""

from __future__ import annotations

import atexit
import functools
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypedDict, Unpack

import numpy as np
import numpy.typing as npt

from . import _native as _native  # before _core
from ._bar import loading
from ._built import __version__
from ._core import Answer, Image, Mask, Region, Timing, inspect, set_threads, threads, verify
from ._core import AskOptions as _AskOptions
from ._core import Model as _Model
from ._core import Session as _Session
from ._core import set_log as _set_log
from ._inputs import (
    REGIONS,
    ImageLike,
    Labels,
    MaskLike,
    Point,
    Points,
    clicks_of,
    file_name,
    function,
    image_of,
    region_of,
    several,
    words,
)
from ._stream import Stream
from .errors import InvalidArgumentError, MedplibError, shown

__all__ = [
    "Answer",
    "Image",
    "Mask",
    "Model",
    "Region",
    "Session",
    "Stream",
    "Timing",
    "Trace",
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

atexit.register(_set_log)  # no callback of Python's is called once Python is gone


class AskOptions(TypedDict, total=False):
    """What a question may carry. Coordinates are pixels of the image: x to the right, y down."""

    point: Point  # (x, y)
    box: Point  # (x0, y0, x1, y1), both corners inside
    polygon: Points  # three or more (x, y)
    scribble: Points  # (x, y) along a line 5 pixels wide
    mask: MaskLike  # an array (H, W) or a file of the image's size, 1 and above inside, or a Mask
    regions: Sequence[Region]  # several, in the order of the prompt; before those above
    max_new_tokens: int
    temperature: float  # 0: always the likeliest word
    top_k: int  # 0: all
    top_p: float
    seed: int
    threshold: float | None  # of the masks; None: the model's
    on_text: Callable[[str], object]  # told each new piece of text; returning False stops and keeps the text


@dataclass(frozen=True, repr=False)
class Trace:
    """An answer, and what the language model did with each row that it read: prompt, image, regions and answer."""

    answer: Answer
    rows: list[str]  # of each row its piece of text; "<image>" and "<region>" where it is none
    segs: list[int]  # the rows whose states chose a <SEG>, in order
    attention: list[npt.NDArray[np.float32]]  # of each layer (rows, rows): what each looked at, mean of the heads
    router: list[npt.NDArray[np.float32]]  # of each layer with experts (rows, experts), logits
    experts: list[npt.NDArray[np.int32]]  # of each layer with experts (rows, k), most probable first

    @property
    def image_rows(self) -> list[int]:
        """Those that stand for the image, line by line of its cells."""
        return [row for row, piece in enumerate(self.rows) if piece == "<image>"]

    def __repr__(self) -> str:
        return f"<medplib.Trace {len(self.rows)} rows, {len(self.attention)} layers, {self.answer}>"


class Model(_Model):
    """Weights on a device. Immutable, shared by any number of sessions and threads.

    `folder` is by default the model inside this checkout or installation, `device` "auto" (a GPU if there is one),
    "cpu", "cuda" or "cuda:1", `precision` "float32" or "bfloat16". `progress` is told the part loaded so far, 0 to 1;
    returning False cancels.
    """

    def session(
        self,
        image: ImageLike | None = None,
        context: int | None = None,
        compat: Literal["none", "reference"] = "none",
    ) -> Session:
        """A new session, on `image` if one is given.

        `context` is how many tokens it holds, by default the model's, at most 4096. With `compat` "reference" an answer
        has always one mask, as the published evaluation draws it, instead of one for each <SEG>.
        """
        session = Session(self, context, compat)
        if image is not None:
            session.set_image(image)
        return session

    def __repr__(self) -> str:
        return f"<medplib.Model {self.name or self.folder} on {self.device}, {self.precision}>"


class Session(_Session):
    """Questions about an image, by one user. One thread at a time; `cancel` from any.

    An image is a path (PNG, JPEG, TIFF), the bytes of such a file, an Image, a PIL image, an array (H, W), (H, W, 3)
    or (H, W, 4) of uint8, or of uint16, which is seen from its darkest to its brightest value but for outliers, a torch
    tensor (H, W) or (C, H, W), or a pydicom dataset.
    """

    def set_image(self, image: ImageLike) -> None:
        """Makes `image` the one that is talked about, and forgets the chat."""
        self.set_images([image])

    def set_images(self, images: Iterable[ImageLike]) -> None:
        """The same with several, which stand in the prompt in this order; masks and places are of the first."""
        self._set_images([image_of(image) for image in several("images", images)])

    @property
    def image(self) -> Image | None:
        """The first one."""
        return next(iter(self.images), None)

    def ask(self, question: str, **options: Unpack[AskOptions]) -> Answer:
        """The answer to a question. Earlier questions play no part."""
        return self._ask(words("question", question), *_split(options))

    def segment(self, phrase: str, **options: Unpack[AskOptions]) -> Answer:
        """The answer whose masks show what the phrase names: `segment("optic disc")[0]` is the first, a Mask.

        An answer without masks says that the model does not see it; `presence` is then how likely it is there.
        """
        return self._segment(words("phrase", phrase), *_split(options))

    def ask_many(
        self, questions: Iterable[str], each: Sequence[AskOptions] | None = None, **options: Unpack[AskOptions]
    ) -> list[Answer | MedplibError]:
        """Of each question its answer, or the error that `ask` would raise; after a cancel, CancelledError of the rest.

        `each` has for each question what it alone carries, besides the options of all.
        """
        return self._ask_many(*_split_many(questions, each, options))

    def segment_many(
        self, phrases: Iterable[str], each: Sequence[AskOptions] | None = None, **options: Unpack[AskOptions]
    ) -> list[Answer | MedplibError]:
        """Of each phrase what `segment` answers; otherwise as `ask_many`."""
        return self._segment_many(*_split_many(phrases, each, options))

    def describe(self, **options: Unpack[AskOptions]) -> Answer:
        """What is at the one place that the options point at."""
        settings, on_text = _split(options)
        region = _one_place("describe", settings)
        settings.regions = []
        return self._describe(region, settings, on_text)

    def chat(self, message: str, **options: Unpack[AskOptions]) -> Answer:
        """The next answer of a conversation, which `reset_chat` and `set_image` end."""
        return self._chat(words("message", message), *_split(options))

    def stream(self, question: str, **options: Unpack[AskOptions]) -> Stream:
        """What `ask` answers, piece by piece: an iterator over text, whose `answer` is there at the end.

        It answers in a thread of its own, from the first piece that is asked for. Closing or forgetting the
        stream cancels.
        """
        words("question", question)
        settings, on_text = _split(options)
        if on_text is not None:
            raise InvalidArgumentError("stream gives the text to its reader: it takes no on_text.")
        return Stream(lambda listen: self._ask(question, settings, listen), self.cancel)

    def trace(self, question: str, **options: Unpack[AskOptions]) -> Trace:
        """What `ask` answers, and what the language model did meanwhile: for understanding, not for speed."""
        settings, on_text = _split(options)
        if on_text is not None:
            raise InvalidArgumentError("trace answers as a whole: it takes no on_text.")
        return Trace(**self._trace(words("question", question), settings))

    def embed_region(self, **place: Unpack[AskOptions]) -> npt.NDArray[np.float32]:
        """(hidden,): what the language model reads in place of the one place that is pointed at in the first image."""
        settings, _ = _split(place)
        embedding: npt.NDArray[np.float32] = self._embed_region(_one_place("embed_region", settings))[0]
        return embedding

    def refine(
        self,
        mask: Mask | None = None,
        *,
        point_coords: Points | None = None,
        point_labels: Labels | None = None,
        box: Point | None = None,
        threshold: float | None = None,
    ) -> Mask:
        """A better mask from points (N, 2), labelled 1 (inside, the default) or 0 (outside), and / or a box."""
        if mask is not None and not isinstance(mask, Mask):
            raise InvalidArgumentError(f"mask is a Mask, such as segment gives, not {type(mask).__name__}.")
        clicks = clicks_of(point_coords, point_labels)
        settings, _ = _split({"threshold": threshold})
        return self._refine(mask, clicks, None if box is None else region_of("box", box), settings.threshold)

    def __repr__(self) -> str:
        return f"<medplib.Session on {self.image or 'no image'}>"


def load(
    folder: str | os.PathLike[str] | None = None,
    device: str = "auto",
    precision: str = "float32",
    progress: Callable[[float], object] | None = None,
) -> Model:
    """The model in `folder`, by default the one inside this checkout or installation; see Model.

    Without `progress` a bar says how far it is, if it takes long.
    """
    if folder is not None:
        folder = file_name("folder", folder)
    if function("progress", progress) is not None:
        return Model(folder, device, precision, progress)
    with loading() as progress:
        return Model(folder, device, precision, progress)


def set_log(
    level: Literal["debug", "info", "warning", "error", "silent"] = "warning",
    callback: Callable[[str, str], object] | None = None,
) -> None:
    """Messages of this level and above go to `callback`, as level and text, or to stderr.

    It is called in the thread that the message is from, in several at once; what it raises goes to sys.unraisablehook.
    No message holds an image, a question or an answer.
    """
    _set_log(level, function("callback", callback))


def ask(image: ImageLike, question: str, **options: Unpack[AskOptions]) -> Answer:
    """The answer of the embedded model to a question about an image."""
    return _embedded().session(image).ask(question, **options)


def segment(image: ImageLike, phrase: str, **options: Unpack[AskOptions]) -> Answer:
    """What the phrase names, drawn by the embedded model."""
    return _embedded().session(image).segment(phrase, **options)


@functools.cache
def _embedded() -> Model:
    return load()


def _one_place(verb: str, settings: _AskOptions) -> Region:
    if len(settings.regions) != 1:
        raise InvalidArgumentError(f"{verb} needs one place, not {len(settings.regions)}: give one of {REGIONS}.")
    return settings.regions[0]


def _split_many(
    texts: Iterable[str], each: Sequence[AskOptions] | None, options: AskOptions
) -> tuple[list[tuple[str, _AskOptions]], Callable[[str], object] | None]:
    """Pairs of text and options, and the callback of all."""
    asked = [words("what is asked", text) for text in several("what is asked", texts)]
    own: list[AskOptions] = [{}] * len(asked) if each is None else list(several("each", each))
    if strange := [one for one in own if not isinstance(one, Mapping)]:
        raise InvalidArgumentError(
            f'each is a list of dict, such as {{"threshold": 0.4}}, but holds {shown(strange[0])}.'
        )
    if len(own) != len(asked):
        raise InvalidArgumentError(f"There are {len(asked)} to ask, but {len(own)} options in each.")
    if any("on_text" in one for one in own):
        raise InvalidArgumentError("on_text is of all: it cannot be in each.")
    settings = [_split({**options, **one})[0] for one in own]
    return list(zip(asked, settings, strict=True)), options.get("on_text")


def _split(options: AskOptions) -> tuple[_AskOptions, Callable[[str], object] | None]:
    """The options as the engine takes them, and the callback."""
    settings = _AskOptions()
    given: dict[str, Any] = dict(options)
    on_text = function("on_text", given.pop("on_text", None))
    regions = list(several("regions", given.pop("regions", ())))
    if strange := [each for each in regions if not isinstance(each, Region)]:
        raise InvalidArgumentError(
            f"regions is a list of Region, such as Region.box(…), but holds {shown(strange[0])}."
        )
    settings.regions = regions + [region_of(kind, given.pop(kind)) for kind in REGIONS if kind in given]
    for name, value in given.items():
        if not hasattr(settings, name):
            raise TypeError(f"there is no option {name!r}; there are {', '.join(AskOptions.__annotations__)}")
        try:
            setattr(settings, name, value)
        except TypeError as error:
            raise InvalidArgumentError(f"{name}={shown(value)} is of the wrong type or out of range.") from error
    return settings, on_text
