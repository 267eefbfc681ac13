"""What the figures of a model should reach, as a file beside its card says it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from ..data.json_files import read_json
from ..errors import shown
from .figures import Figure, Table

NUMBERS = ("at_least", "at_most", "aim", "by")
KEYS = (*NUMBERS, "more_than")
BOUNDS = ("at_least", "at_most", "more_than")


@dataclass(frozen=True)
class Target:
    """At least or at most a value, or at least `by` more than the column `more_than`; `aim` is better still."""

    at_least: float | None = None
    at_most: float | None = None
    aim: float | None = None
    more_than: str = ""
    by: float = 0.0

    def least(self, figure: Figure) -> float | None:
        if not self.more_than:
            return self.at_least
        beside = figure.beside.get(self.more_than)
        if beside is None:
            raise ValueError(
                f"the targets ask for {figure.name} to be more than {self.more_than}, but no such column has a value; "
                f"beside it there are: {', '.join(c for c, value in figure.beside.items() if value is not None) or '–'}"
            )
        return beside + self.by

    def met_by(self, figure: Figure) -> bool:
        least, value = self.least(figure), figure.estimate.value
        return (least is None or value >= least) and (self.at_most is None or value <= self.at_most)


Targets = Mapping[str, Mapping[str, Target]]  # by the title of the table and the name of the figure


def read_targets(file: Path) -> Targets:
    """Errors: OSError, ValueError."""
    titles = read_json(file)
    if not _holds_something(titles) or not all(_holds_something(named) for named in titles.values()):
        raise ValueError(f"{file} must be an object of tables, and each of them one of figures, of which none is empty")
    return {
        title: {name: _target(said, f"{file}, {title}, {name}") for name, said in named.items()}
        for title, named in titles.items()
    }


def _holds_something(value: Any) -> bool:
    return isinstance(value, dict) and bool(value)


def _target(said: Any, where: str) -> Target:
    if not isinstance(said, dict):
        raise ValueError(f"{where}: this must be an object with {', '.join(KEYS)}, not {shown(said)}")
    for key, value in said.items():
        if key not in KEYS:
            raise ValueError(f"{where}: there is no {key}; there are {', '.join(KEYS)}")
        if key in NUMBERS and not _is_number(value):
            raise ValueError(f"{where}: {key} must be a number, not {shown(value)}")
    if not said.keys() & set(BOUNDS):
        raise ValueError(f"{where}: this asks for nothing; give one of {', '.join(BOUNDS)}")
    column = said.get("more_than", "-")
    if not isinstance(column, str) or not column:
        raise ValueError(f"{where}: more_than must be the name of a column, not {shown(column)}")
    if "more_than" in said and "at_least" in said:
        raise ValueError(f"{where}: give at_least or more_than, not both")
    if "by" in said and "more_than" not in said:
        raise ValueError(f"{where}: by says how much more than a column; give more_than too")
    return Target(**said)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def check_all_are_there(targets: Targets, tables: Sequence[Table]) -> None:
    """Of all records, each figure that was asked for must have come out."""
    there = {(table.title, figure.name) for table in tables for figure in table.figures}
    for title, named in targets.items():
        for name in named:
            if (title, name) not in there:
                raise ValueError(f"the targets ask for {name} in the table {title}, but there is no such figure")
