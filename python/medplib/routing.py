"""Which experts tokens take, by what the tokens are: a table, and a picture.

Command line: python -m medplib.routing RUN_OR_JSON --out routing.png
"""

from __future__ import annotations

import argparse
import io
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .data.files import written_whole

if TYPE_CHECKING:
    from PIL import Image

KINDS = ("image", "region", "question", "answer", "seg")
Z = 1.96  # of a 95 % interval

Routing = dict[str, list[list[int]]]  # by kind of token: [MoE layer][expert], tokens that took it

# Of the picture, in pixels.
CELL_WIDTH, CELL_HEIGHT, LEFT, TOP, MARGIN = 34, 22, 90, 26, 12
LEAST_WIDTH = 260  # that a field's title has room in
INK, FULL = (20, 20, 20), (0, 114, 178)


@dataclass(frozen=True)
class Difference:
    """How much larger the first of two shares is, and its 95 % interval."""

    value: float
    low: float
    high: float


def read_routing(path: Path) -> Routing:
    """The last validation of a training, given its folder or log.jsonl, or an answer that --json printed.

    Raises ValueError with a sentence where there is none, and OSError.
    """
    file = path / "log.jsonl" if path.is_dir() else path
    text = file.read_text(encoding="utf-8")
    found: Any = None
    for number, line in enumerate([text] if file.suffix == ".json" else text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
        except ValueError as error:
            raise ValueError(f"{file}, line {number}, is not JSON: {error}.") from error
        found = _routing_in(entry) or found
    if not found:
        raise ValueError(
            f"{file} doesn't say which experts tokens took. Give the folder of a training with validation of a model "
            "that has experts, or the JSON of one of its answers."
        )
    return _checked(found, file)


def _routing_in(entry: Any) -> Any:
    if not isinstance(entry, dict):
        return None
    validation = entry.get("validation")
    return entry.get("routing_by_kind") or (validation.get("routing") if isinstance(validation, dict) else None)


def _checked(found: Any, file: Path) -> Routing:
    try:
        routing = {kind: [[int(count) for count in layer] for layer in found[kind]] for kind in KINDS if kind in found}
    except (TypeError, ValueError) as error:
        raise ValueError(f"{file} has a routing that isn't counts by layer and expert.") from error
    shapes = {tuple(len(layer) for layer in layers) for layers in routing.values()}
    if len(shapes) != 1 or not all(shapes):
        raise ValueError(f"{file} has a routing whose kinds of token differ in layers or experts, or that is empty.")
    return routing


def share(counts: Sequence[int], expert: int) -> float:
    """The part of the tokens that took an expert; NaN of no tokens."""
    return counts[expert] / sum(counts) if sum(counts) else math.nan


def seg_against_others(routing: Routing, layer: int, expert: int) -> Difference | None:
    """How much more of the places of <SEG> than of all other tokens took an expert; None where one of them is missing.

    The interval is Newcombe's (1998, method 10). It takes tokens for independent, which those of one picture are not.
    """
    seg = routing.get("seg", [[]] * (layer + 1))[layer]
    others = [sum(counts) for counts in zip(*(routing[kind][layer] for kind in routing if kind != "seg"), strict=True)]
    if not sum(seg) or not sum(others):
        return None
    first, second = share(seg, expert), share(others, expert)
    low1, high1 = _wilson(first, sum(seg))
    low2, high2 = _wilson(second, sum(others))
    value = first - second
    return Difference(
        value, value - math.hypot(first - low1, high2 - second), value + math.hypot(high1 - first, second - low2)
    )


def _wilson(part: float, count: int) -> tuple[float, float]:
    middle = part + Z * Z / (2 * count)
    spread = Z * math.sqrt(part * (1 - part) / count + Z * Z / (4 * count * count))
    return (middle - spread) / (1 + Z * Z / count), (middle + spread) / (1 + Z * Z / count)


def table(routing: Routing) -> str:
    """A line for each layer and expert: the shares of each kind, and how <SEG>'s place differs from all others."""
    kinds = list(routing)
    lines = [f"{'layer':>5} {'expert':>6} " + " ".join(f"{kind:>8}" for kind in kinds) + "  seg against the others"]
    for layer, counts in enumerate(routing[kinds[0]]):
        for expert in range(len(counts)):
            shares = " ".join(f"{share(routing[kind][layer], expert):8.3f}" for kind in kinds)
            found = seg_against_others(routing, layer, expert)
            told = f"{found.value:+.3f} ({found.low:+.3f} to {found.high:+.3f})" if found else "-"
            lines.append(f"{layer:5} {expert:6} {shares}  {told}")
    return "\n".join(lines)


def picture(routing: Routing) -> bytes:
    """A PNG with a field for each expert: kinds of token down, MoE layers across, shares in per cent."""
    from PIL import Image

    kinds = list(routing)
    layers = routing[kinds[0]]
    experts = max(len(counts) for counts in layers)
    height = TOP + CELL_HEIGHT * len(kinds) + MARGIN
    width = max(LEFT + CELL_WIDTH * len(layers) + MARGIN, LEAST_WIDTH)
    sheet = Image.new("RGB", (width, height * experts), "white")
    for expert in range(experts):
        _draw_field(sheet, routing, expert, height * expert)
    stream = io.BytesIO()
    sheet.save(stream, format="PNG")
    return stream.getvalue()


def _draw_field(sheet: Image.Image, routing: Routing, expert: int, top: int) -> None:
    from PIL import ImageDraw, ImageFont

    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    draw.text((MARGIN, top + 8), f"expert {expert}, % of the tokens, by MoE layer", fill=INK, font=font)
    for row, (kind, layers) in enumerate(routing.items()):
        y = top + TOP + CELL_HEIGHT * row
        draw.text((MARGIN, y + 4), kind, fill=INK, font=font)
        for layer, counts in enumerate(layers):
            if expert >= len(counts) or not sum(counts):
                continue
            part, x = share(counts, expert), LEFT + CELL_WIDTH * layer
            colour = tuple(round(255 + part * (full - 255)) for full in FULL)
            draw.rectangle((x, y, x + CELL_WIDTH - 2, y + CELL_HEIGHT - 2), fill=colour)
            ink = "white" if part > 0.5 else INK
            draw.text((x + CELL_WIDTH / 2, y + 4), f"{100 * part:.0f}", fill=ink, font=font, anchor="ma")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m medplib.routing",
        description="Prints which experts tokens took, by what the tokens are, and draws it.",
        epilog="Example: python -m medplib.routing mydata/first --out routing.png",
    )
    parser.add_argument("source", type=Path, metavar="RUN_OR_JSON", help="a training's folder, or an answer's JSON")
    parser.add_argument("--out", type=Path, metavar="PNG", help="the picture to write")
    options = parser.parse_args(arguments)
    if options.out and options.out.suffix.lower() not in ("", ".png"):
        parser.error(f"{options.out} doesn't end in .png; the picture is one")
    try:
        routing = read_routing(options.source)
        print(table(routing))
        if options.out:
            with written_whole(options.out) as out:
                out.write(picture(routing))
    except (OSError, ValueError) as error:
        print(f"medplib.routing: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
