"""Contact sheets: tiles as one PNG, or as one HTML file that needs no other."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from html import escape

from PIL import Image, ImageDraw, ImageFont

from .tiles import SIDE, Tile

COLUMNS = 4
MARGIN = 8  # pixels around what is in a tile
LINE = 16  # pixels from a line of text to the next
MOST_LINES = 10  # of what is said, and again of what is wrong
INK, GREY, WRONG = (20, 20, 20), (110, 110, 110), (213, 94, 0)
Line = tuple[str, tuple[int, int, int]]

STYLE = """
body { font: 14px/1.4 sans-serif; margin: 16px; color: #141414; }
main { display: grid; grid-template-columns: repeat(auto-fill, minmax(320px, 1fr)); gap: 16px; }
figure { margin: 0; overflow-wrap: anywhere; }
img { max-width: 100%; }
figcaption > small { color: #6e6e6e; }
figcaption > p { margin: 2px 0; }
.answer { padding-left: 1em; }
.wrong { color: rgb(213, 94, 0); }
"""


def as_html(title: str, tiles: Sequence[Tile]) -> str:
    figures = "\n".join(map(_figure, tiles))
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style></head>\n<body><h1>{escape(title)}</h1><main>\n{figures}\n</main></body></html>\n"
    )


def _figure(tile: Tile) -> str:
    lines = [f"<small>{escape(tile.title)}</small>"]
    kinds = ("question", "answer")
    lines += [f'<p class="{kinds[at % 2]}">{escape(text)}</p>' for at, text in enumerate(tile.said)]
    lines += [f'<p class="wrong">{escape(text)}</p>' for text in tile.wrong]
    picture = ""
    if tile.picture:
        picture = f'<img alt="" src="data:image/png;base64,{base64.b64encode(tile.picture).decode("ascii")}">'
    return f"<figure>{picture}<figcaption>{''.join(lines)}</figcaption></figure>"


def as_png(tiles: Sequence[Tile]) -> bytes:
    cells = [_cell(tile) for tile in tiles]
    columns = min(COLUMNS, len(cells))
    rows = [cells[at : at + columns] for at in range(0, len(cells), columns)]
    heights = [max(cell.height for cell in row) for row in rows]
    sheet = Image.new("RGB", (columns * (SIDE + 2 * MARGIN), sum(heights)), "white")
    top = 0
    for row, height in zip(rows, heights, strict=True):
        for column, cell in enumerate(row):
            sheet.paste(cell, (column * cell.width, top))
        top += height
    stream = io.BytesIO()
    sheet.save(stream, format="PNG")
    return stream.getvalue()


def _cell(tile: Tile) -> Image.Image:
    font = ImageFont.load_default(13)
    lines = [(text, GREY) for text in _wrapped(tile.title, font)][:2]
    lines += _limited([(line, INK) for text in tile.said for line in _wrapped(text, font)])
    lines += _limited([(line, WRONG) for text in tile.wrong for line in _wrapped(text, font)])
    picture = _opened(tile.picture)
    cell = Image.new("RGB", (SIDE + 2 * MARGIN, picture.height + 3 * MARGIN + LINE * len(lines)), "white")
    cell.paste(picture, (MARGIN, MARGIN))
    draw = ImageDraw.Draw(cell)
    for at, (text, colour) in enumerate(lines):
        draw.text((MARGIN, picture.height + 2 * MARGIN + LINE * at), text, fill=colour, font=font)
    return cell


def _opened(png: bytes | None) -> Image.Image:
    """An empty frame where there is none."""
    if png is None:
        frame = Image.new("RGB", (SIDE, SIDE // 4), "white")
        ImageDraw.Draw(frame).rectangle((0, 0, SIDE - 1, SIDE // 4 - 1), outline=WRONG)
        return frame
    return Image.open(io.BytesIO(png)).convert("RGB")


def _limited(lines: list[Line]) -> list[Line]:
    return lines if len(lines) <= MOST_LINES else [*lines[: MOST_LINES - 1], ("…", lines[-1][1])]


def _wrapped(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> Iterator[str]:
    """Lines that fit into a tile; a word that doesn't is broken."""
    line = ""
    for word in text.split():
        while word:
            longer = f"{line} {word}".strip()
            if font.getlength(longer) <= SIDE:
                line, word = longer, ""
            elif line:
                yield line
                line = ""
            else:
                fits = max(1, next(n for n in range(len(word)) if font.getlength(word[: n + 1]) > SIDE))
                yield word[:fits]
                word = word[fits:]
    if line:
        yield line
