"""Figures of a model's card, out of results by record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from .clicks import CLICKS
from .measures import Estimate, estimate, mean_of
from .records import Result

Results = Sequence[Result]
Score = Callable[[Result], float | None]
Average = Callable[[Results, Score], Estimate | None]


@dataclass(frozen=True)
class Figure:
    name: str
    count: int
    estimate: Estimate
    beside: Mapping[str, float | None] = field(default_factory=dict)  # baselines and second measures, by column


@dataclass(frozen=True)
class Table:
    title: str
    counted: str
    score: str
    figures: Sequence[Figure]


def score(key: str) -> Score:
    def read(result: Result) -> float | None:
        value = result.get(key)
        return None if value is None else float(value)

    return read


def after_clicks(count: int) -> Score:
    return lambda result: result["clicks"][count - 1] if "clicks" in result else None


def gain(result: Result) -> float | None:
    after = after_clicks(CLICKS)(result)
    return None if after is None else after - float(result["dice"])


def over_all(results: Results, of: Score) -> Estimate | None:
    """None when a result has no such score, or there is no result."""
    values = [value for result in results if (value := of(result)) is not None]
    if not values or len(values) < len(results):
        return None
    return estimate(values, [f"{result['set']}/{result['group']}" for result in results])


def over_sets(results: Results, of: Score) -> Estimate | None:
    means = [over_all(each, of) for each in by_set(results).values()]
    known = [mean for mean in means if mean is not None]
    return mean_of(known) if known and len(known) == len(means) else None


def by_set(results: Results) -> dict[str, list[Result]]:
    names = sorted({str(result["set"]) for result in results})
    return {name: [result for result in results if result["set"] == name] for name in names}


def figures(
    name: str,
    results: Results,
    of: Score,
    beside: Mapping[str, Score] | None = None,
    average: Average = over_all,
) -> list[Figure]:
    """The figure of the results; none where they hold no such score."""
    found = average(results, of)
    if found is None:
        return []
    others = {column: average(results, other) for column, other in (beside or {}).items()}
    values = {column: None if other is None else other.value for column, other in others.items()}
    return [Figure(name, len(results), found, values)]
