"""The figures of a card, out of results by record."""

from __future__ import annotations

from typing import Any

import pytest
from medplib.report.figures import Figure
from medplib.report.sections import tables


def pair(of_set: str, dice: float, group: str = "1", **more: Any) -> dict[str, Any]:
    about = {"task": "segment", "set": of_set, "group": group, "structure": "thing", "drawn": dice > 0}
    return {**about, "dice": dice, "iou": dice / 2, "mean_shape": 0.25, "box_filled": 0.5, "strict": True, **more}


def figure(results: list[Any], title: str, name: str, left_out: Any = ()) -> Figure:
    (table,) = (table for table in tables(results, left_out) if table.title == title)
    (found,) = (figure for figure in table.figures if figure.name == name)
    return found


def test_sets_weigh_alike_in_their_mean_and_pairs_in_the_other() -> None:
    results = [pair("one", 0.2), pair("one", 0.4, "2"), pair("two", 0.9)]
    everything, sets = (figure(results, "Text → mask", name) for name in ("all pairs", "mean of sets"))
    assert everything.count == 3
    assert everything.estimate.value == pytest.approx(0.5)
    assert everything.beside == {"gIoU": pytest.approx(0.25), "mean shape": 0.25}
    assert sets.estimate.value == pytest.approx((0.3 + 0.9) / 2)


def test_in_sample_sets_stay_out_of_means_but_in_their_line() -> None:
    results = [pair("one", 0.2), pair("brain", 0.8, in_sample=True)]
    assert figure(results, "Text → mask", "all pairs").count == 1
    assert figure(results, "By set", "brain (in-sample)").estimate.value == 0.8


def test_structures_are_taken_from_their_sets_alone() -> None:
    results = [
        pair("drishti", 0.9, structure="optic disc"),
        pair("idrid_od", 0.7, structure="optic disc"),
        pair("drishti", 0.1, structure="optic cup"),
    ]
    disc = figure(results, "Text → mask", "optic disc (drishti, idrid_od)")
    assert disc.count == 2
    assert disc.estimate.value == pytest.approx(0.8)


def test_the_strict_line_leaves_out_near_duplicates() -> None:
    results = [pair("slake", 0.2), pair("slake", 0.8, "2", strict=False)]
    assert figure(results, "Text → mask", "SLAKE").estimate.value == 0.5
    assert figure(results, "Text → mask", "SLAKE, strict").estimate.value == 0.2


def test_clicks_are_judged_by_what_they_gain() -> None:
    results = [pair("one", 0.2, box=0.8, clicks=[0.3, 0.4, 0.5]), pair("one", 0.6, box=0.6, clicks=[0.5, 0.6, 0.7])]
    gained = figure(results, "Boxes and clicks", "gain of 3 clicks")
    assert gained.estimate.value == pytest.approx((0.3 + 0.1) / 2)
    assert figure(results, "Boxes and clicks", "after click 1").estimate.value == pytest.approx(0.4)
    assert figure(results, "Boxes and clicks", "box → mask").beside == {"box filled": 0.5}


def test_declining_is_right_for_absent_structures_and_a_false_alarm_for_present_ones() -> None:
    absent = [{"task": "absent", "set": "one", "group": str(i), "drawn": i == 0} for i in range(4)]
    results = [*absent, pair("one", 0), pair("one", 0.5)]
    title = "Structures that are not there"
    assert figure(results, title, "absent, called absent").estimate.value == 0.75
    assert figure(results, title, "absent, drawn nevertheless").estimate.value == 0.25
    assert figure(results, title, "present, called absent (false alarms)").estimate.value == 0.5


def said(task: str, right: bool, kind: str = "open", guess: bool = False, **more: Any) -> dict[str, Any]:
    about = {"task": task, "set": "slake", "group": "1", "answer_type": kind, "own": True, "strict": True}
    return {**about, "said": "Yes", "answer": "Yes", "right": right, "question_only": guess, "majority": False, **more}


def test_slakes_figures_count_its_own_questions_alone() -> None:
    results = [said("modality", True), said("modality", True, own=False), said("vqa", False, "closed", guess=True)]
    title = "SLAKE's own questions"
    assert figure(results, title, "modality").count == 1
    assert (figure(results, title, "all").count, figure(results, title, "all").estimate.value) == (2, 0.5)
    closed = figure(results, title, "closed")
    assert closed.beside == {"question only": 1, "majority": 0}


def test_presence_is_shown_with_its_balance() -> None:
    results = [said("presence", True), said("presence", True), said("presence", False, answer="No")]
    title = "Names, presence and modality"
    assert figure(results, title, "presence").estimate.value == pytest.approx(2 / 3)
    assert figure(results, title, "presence, where it is not").estimate.value == 0
    assert figure(results, title, "presence: “Yes” is right").estimate.value == pytest.approx(2 / 3)
    assert figure(results, title, "presence: “Yes” is said").estimate.value == 1


def test_left_out_sets_stand_beside_the_same_sets_seen() -> None:
    title, stranger = "Sets left out of the training", pair("polyps", 0.3, left_out=True, mean_shape=None)
    results = [pair("polyps", 0.6), pair("one", 0.5)]
    unseen = figure(results, title, "polyps", [stranger, pair("one", 0.9)])
    assert (unseen.count, unseen.estimate.value, unseen.beside["mean shape"]) == (1, 0.3, None)
    assert figure(results, title, "polyps, seen in training", [stranger]).estimate.value == 0.6
    assert figure([*results, stranger], "Text → mask", "all pairs").count == 2


def test_each_structure_has_its_figure() -> None:
    results = [pair("one", 0.2), pair("two", 0.8), pair("two", 0.4, structure="spleen")]
    assert figure(results, "By structure", "thing").count == 2
    assert figure(results, "By structure", "spleen").estimate.value == 0.4
