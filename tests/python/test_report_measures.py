"""What an answer is worth, by hand-computed cases."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from medplib._core import overlap
from medplib.errors import InvalidArgumentError
from medplib.report.clicks import box_of, centre, filled, largest_component, next_click
from medplib.report.measures import Estimate, Pixels, dice, estimate, mean_of, normalised


def pixels(*rows: str) -> Pixels:
    """A mask from rows such as ".##."."""
    return np.array([[letter == "#" for letter in row] for row in rows])


def test_dice_and_iou_count_the_shared_pixels() -> None:
    a, b = pixels("##.."), pixels(".##.")
    assert dice(a, b) == 2 / 4
    assert overlap(a, b).iou == 1 / 3
    assert dice(a, ~a) == overlap(a, ~a).iou == 0
    nothing = np.zeros_like(a)
    assert dice(nothing, nothing) == overlap(nothing, nothing).iou == 1


def test_dice_and_iou_are_those_of_numpy_to_the_last_digit() -> None:
    random = np.random.default_rng(3)
    for _ in range(50):
        a, b = (random.random((7, 11)) < random.random() for _ in range(2))
        both, either = int((a & b).sum()), int((a | b).sum())
        assert overlap(a, b).dice == 2 * both / (int(a.sum()) + int(b.sum()))
        assert overlap(a[:, ::2], b[:, ::2]).in_union == int((a | b)[:, ::2].sum())
        assert overlap(a, b).iou == both / either


def test_masks_of_two_sizes_are_not_compared() -> None:
    with pytest.raises(InvalidArgumentError, match="4 × 1 pixels cannot be compared with a target of 3 × 1"):
        overlap(pixels("##.."), pixels("##."))
    with pytest.raises(InvalidArgumentError, match="not one of 3 dimensions"):
        overlap(pixels("##..")[None], pixels("##.."))


def test_answers_are_compared_without_articles_case_and_full_stops() -> None:
    assert normalised("The Left Lung.") == normalised("left lung")
    assert normalised("X-Ray") != normalised("CT")


def test_the_interval_of_independent_values_is_the_usual_one() -> None:
    # mean 0.5, s² = (0.25 + 0.25 + 0 + 0) / 3 = 1/6, standard error √(1/6 / 4)
    found = estimate([0, 1, 0.5, 0.5], ["a", "b", "c", "d"])
    assert found.value == 0.5
    assert found.margin == pytest.approx(1.96 * sqrt(1 / 24))


def test_records_of_one_patient_widen_the_interval() -> None:
    # deviations: patient a −0.5 −0.5, patient b +0.5 +0.5; their squared sums 1 and 1, times 2 / (2 − 1)
    found = estimate([0, 0, 1, 1], ["a", "a", "b", "b"])
    assert found.value == 0.5
    assert found.margin == pytest.approx(1.96 * sqrt(2 * 2 / 1) / 4)


def test_one_patient_and_equal_values_have_no_interval() -> None:
    assert estimate([0.25, 0.75], ["a", "a"]) == Estimate(0.5, None)
    assert estimate([1, 1], ["a", "b"]) == Estimate(1, None)


def test_the_mean_of_sets_weighs_sets_alike() -> None:
    found = mean_of([Estimate(0.2, 0.3), Estimate(0.6, 0.4)])
    assert found.value == pytest.approx(0.4)
    assert found.margin == pytest.approx(sqrt(0.3**2 + 0.4**2) / 2)
    assert mean_of([Estimate(0.2, None), Estimate(0.6, None)]) == Estimate(0.4, None)


def test_a_box_goes_around_the_mask_with_both_corners_inside() -> None:
    mask = pixels("....", ".#..", "..#.")
    assert box_of(mask) == (1, 1, 2, 2)
    np.testing.assert_array_equal(filled(box_of(mask), mask), pixels("....", ".##.", ".##."))


def test_pixels_that_touch_by_a_corner_are_two_components() -> None:
    mask = pixels("##..", "..##", "..#.")
    np.testing.assert_array_equal(largest_component(mask), pixels("....", "..##", "..#."))


def test_a_component_may_join_below_and_beside() -> None:
    mask = pixels("#.#.#", "#.#.#", "###.#")
    np.testing.assert_array_equal(largest_component(mask), pixels("#.#..", "#.#..", "###.."))


@pytest.mark.parametrize("seed", range(20))
def test_components_are_those_of_a_flood(seed: int) -> None:
    mask = np.random.default_rng(seed).random((17, 23)) < 0.55
    assert largest_component(mask).sum() == max(len(part) for part in flooded(mask))
    assert set(map(tuple, np.argwhere(largest_component(mask)))) in flooded(mask)


def flooded(mask: Pixels) -> list[set[tuple[int, int]]]:
    left = set(map(tuple, np.argwhere(mask)))
    parts = []
    while left:
        reached, fresh = set(), [left.pop()]
        while fresh:
            y, x = fresh.pop()
            reached.add((y, x))
            near = left & {(y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)}
            left -= near
            fresh += near
        parts.append(reached)
    return parts


def test_the_centre_lies_deepest_inside() -> None:
    assert centre(pixels("......", ".###..", ".####.", ".###..")) == (2, 2)
    assert centre(pixels("#####")) == (2, 0)
    assert centre(pixels("###", "#.#", "###")) in {(x, y) for x in range(3) for y in range(3)} - {(1, 1)}


def test_a_click_adds_what_was_missed_or_takes_off_what_is_too_much() -> None:
    true = pixels("###.....", "###.....", "###.....")
    nothing = np.zeros_like(true)
    assert next_click(nothing, true) == ((1, 1), 1)
    too_much = pixels("###.....", "###.....", "###..###")
    assert next_click(too_much, true) == ((6, 2), 0)
    assert next_click(true, true) is None
