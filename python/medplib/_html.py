"""How answers and masks show themselves in a notebook."""

from __future__ import annotations

import base64
from html import escape

from ._core import Answer, Mask


def html_of(shown: Answer | Mask) -> str:
    picture = base64.b64encode(shown._repr_png_()).decode("ascii")
    text, masks = ([], [shown]) if isinstance(shown, Mask) else ([shown.text], shown.masks)
    lines = [*text, *shown.warnings, *map(_line, masks)]
    return "".join(
        [
            "<figure>",
            f'<img src="data:image/png;base64,{picture}" style="max-width: 100%">',
            "<figcaption>",
            "<br>".join(escape(line) for line in lines),
            "</figcaption></figure>",
        ]
    )


def _line(mask: Mask) -> str:
    line = f"{mask.label or 'mask'}: {mask.area} pixels"
    return line if mask.presence is None else f"{line}, presence {mask.presence:.2f} (uncalibrated)"
