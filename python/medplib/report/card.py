"""Tables as Markdown, and their place in a card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..data.cards import Place
from .figures import Figure, Table
from .targets import Target, Targets

FIGURES = Place(
    begin="<!-- figures: written by python -m medplib.report; what stands up to the next mark is written over -->",
    end="<!-- end of figures -->",
    holds="figures",
)

ABOUT = """\
Held-out images, as the records have them; the model was run as a user runs it. *Dice* and *gIoU* (the mean IoU)
compare a structure drawn by its name with the set's mask, where an answer without a mask counts as an empty one;
*right* is the share of answers in the very words of the set, but for case, punctuation and articles. ± is 1.96
standard errors, in which the records of a patient or scan (the set's groups) count as dependent; it is left out where
a figure has one such group, or all its records score the same, and such a set adds none to the mean of sets.
{of_some_sets}
Beside them stands what needs no model: *mean shape*, the mean training mask of that set and name (for a set that was
left out of the training, of its modality), cut where that fits the training masks best; *box filled*, the true mask's
box as the mask; *question only*, the most frequent training answer of the set to the same question, else to the one
that shares most of its words; *majority*, the most frequent training answer of the set to questions of that task and
answer type. *Box → mask* gets the true mask's box. Clicks are put, one after the other, at the centre of the largest
wrong part of the mask so far; the first mask is the one drawn by name.

Remade with `python -m medplib.report validate.json --card README.md`."""


# What is said when a figure's name holds the word.
ABOUT_SOME_SETS = {
    "strict": "SLAKE *strict* leaves out images with a near-duplicate in the training part.",
    "in-sample": "Sets marked in-sample show the subject of their training images, and stay out of all other figures.",
}


def markdown(tables: Sequence[Table], targets: Targets | None = None, weights: Mapping[str, str] | None = None) -> str:
    """The tables in words that fit them; `targets` says which figures were to reach what, `weights` whose they are."""
    names = [figure.name for table in tables for figure in table.figures]
    said = [text for word, text in ABOUT_SOME_SETS.items() if any(word in name for name in names)]
    about = ABOUT.format(of_some_sets="".join(f"{text}\n" for text in said))
    if weights:
        about += f"\n\nFigures of the weights with SHA-256 {', '.join(f'`{digest}`' for digest in weights.values())}."
    return "\n\n".join([about, *(_table(table, (targets or {}).get(table.title, {})) for table in tables)])


def _table(table: Table, targets: Mapping[str, Target]) -> str:
    columns = list(dict.fromkeys(column for figure in table.figures for column in figure.beside))
    asks = any(figure.name in targets for figure in table.figures)
    head = ["", table.counted, f"{table.score}, 95 % interval", *columns, *(["asked", ""] if asks else [])]
    lines = [_line(head), "|---|" + "---:|" * (2 + len(columns)) + ("---|---|" if asks else "")]
    for figure in table.figures:
        cells = [figure.name, str(figure.count), _value(figure)]
        cells += [_number(figure.beside.get(column)) for column in columns]
        lines.append(_line(cells + (_asked(figure, targets.get(figure.name)) if asks else [])))
    return "\n".join([f"**{table.title}**", "", *lines])


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _value(figure: Figure) -> str:
    margin = figure.estimate.margin
    return f"{figure.estimate.value:.3f}" + ("" if margin is None else f" ± {margin:.3f}")


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _asked(figure: Figure, target: Target | None) -> list[str]:
    if target is None:
        return ["", ""]
    least, most = target.least(figure), target.at_most
    bounds = [f"{sign} {_short(bound)}" for sign, bound in (("≥", least), ("≤", most)) if bound is not None]
    aim = [] if target.aim is None else [f"(aim {_short(target.aim)})"]
    return [" ".join(bounds + aim), "met" if target.met_by(figure) else "**missed**"]


def _short(bound: float) -> str:
    return f"{bound:.3f}".removesuffix("0")
