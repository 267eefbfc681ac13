"""Places in a model's card that are written by commands, each between two marks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .files import write_whole


@dataclass(frozen=True)
class Place:
    """What stands between the marks is written over."""

    begin: str
    end: str
    holds: str  # what stands there, for messages

    def around(self, card: Path) -> tuple[str, str]:
        """What stands before the marks of the card, and what behind. Errors: OSError, ValueError."""
        before, begin, rest = card.read_text(encoding="utf-8").partition(self.begin)
        _, end, after = rest.partition(self.end)
        if not (begin and end):
            raise ValueError(
                f"{card} has no place for {self.holds}: put the lines {self.begin} and {self.end} around it"
            )
        return before, after

    def rewrite(self, card: Path, text: str) -> None:
        """Put the text between the marks of the card. Errors: OSError, ValueError."""
        before, after = self.around(card)
        write_whole(card, f"{before}{self.begin}\n\n{text}\n\n{self.end}{after}")
