"""Tables as Markdown, and their place in a card."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .figures import Asked, Figure, Table

BEGIN = "<!-- figures: written by python -m medplib.report; what stands up to the next mark is written over -->"
END = "<!-- end of figures -->"

ABOUT = """\
Held-out images; the model was run as a user runs it. *Dice* and *gIoU* (the mean IoU) compare a structure drawn by
its name with the set's mask, where an answer without a mask counts as an empty one; *right* is the share of answers
in the very words of the set, but for case, punctuation and articles. ± is 1.96 standard errors, in which the records
of a patient or scan (the set's groups) count as dependent; it is left out where a figure has one such group, or all
its records score the same, and such a set adds none to the mean of sets. SLAKE *strict* leaves out images with a
near-duplicate in the training part. Sets marked in-sample show the same subject as their training images, and stay out
of all other figures.

Beside them stands what needs no model: *mean shape*, the mean training mask of that set and name (for a set that was
left out of the training, of its modality), cut where that fits the training masks best; *box filled*, the true mask's
box as the mask; *question only*, the most frequent training answer of the set to the same question, else to the one
that shares most of its words; *majority*, the most frequent training answer of the set to questions of that task and
answer type. *Box → mask* gets the true mask's box. Clicks are put, one after the other, at the centre of the largest
wrong part of the mask so far; the first mask is the one drawn by name.

Remade with `python -m medplib.report validate.json --card README.md`."""


def markdown(tables: Sequence[Table]) -> str:
    return "\n\n".join([ABOUT, *(_table(table) for table in tables)])


def _table(table: Table) -> str:
    columns = list(dict.fromkeys(column for figure in table.figures for column in figure.beside))
    asks = any(figure.asked for figure in table.figures)
    head = ["", table.counted, f"{table.score}, 95 % interval", *columns, *(["asked", ""] if asks else [])]
    lines = [_line(head), "|---|" + "---:|" * (2 + len(columns)) + ("---|---|" if asks else "")]
    for figure in table.figures:
        cells = [figure.name, str(figure.count), _value(figure)]
        cells += [_number(figure.beside.get(column)) for column in columns]
        lines.append(_line(cells + (_asked(figure) if asks else [])))
    return "\n".join([f"**{table.title}**", "", *lines])


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _value(figure: Figure) -> str:
    margin = figure.estimate.margin
    return f"{figure.estimate.value:.3f}" + ("" if margin is None else f" ± {margin:.3f}")


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _asked(figure: Figure) -> list[str]:
    if figure.asked is None:
        return ["", ""]
    return [_bounds(figure.asked), "met" if figure.asked.met_by(figure.estimate.value) else "**missed**"]


def _bounds(asked: Asked) -> str:
    bound = f"≥ {_short(asked.least)}" if asked.least is not None else f"≤ {_short(asked.most or 0)}"
    return bound if asked.aim is None else f"{bound} (aim {_short(asked.aim)})"


def _short(bound: float) -> str:
    return f"{bound:.3f}".removesuffix("0")


def rewrite(card: Path, text: str) -> None:
    """Put the text between the marks of the card."""
    before, begin, rest = card.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{card} has no place for figures: put the lines {BEGIN} and {END} around it")
    part = card.with_name(f"{card.name}.part")
    part.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", encoding="utf-8")
    part.replace(card)
