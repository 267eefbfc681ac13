"""Pictures as a viewer shows them, and copies of those that a training would read otherwise or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from .._exif import exif_orientation
from . import notes
from .files import written_whole
from .notes import Notes

SUFFIXES = (
    *(".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".tif", ".tiff", ".bmp", ".dib", ".gif", ".webp", ".avif"),
    *(".jp2", ".j2k", ".pbm", ".pgm", ".ppm", ".pnm", ".tga"),
)
READ_BY_TRAINING = ("PNG", "JPEG", "MPO", "TIFF")  # MPO: a JPEG with further pictures behind the first
HIDDEN_NAMES = ("Thumbs.db", "desktop.ini")
_UPRIGHT = dict(  # by EXIF's orientation
    zip(
        range(2, 9),
        (
            *(Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.ROTATE_180, Image.Transpose.FLIP_TOP_BOTTOM),
            *(Image.Transpose.TRANSPOSE, Image.Transpose.ROTATE_270, Image.Transpose.TRANSVERSE),
            Image.Transpose.ROTATE_90,
        ),
        strict=True,
    )
)
PREPARED = "prepared"  # the folder of copies


def pictures_in(root: Path, folder: str, told: Notes) -> list[Path]:
    """The pictures of root/folder. Every other file is told. Errors: OSError; ValueError, for one outside of root."""
    found = []
    for file in sorted(_files_below(root / folder)):
        inside = file.relative_to(root / folder)
        if any(part.startswith(".") or part in HIDDEN_NAMES for part in inside.parts):
            told.add(notes.HIDDEN, file)
        elif len(inside.parts) > 1 or file.is_dir():
            told.add(notes.BELOW, file)
        elif file.suffix.lower() not in SUFFIXES:
            told.add(notes.NOT_READ, file)
        elif not file.resolve().is_relative_to(root.resolve()):
            raise ValueError(f"{file} leads out of {root}, to {file.resolve()}, which no training reads: copy it there")
        else:
            found.append(file)
    return found


def _files_below(folder: Path) -> Iterator[Path]:
    """Links to folders are not followed, but are among the files."""
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            yield from _files_below(entry)
        else:
            yield entry


@contextmanager
def opened(file: Path) -> Iterator[Image.Image]:
    """The picture, and a sentence that names the file where it cannot be read, also later."""
    try:
        with Image.open(file) as picture:
            yield picture
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:  # Pillow raises each of them
        raise ValueError(f"{file} cannot be read: {error}") from error


def is_turned(picture: Image.Image) -> bool:
    """Whether it is shown otherwise than stored. TIFF is not: whoever decodes it, the engine as well, turns it."""
    return picture.format != "TIFF" and exif_orientation(picture) > 1


def upright(picture: Image.Image) -> Image.Image:
    """As a viewer shows it."""
    picture.load()
    return picture.transpose(_UPRIGHT[exif_orientation(picture)]) if is_turned(picture) else picture.copy()


def shown_size(picture: Image.Image) -> tuple[int, int]:
    """Width and height as a viewer shows it."""
    width, height = picture.size
    lies = is_turned(picture) and exif_orientation(picture) >= 5
    return (height, width) if lies else (width, height)


def tell(picture: Image.Image, file: Path, turned: str, told: Notes) -> None:
    """What is to be told of a picture; `turned`: the kind of note for one that is stored turned."""
    if picture.format != "MPO" and getattr(picture, "n_frames", 1) > 1:
        told.add(notes.PAGES, file)
    if picture.format not in READ_BY_TRAINING:
        told.add(notes.CONVERTED, file)
    if is_turned(picture):
        told.add(turned, file)


def is_read_alike(picture: Image.Image) -> bool:
    """Whether a training can read the file and sees it as a viewer shows it."""
    return picture.format in READ_BY_TRAINING and not is_turned(picture)


def varying_alpha(picture: Image.Image) -> npt.NDArray[np.uint8] | None:
    """(H, W) uint8; None where there is no alpha or it is the same everywhere."""
    has_alpha = "A" in picture.getbands() or "transparency" in picture.info
    if not has_alpha or picture.mode.startswith("I"):
        return None
    alpha = np.asarray(picture.convert("RGBA"))[..., 3]
    return alpha if alpha.min() < alpha.max() else None


@dataclass(frozen=True)
class Shown:
    """An image to learn from, as a viewer shows it."""

    file: Path  # itself, or its copy in root/prepared
    size: tuple[int, int]  # width, height
    turned: bool


def prepare_image(root: Path, file: Path, told: Notes) -> Shown:
    """Errors: ValueError."""
    return as_read(file, root / PREPARED / "images" / f"{file.stem}.png", told)


def as_read(file: Path, copy: Path, told: Notes) -> Shown:
    """The file, or `copy`, which is written, where a training would read the file otherwise. Errors: ValueError."""
    with opened(file) as picture:
        tell(picture, file, notes.TURNED_IMAGES, told)
        if varying_alpha(picture) is not None:
            told.add(notes.ALPHA_OF_IMAGES, file)
        if is_read_alike(picture):
            return Shown(file, picture.size, turned=False)
        turned = is_turned(picture)
        plain = _as_png_has_it(upright(picture), file)
        save_png(plain, copy)
        return Shown(copy, plain.size, turned)


def _as_png_has_it(picture: Image.Image, file: Path) -> Image.Image:
    """The same pixels in 8 bits, or in 16 of grey; alpha is dropped, as the engine drops it."""
    if picture.mode in ("1", "L", "LA"):
        return picture.convert("L")
    if not picture.mode.startswith(("I", "F")):
        return picture.convert("RGB")
    values = np.asarray(picture)
    if values.dtype.kind == "f" or values.min() < 0 or values.max() > np.iinfo(np.uint16).max:
        raise ValueError(f"{file}: the picture has other values than 0 to 65535: save it with 8 or 16 bits a pixel")
    return Image.fromarray(values.astype(np.uint16))


def save_png(picture: Image.Image, file: Path) -> None:
    """Writes pixels alone, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    picture.info.clear()  # no orientation, profile or transparency goes along
    with written_whole(file) as out:
        picture.save(out, format="PNG")
