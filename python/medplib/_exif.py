"""How EXIF has a picture shown. Needs no engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import PIL.Image


def exif_orientation(image: PIL.Image.Image) -> int:
    """1 to 8, as the engine reads it of files: from EXIF alone, where Pillow looks at XMP and text, too."""
    from PIL import Image

    tags: Any = getattr(image, "tag_v2", None)
    if tags is None:
        tags = Image.Exif()
        if "exif" in image.info:
            tags.load(image.info["exif"])
    orientation = tags.get(0x0112, 1)
    if isinstance(orientation, bytes) and len(orientation) == 1:  # of type BYTE
        orientation = orientation[0]
    return orientation if orientation in range(1, 9) else 1
