"""What an answer is worth, and how sure a mean is."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _native as _native  # before _core
from .._core import overlap

Pixels = npt.NDArray[np.bool_]  # (H, W)


def dice(drawn: Pixels, true: Pixels) -> float:
    """2 |A ∩ B| / (|A| + |B|); 1 when both are empty."""
    return overlap(drawn, true).dice


def normalised(text: str) -> str:
    """Lower case, without punctuation and articles, so that "The liver." equals "liver"."""
    words = re.sub(r"[^\w\s-]", " ", text.lower()).split()
    return " ".join(word for word in words if word not in {"a", "an", "the"})


def mean_value(values: Sequence[Any]) -> Any:
    """Of numbers, or place by place of lists of them; None where one is missing."""
    if any(value is None for value in values):
        return None
    if isinstance(values[0], list):
        return [mean_value(of) for of in zip(*values, strict=True)]
    return sum(values) / len(values)


@dataclass(frozen=True)
class Estimate:
    """A mean and half of its 95 % interval, which is None where the values can't tell it."""

    value: float
    margin: float | None


def estimate(values: Sequence[float], clusters: Sequence[str]) -> Estimate:
    """Mean ± 1.96 standard errors, for values that depend on each other within a cluster (a patient, a scan).

    With one value a cluster this is the usual s / √n. Source: Cameron and Miller, J. Human Resources 50:317 (2015).
    """
    n, mean = len(values), sum(values) / len(values)
    excess: dict[str, float] = defaultdict(float)
    for value, cluster in zip(values, clusters, strict=True):
        excess[cluster] += value - mean
    groups = len(excess)
    if groups < 2 or max(values) == min(values):
        return Estimate(mean, None)
    return Estimate(mean, 1.96 * sqrt(sum(e * e for e in excess.values()) * groups / (groups - 1)) / n)


def mean_of(estimates: Sequence[Estimate]) -> Estimate:
    """The mean of independent estimates, each with the same weight."""
    n = len(estimates)
    value = sum(each.value for each in estimates) / n
    margins = [each.margin for each in estimates if each.margin is not None]
    return Estimate(value, sqrt(sum(m * m for m in margins)) / n if margins else None)
