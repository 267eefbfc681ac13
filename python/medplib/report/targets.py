"""What the figures of a model should reach, as a file beside its card says it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .figures import Figure

KEYS = ("at_least", "at_most", "aim", "more_than", "by")


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
        return None if beside is None else beside + self.by

    def met_by(self, figure: Figure) -> bool:
        least, value = self.least(figure), figure.estimate.value
        return (least is None or value >= least) and (self.at_most is None or value <= self.at_most)


Targets = Mapping[str, Mapping[str, Target]]  # by the title of the table and the name of the figure


def read_targets(file: Path) -> Targets:
    """Errors: OSError, ValueError."""
    try:
        titles: dict[str, dict[str, dict[str, Any]]] = json.loads(file.read_text(encoding="utf-8"))
        return {title: {name: Target(**said) for name, said in named.items()} for title, named in titles.items()}
    except (AttributeError, TypeError, ValueError) as error:
        raise ValueError(f"{file} must name tables, their figures, and of each {', '.join(KEYS)}: {error}") from error
