"""Records as a contact sheet shows them: the picture with masks and places drawn in, and what is said about it."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image as Pillow

from .named import MASK, REGION, file_below
from .words import plain_words

SIDE = 320  # pixels of a picture's longest side


@dataclass(frozen=True)
class Tile:
    """A record, ready to be shown."""

    title: str
    picture: bytes | None  # PNG; none where it can't be read
    said: Sequence[str]  # questions and answers by turns
    wrong: Sequence[str]  # what was found of the record, a sentence each


def tile_of(number: int, record: Any, root: Path, found: Sequence[str]) -> Tile:
    """`found`: what is known to be wrong with it; what cannot be drawn is told behind."""
    if not isinstance(record, dict):
        return Tile(f"{number}", None, [], [*found, "This is no record: it isn't an object."])
    texts = [str(turn.get("value", "")) for turn in _turns(record)]
    wrong = list(found)
    picture = _drawn(record.get("image"), texts, root, wrong)
    names = [str(record[key]) for key in ("id", "set", "modality", "task") if record.get(key)]
    return Tile(" · ".join([str(number), *names]), picture, [_spoken(text) for text in texts], wrong)


def _turns(record: dict[str, Any]) -> Iterator[dict[str, Any]]:
    turns = record.get("conversations")
    for turn in turns if isinstance(turns, list) else []:
        if isinstance(turn, dict):
            yield turn


def _spoken(text: str) -> str:
    """Without paths."""
    return plain_words(MASK.sub("", REGION.sub("[place]", text.replace("<image>", ""))).replace("<SEG>", "[mask]"))


def _drawn(name: Any, texts: Sequence[str], root: Path, wrong: list[str]) -> bytes | None:
    from .. import _native as _native  # before _core
    from .._core import Image, Mask, Region, overlay_png
    from ..errors import MedplibError

    def drawn(paths: Sequence[str]) -> Iterator[tuple[Region, Mask]]:
        for path in paths:
            try:
                region = Region.mask_file(file_below(root, path))
                yield region, Mask.from_region(region, image.width, image.height)
            except (MedplibError, ValueError) as error:
                _tell(error, path, wrong)

    try:
        if not isinstance(name, str) or not name:
            raise ValueError('The record has no "image".')
        image = Image.read(file_below(root, name))
    except (MedplibError, ValueError) as error:
        _tell(error, str(name), wrong)
        return None
    masks = [mask for _, mask in drawn([path for text in texts for path in MASK.findall(text)])]
    places = [region for region, _ in drawn([path for text in texts for path in REGION.findall(text)])]
    return _small(overlay_png(image, masks, places))


def _tell(error: Exception, path: str, wrong: list[str]) -> None:
    text = str(error)[:300] if path in str(error) else f"{path[:200]}: {error}"[:500]
    if text not in wrong:
        wrong.append(text)


def _small(png: bytes) -> bytes:
    with Pillow.open(io.BytesIO(png)) as picture:
        picture.thumbnail((SIDE, SIDE))
        stream = io.BytesIO()
        picture.save(stream, format="PNG")
        return stream.getvalue()
