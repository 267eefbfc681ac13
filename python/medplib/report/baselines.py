"""What can be had without a model: the mean mask, the most frequent answer."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .measures import Pixels, normalised
from .records import WORDS, Record, answer_of, masks_of, question_of, read_mask

Shares = npt.NDArray[np.float32]  # (H, W), 0 … 1

SIDE = 256  # of the square in which masks of different sizes are averaged
THRESHOLDS = tuple(step / 20 for step in range(1, 20))


def _resized(shares: Shares, width: int, height: int) -> Shares:
    from PIL import Image

    if shares.shape == (height, width):
        return shares
    picture = Image.fromarray(shares)
    return np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR), np.float32)


class MeanShapes:
    """The mean training mask by set and name; of a set that was kept from the training, that of its modality.

    It is cut where that fits the training masks best: what varies in place has no pixel that half of them share.
    """

    def __init__(self, training: Iterable[Record], folder: Path) -> None:
        self._folder = folder
        self._files: dict[Hashable, list[Path]] = defaultdict(list)
        self._means: dict[Hashable, tuple[Shares, float] | None] = {}
        seen: set[Path] = set()  # a mask may be asked for in several spellings
        for record in training:
            has_name = record["task"] == "segment" and "structure" in record
            for file in masks_of(record, folder) if has_name else ():
                if file not in seen:
                    seen.add(file)
                    self._files[record["set"], record["structure"]].append(file)
                    self._files[record["modality"]].append(file)

    def like(self, record: Record, true: Pixels) -> Pixels | None:
        """A mask of the size of `true`, empty for a name without training masks; None for a modality without any, for
        what has no name, and where there is nothing to learn from."""
        if not self._files or "structure" not in record:
            return None
        left_out = record.get("left_out", False)
        key = record["modality"] if left_out else (record["set"], record["structure"])
        if key not in self._means:
            self._means[key] = _mean_and_threshold(self._files[key]) if key in self._files else None
        known = self._means[key]
        if known is None:
            return None if left_out else np.zeros_like(true)
        mean, threshold = known
        return _resized(mean, true.shape[1], true.shape[0]) >= threshold


def _mean_and_threshold(files: list[Path]) -> tuple[Shares, float]:
    """The mean of the masks, and where to cut it for the best mean Dice with them."""
    shares = np.stack([_resized(read_mask(file).astype(np.float32), SIDE, SIDE) for file in files])  # (n, H, W)
    masks, mean = shares >= 0.5, shares.mean(axis=0)
    areas = masks.sum(axis=(1, 2))

    def fit(threshold: float) -> float:
        shape = mean >= threshold
        return float((2 * masks[:, shape].sum(axis=1) / np.maximum(areas + shape.sum(), 1)).mean())

    return mean, max(THRESHOLDS, key=fit)


class FrequentAnswers:
    """Answers to questions without a look at the image, learnt from the training questions of the same set."""

    def __init__(self, training: Iterable[Record]) -> None:
        self._by_question: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
        self._by_task: dict[Hashable, Counter[str]] = defaultdict(Counter)
        for record in training:
            if record["task"] in WORDS:
                answer = normalised(answer_of(record))
                self._by_question[record["set"]][normalised(question_of(record))][answer] += 1
                self._by_task[record["set"], record["task"]][answer] += 1
                self._by_task[record["set"], record["task"], record["answer_type"]][answer] += 1

    def majority(self, record: Record) -> str | None:
        """The most frequent answer to the set's questions of this task and answer type."""
        return _first(self._by_task.get((record["set"], record["task"], record["answer_type"])))

    def question_only(self, record: Record) -> str | None:
        """The most frequent answer to this very question, else to the one that shares most words, else of the task."""
        known = self._by_question.get(record["set"], {})
        question = normalised(question_of(record))
        if question in known:
            return _first(known[question])
        words = set(question.split())

        def likeness(other: str) -> float:
            others = set(other.split())
            return len(words & others) / len(words | others) if others else 0.0

        nearest = max(known, key=lambda other: (likeness(other), known[other].total(), other), default=None)
        if nearest is not None and likeness(nearest) > 0:
            return _first(known[nearest])
        return _first(self._by_task.get((record["set"], record["task"])))


def _first(counts: Counter[str] | None) -> str | None:
    """The most frequent, the first in the alphabet of several."""
    return min(counts, key=lambda answer: (-counts[answer], answer)) if counts else None
