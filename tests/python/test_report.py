"""The report's arithmetic, with a stand-in for the engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from medplib import report
from PIL import Image


def test_dice_counts_the_shared_pixels() -> None:
    a = np.array([[True, True, False, False]])
    b = np.array([[False, True, True, False]])
    assert report.dice(a, b) == pytest.approx(0.5)
    assert report.dice(a, ~a) == 0
    assert report.dice(np.zeros_like(a), np.zeros_like(a)) == 1


def test_answers_are_compared_without_articles_case_and_full_stops() -> None:
    assert report.normalised("The Left Lung.") == report.normalised("left lung")
    assert report.normalised("X-Ray") != report.normalised("CT")


class Drawn:
    """An answer with the given mask, or none."""

    def __init__(self, mask: np.ndarray[Any, Any] | None, text: str = "") -> None:
        self.text = text
        self._mask = mask

    def __len__(self) -> int:
        return self._mask is not None

    def __getitem__(self, index: int) -> Any:
        return type("Mask", (), {"array": self._mask})


class Engine:
    """Draws the left half whatever is asked, and says CT."""

    def session(self, image: Path) -> Engine:
        self.size = Image.open(image).size
        return self

    def segment(self, phrase: str, **options: Any) -> Drawn:
        mask = np.zeros(self.size[::-1], bool)
        mask[:, : self.size[0] // 2] = True
        return Drawn(None if phrase == "nothing" else mask)

    def ask(self, question: str, **options: Any) -> Drawn:
        return Drawn(None, "CT.")


def record(task: str, question: str, answer: str, **more: str) -> dict[str, Any]:
    turns = [{"from": "human", "value": "<image>\n" + question}, {"from": "gpt", "value": answer}]
    return {"image": "a.png", "set": "made", "task": task, "conversations": turns, **more}


def test_a_report_scores_masks_and_words(tmp_path: Path) -> None:
    Image.new("RGB", (8, 4)).save(tmp_path / "a.png")
    mask = np.zeros((4, 8), np.uint8)
    mask[:, 2:4] = 255
    Image.fromarray(mask).save(tmp_path / "m.png")
    results = report.evaluate(
        Engine(),
        [
            record("segment", "Segment it.", "Sure <SEG>.<mask>m.png</mask>", structure="half"),
            record("segment", "Segment it.", "Sure <SEG>.<mask>m.png</mask>", structure="nothing"),
            record("modality", "Which modality is this?", "CT"),
            record("modality", "Which modality is this?", "MRI"),
        ],
        tmp_path,
    )
    assert results["segment"].all() == [pytest.approx(2 / 3), 0]
    assert results["modality"].all() == [1, 0]
    assert "| segment | 2 | 0.333" in report.tables(results)
