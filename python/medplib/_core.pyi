"""The engine's objects, without conveniences."""

from collections.abc import Callable, Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from .errors import MedplibError

def version() -> str: ...
def build_info_json() -> str: ...
def set_threads(threads: int) -> None:
    """Threads of the CPU that one operation may use, for the whole process; at the start one a core."""

def threads() -> int: ...
def set_log(
    level: Literal["debug", "info", "warning", "error", "silent"] = "warning",
    callback: Callable[[str, str], object] | None = None,
) -> None: ...
def inspect(folder: str | PathLike[str] | None = None, precision: str = "float32") -> dict[str, Any]:
    """What a model folder holds, by default the embedded model's, read without loading it: `medplib info --json`."""

def verify(folder: str | PathLike[str] | None = None) -> list[str]:
    """What is wrong with a model folder, a line each: hashes, names, shapes, types, values, tokenizer."""

def check_records(data: str | PathLike[str], images: str | PathLike[str] | None = None, pictures: bool = False) -> str:
    """What is wrong with a list of records, whose paths start in `images` or beside it: the JSON that
    `medplib data check --json` prints. `pictures`: images and masks are opened, too. Errors: MedplibError, where the
    list cannot be read."""

def _remarks_of(
    *, channels: tuple[int, int] | None = None, orientation: int = 1, several: bool = False, noisy: bool = False
) -> list[str]:
    """What is to be told of a file that another library read: of its channels, and how many of them are colours, where
    there are more; of EXIF's orientation; of the first of several pictures; of a JPEG mask of many values."""

class Image:
    """Pixels and where they came from."""

    @staticmethod
    def read(
        path: str | PathLike[str],
        *,
        max_bytes: int = 536870912,
        max_pixels: int = 178956970,
        sixteen_bit: Literal["window", "high_byte"] = "window",
    ) -> Image:
        """A PNG, JPEG or TIFF file, if it is within the limits. 16-bit grey becomes 8 bits from its darkest to its
        brightest value but for outliers, or by its high byte."""
    @staticmethod
    def decode(
        bytes: bytes,
        name: str = "bytes",
        *,
        max_bytes: int = 536870912,
        max_pixels: int = 178956970,
        sixteen_bit: Literal["window", "high_byte"] = "window",
    ) -> Image:
        """The same from the bytes of a file; `name` stands for it in messages."""
    @staticmethod
    def from_array(
        array: npt.NDArray[np.uint8] | npt.NDArray[np.uint16],
        window: tuple[float, float] | None = None,
        *,
        remarks: Sequence[str] = [],
    ) -> Image:
        """(H, W), (H, W, 3) or (H, W, 4), without gaps in memory, copied. Of uint16 the two values of `window` become
        black and white, by default the darkest and the brightest but for outliers. Answers warn of `remarks`: what is
        to be told of where the array came from, each put behind its name."""
    def _with_warnings(self, warnings: Sequence[str]) -> Image:
        """The same pixels, with sentences that answers about them repeat."""
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def info(self) -> dict[str, Any]:
        """What `medplib info --image FILE --json` prints."""
    @property
    def array(self) -> npt.NDArray[np.uint8]: ...
    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]: ...
    def __dlpack__(self, **kwargs: Any) -> Any: ...
    def __dlpack_device__(self) -> tuple[int, int]: ...
    def _repr_png_(self) -> bytes: ...

class Region:
    """A place in the image."""

    @staticmethod
    def point(x: float, y: float) -> Region: ...
    @staticmethod
    def box(x0: float, y0: float, x1: float, y1: float) -> Region: ...
    @staticmethod
    def polygon(corners: Sequence[tuple[float, float]], holes: Sequence[Sequence[tuple[float, float]]] = []) -> Region:
        """The inside of the outline but for that of the holes; both outlines belong to it."""
    @staticmethod
    def scribble(points: Sequence[tuple[float, float]], thickness: float = 5.0) -> Region: ...
    @staticmethod
    def mask(array: npt.NDArray[np.uint8], *, remarks: Sequence[str] = []) -> Region:
        """(H, W), without gaps in memory, copied: 1 and above is inside. Of (H, W, 2) and (H, W, 4) alpha, the last
        channel, is the mask where it differs from place to place, with a warning. `remarks`: as of an
        image."""
    @staticmethod
    def mask_file(path: str | PathLike[str]) -> Region: ...
    @staticmethod
    def parse(text: str) -> Region: ...

class Mask:
    """A structure drawn at the image's size. numpy.asarray and torch.from_dlpack take it for its `array`."""

    @staticmethod
    def from_region(region: Region, width: int, height: int) -> Mask:
        """What lies in a region of an image of this size: for `Session.refine`."""
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def label(self) -> str: ...
    @property
    def threshold(self) -> float: ...
    @property
    def presence(self) -> float | None: ...
    @property
    def iou_estimate(self) -> float | None: ...
    @property
    def array(self) -> npt.NDArray[np.bool_]: ...
    @property
    def embedding(self) -> npt.NDArray[np.float32] | None:
        """(channels,), of the <SEG> that it was drawn from, as the mask decoder takes it; None when from none."""
    @property
    def logits(self) -> npt.NDArray[np.float32]: ...
    @property
    def area(self) -> int: ...
    @property
    def bbox(self) -> list[int] | None:
        """x, y, width, height of the smallest box around it; None when nothing is inside."""
    @property
    def warnings(self) -> list[str]:
        """Of `Session.refine` and `from_region`; those of an answer are the answer's."""
    @property
    def rle(self) -> dict[str, Any]: ...
    def polygon(self) -> list[list[list[tuple[int, int]]]]:
        """Of each part its outline, then those of its holes, as GeoJSON and shapely have them; they run through the
        centres of the outermost pixels inside. `Region.polygon(outline, holes)` of all parts is the mask again, to the
        pixel; parts of a pixel, or of a straight line of pixels, have no outline."""
    def save(self, path: str | PathLike[str]) -> None: ...
    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]: ...
    def __dlpack__(self, **kwargs: Any) -> Any: ...
    def __dlpack_device__(self) -> tuple[int, int]: ...
    def _repr_png_(self) -> bytes: ...
    def _repr_html_(self) -> str: ...

class Timing:
    """Milliseconds, and what they were spent on."""

    @property
    def image_encode(self) -> float: ...
    @property
    def prefill(self) -> float: ...
    @property
    def decode(self) -> float: ...
    @property
    def masks(self) -> float: ...
    @property
    def first_token(self) -> float: ...
    @property
    def total(self) -> float: ...
    @property
    def prompt_tokens(self) -> int: ...
    @property
    def reused_tokens(self) -> int: ...
    @property
    def generated_tokens(self) -> int: ...

class Answer:
    """Text, and masks by index: len(answer) is their number, answer[0] the first."""

    @property
    def text(self) -> str: ...
    @property
    def tokens(self) -> list[int]: ...
    @property
    def masks(self) -> list[Mask]: ...
    @property
    def prompt(self) -> str: ...
    @property
    def warnings(self) -> list[str]: ...
    @property
    def finish(self) -> Literal["end_of_text", "length", "stopped"]: ...
    @property
    def timing(self) -> Timing: ...
    @property
    def routing(self) -> list[list[int]]: ...
    @property
    def routing_by_kind(self) -> dict[str, list[list[int]]]: ...
    @property
    def near_ties(self) -> int: ...
    @property
    def presence(self) -> float | None: ...
    @property
    def image(self) -> Image: ...
    @property
    def regions(self) -> list[Region]: ...
    def save(self, path: str | PathLike[str]) -> None: ...
    def to_json(self) -> str: ...
    def __len__(self) -> int: ...
    def __bool__(self) -> Literal[True]: ...
    def __getitem__(self, index: int) -> Mask: ...
    def __iter__(self) -> Iterator[Mask]: ...
    def _repr_png_(self) -> bytes: ...
    def _repr_html_(self) -> str: ...

def overlay_png(image: Image, masks: Sequence[Mask], regions: Sequence[Region]) -> bytes:
    """A PNG of the image with the masks in colour and the places outlined."""

class Overlap:
    """A drawn mask beside its target, in pixels. Where both are empty, iou and dice are 1."""

    @property
    def intersection(self) -> int: ...
    @property
    def in_union(self) -> int: ...
    @property
    def iou(self) -> float: ...
    @property
    def dice(self) -> float: ...

def overlap(drawn: npt.NDArray[np.bool_], target: npt.NDArray[np.bool_]) -> Overlap:
    """Of two masks (H, W) of the same size."""

class Model:
    """Weights on a device."""

    def __init__(
        self,
        folder: str | PathLike[str] | None = None,
        device: str = "auto",
        precision: str = "float32",
        progress: Callable[[float], object] | None = None,
    ) -> None: ...
    @property
    def device(self) -> str: ...
    @property
    def precision(self) -> Literal["float32", "bfloat16"]: ...
    @property
    def info(self) -> dict[str, Any]:
        """What `medplib info --json` prints."""
    @property
    def folder(self) -> Path: ...
    @property
    def name(self) -> str: ...
    @property
    def intended_use(self) -> str: ...
    @property
    def parameters(self) -> int: ...
    @property
    def threshold(self) -> float: ...

class AskOptions:
    """What a question may carry."""

    regions: list[Region]
    max_new_tokens: int
    temperature: float
    top_k: int
    top_p: float
    seed: int
    threshold: float | None

class Session:
    """Questions about an image, by one user."""

    def __init__(self, model: Model, context: int | None = None, compat: str = "none") -> None: ...
    @property
    def device(self) -> str: ...
    @property
    def precision(self) -> Literal["float32", "bfloat16"]: ...
    @property
    def context(self) -> int:
        """Tokens that it holds."""
    @property
    def compat(self) -> str: ...
    @property
    def images(self) -> list[Image]: ...
    def embed_image(self, index: int = 0) -> npt.NDArray[np.float32]:
        """(tokens, hidden): what the language model reads in place of the image."""
    def reset_chat(self) -> None: ...
    def cancel(self) -> None: ...
    def _set_images(self, images: Sequence[Image]) -> None: ...
    def _embed_region(self, region: Region) -> npt.NDArray[np.float32]: ...
    def _ask_many(
        self, questions: Sequence[tuple[str, AskOptions]], on_text: Callable[[str], object] | None
    ) -> list[Answer | MedplibError]: ...
    def _segment_many(
        self, phrases: Sequence[tuple[str, AskOptions]], on_text: Callable[[str], object] | None
    ) -> list[Answer | MedplibError]: ...
    def _evaluate(
        self, record: str, folder: str | PathLike[str], options: AskOptions
    ) -> tuple[Answer | MedplibError, list[Overlap]]:
        """What is answered to the question of a record, JSON whose files lie in the folder, and how the masks overlap
        those of its true answer."""
    def _ask(self, question: str, options: AskOptions, on_text: Callable[[str], object] | None) -> Answer: ...
    def _segment(self, phrase: str, options: AskOptions, on_text: Callable[[str], object] | None) -> Answer: ...
    def _describe(self, region: Region, options: AskOptions, on_text: Callable[[str], object] | None) -> Answer: ...
    def _chat(self, message: str, options: AskOptions, on_text: Callable[[str], object] | None) -> Answer: ...
    def _trace(self, question: str, options: AskOptions) -> dict[str, Any]: ...
    def _refine(
        self,
        mask: Mask | None,
        clicks: Sequence[tuple[float, float, bool]],
        box: Region | None,
        threshold: float | None,
    ) -> Mask: ...
    def _predict(
        self,
        clicks: Sequence[tuple[float, float, bool]],
        box: Region | None,
        low_resolution: npt.NDArray[np.float32] | None,
        multimask: bool,
    ) -> list[tuple[Mask, npt.NDArray[np.float32]]]: ...
