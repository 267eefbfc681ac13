"""What answers claim of an image, and which of them the masks contradict."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from medplib.data import claims
from medplib.data.claims import contradiction
from medplib.data.metadata import MODALITIES, MetaData, Picture, Seen, count_areas
from medplib.data.templates import template_pairs

LIVER = Seen("liver", ("a.png",), "a.png", 0.2, 0.25, 0.3, "left", "upper", 1)
KIDNEY = Seen("left kidney", ("b.png",), "b.png", 0.005, 0.8, 0.7, "right", "lower", 2)
META = MetaData("CT", "Abdomen", (LIVER, KIDNEY), ("polyp",))
KNOWN = ("spleen", "kidney", "lung")


def reason(answer: str, question: str = "What is to be seen?", about: tuple[str, ...] = ()) -> str | None:
    wrong = contradiction(question, answer, META, about, KNOWN)
    return wrong[0] if wrong else None


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("The liver lies on the right side of the image.", claims.SIDE),
        ("The left kidney is in the upper part.", claims.SIDE),
        ("The liver is seen in the centre of the image.", None),
        ("The left kidney is in the centre of the image.", claims.SIDE),
        ("The spleen is enlarged.", claims.UNKNOWN),
        ("A polyp is visible.", claims.UNKNOWN),
        ("Nothing is to be seen.", claims.DENIED),
        ("There are no lesions.", claims.DENIED),
        ("The liver is not visible.", claims.DENIED),
        ("The liver can't be seen.", claims.DENIED),
        ("There are three structures.", claims.COUNT),
        ("The left kidney appears in 3 separate areas.", claims.COUNT),
        ("There are two livers.", claims.COUNT),
        ("The liver covers 60% of the image.", claims.SIZE),
        ("The liver is a small structure.", claims.SIZE),
        ("The left kidney is the largest structure.", claims.SIZE),
        ("The left kidney is larger than the liver.", claims.RELATION),
        ("The liver lies to the right of the left kidney.", claims.RELATION),
        ("The liver lies below the left kidney.", claims.RELATION),
        ("This ultrasound shows the liver.", claims.OTHER_MODALITY),
        ("The liver is large. It lies on the right.", claims.SIDE),
        ("The liver lies in the upper left part, and the left kidney on the left side.", claims.SIDE),
    ],
)
def test_an_answer_that_the_masks_contradict_is_refused_for_its_reason(answer: str, why: str | None) -> None:
    assert reason(answer) == why


@pytest.mark.parametrize(
    "answer",
    [
        "This is a CT image of the abdomen. The liver is large, about 20% of it, in the upper left part of the image.",
        "The left kidney lies in the lower right part of the image, in two separate areas.",
        "The liver is larger than the left kidney and lies to the left of the left kidney.",
        "There are two structures: the liver and the left kidney.",
        "The polyp is not visible in this image.",
        "The left kidney covers less than 1% of the image.",
        "Sure, the segmentation result is <SEG>.<mask>masks/spleen__right.png</mask>",
    ],
)
def test_an_answer_that_the_masks_bear_out_is_kept(answer: str) -> None:
    assert reason(answer) is None


@pytest.mark.parametrize(
    ("question", "answer", "why"),
    [
        ("Is the liver visible?", "No", claims.DENIED),
        ("Is the liver visible?", "Yes", None),
        ("Is the spleen visible?", "Yes, it is.", claims.UNKNOWN),
        ("Is the polyp visible?", "No", None),
        ("Does the liver lie on the left?", "No", claims.SIDE),
        ("Does the liver lie on the right?", "Yes", claims.SIDE),
        ("Does the liver lie on the right?", "No, it lies on the left.", None),
    ],
)
def test_yes_and_no_are_held_against_the_question(question: str, answer: str, why: str | None) -> None:
    assert reason(answer, question) == why


def test_it_is_what_is_asked_about() -> None:
    assert reason("It lies on the right.", about=("liver",)) == claims.SIDE
    assert reason("It lies on the right.", about=("left kidney",)) is None


def test_a_pair_about_a_mask_names_the_structure_of_that_mask() -> None:
    region, segmented = "What is <region>a.png</region>?", "It is <SEG>.<mask>a.png</mask>"
    assert reason("The left kidney.", region, ("liver",)) == claims.OTHER_STRUCTURE
    assert reason("The liver.", region, ("liver",)) is None
    assert reason(segmented, "Show the left kidney.", ("liver",)) == claims.OTHER_STRUCTURE
    assert reason(segmented, "Show the liver.", ("liver",)) is None


def test_the_word_that_is_wrong_is_told() -> None:
    assert contradiction("", "The liver lies on the right.", META, (), KNOWN) == (claims.SIDE, "right")


@pytest.mark.parametrize("modality", MODALITIES)
def test_no_template_says_what_the_masks_contradict(modality: str) -> None:
    rng = np.random.default_rng(5)
    names = ["right lung", "liver", "small bowel", "brain non-enhancing tumor", "optic disc"]
    for case in range(60):
        seen = []
        for name in names[: case % 6]:
            x, y = rng.random(2).round(3)
            across = "left" if x < 0.4 else "right" if x > 0.6 else "centre"
            down = "upper" if y < 0.4 else "lower" if y > 0.6 else "centre"
            area, areas = round(float(rng.random() ** 3), 4), int(rng.integers(1, 15))
            across, down = (word if rng.random() > 0.3 else "" for word in (across, down))
            seen.append(Seen(name, ("m.png",), "m.png", area, float(x), float(y), across, down, areas))
        meta = MetaData(modality, ("", "Brain", "Lung")[case % 3], tuple(seen), ("spleen", "polyp")[: case % 3])
        picture = Picture("set", str(case), "group", "i.png", modality, "", (), ())
        for pair in template_pairs(picture, meta, seed=case):
            assert contradiction(pair.question, pair.answer, meta, pair.names, ("lung", *KNOWN)) is None, pair


def test_yes_and_no_are_asked_about_as_often() -> None:
    said: list[str] = []
    for case in range(300):
        picture = Picture("set", str(case), "group", "i.png", "CT", "", (), ())
        pairs = template_pairs(picture, replace(META, absent=("polyp", "spleen")), seed=1)
        said += [pair.answer for pair in pairs if pair.task == "presence"]
    assert len(said) > 100 and 0.4 < said.count("Yes") / len(said) < 0.6


@pytest.mark.parametrize(
    ("rows", "areas"),
    [
        (["....", "...."], 0),
        (["##..", "..##"], 1),  # they touch by a corner
        (["##.#", "...#", "##.#"], 3),
        (["#.#", "###"], 1),
        (["#.#.#", "#.#.#", "#####"], 1),
        (["#" * 200, "." * 200, "#" + "." * 199], 1),  # a speck
    ],
)
def test_areas_are_counted(rows: list[str], areas: int) -> None:
    assert count_areas(np.array([[cell == "#" for cell in row] for row in rows])) == areas
