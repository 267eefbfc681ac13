"""What can be had without a model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from medplib.report.baselines import FrequentAnswers, MeanShapes
from PIL import Image


def drawing(folder: Path, name: str, columns: tuple[int, int], **more: Any) -> dict[str, Any]:
    """A record whose mask, 256 by 256, shows these columns."""
    mask = np.zeros((256, 256), np.uint8)
    mask[:, slice(*columns)] = 255
    Image.fromarray(mask).save(folder / f"{name}.png")
    turns = [{"value": "<image>\nSegment it."}, {"value": f"Sure <SEG>.<mask>{name}.png</mask>"}]
    about = {"task": "segment", "set": "made", "modality": "CT", "structure": "half", "conversations": turns}
    return about | more


def columns_of(mask: Any) -> list[int]:
    return [int(column) for column in np.flatnonzero(mask[0])]


def test_the_mean_shape_is_cut_where_it_fits_the_training_masks_best(tmp_path: Path) -> None:
    training = [drawing(tmp_path, "a", (0, 40)), drawing(tmp_path, "b", (0, 80)), drawing(tmp_path, "c", (0, 80))]
    # shares: 1 up to column 40, 2/3 up to 80: with both, Dice is (2·40/120 + 1 + 1) / 3, else (1 + 2·2·40/120) / 3
    shape = MeanShapes(training, tmp_path).like(training[0], np.zeros((256, 256), bool))
    assert columns_of(shape) == list(range(80))


def test_the_mean_shape_takes_the_size_of_the_image(tmp_path: Path) -> None:
    training = [drawing(tmp_path, "a", (0, 128))]
    shape = MeanShapes(training, tmp_path).like(training[0], np.zeros((5, 64), bool))
    assert shape is not None and shape.shape == (5, 64)
    assert columns_of(shape)[-1] in (31, 32)  # the edge between them is a half


def test_other_sets_and_names_have_shapes_of_their_own(tmp_path: Path) -> None:
    training = [drawing(tmp_path, "a", (0, 40)), drawing(tmp_path, "b", (100, 140), structure="other")]
    shapes = MeanShapes(training, tmp_path)
    assert columns_of(shapes.like(training[1], np.zeros((256, 256), bool))) == list(range(100, 140))
    nowhere = shapes.like(training[0] | {"set": "unknown"}, np.zeros((256, 256), bool))
    assert nowhere is not None and not nowhere.any()


def test_a_left_out_set_gets_the_shape_of_its_modality(tmp_path: Path) -> None:
    training = [drawing(tmp_path, "a", (0, 40)), drawing(tmp_path, "b", (100, 140), modality="MRI")]
    shapes = MeanShapes(training, tmp_path)
    stranger = {"set": "stranger", "structure": "new", "modality": "MRI", "left_out": True}
    assert columns_of(shapes.like(stranger, np.zeros((256, 256), bool))) == list(range(100, 140))
    assert shapes.like(stranger | {"modality": "PET"}, np.zeros((256, 256), bool)) is None


def asked(question: str, answer: str, task: str = "vqa", kind: str = "open", of_set: str = "slake") -> dict[str, Any]:
    turns = [{"value": f"<image>\n{question}"}, {"value": answer}]
    return {"task": task, "set": of_set, "answer_type": kind, "conversations": turns}


TRAINING = [
    asked("Is the liver healthy?", "Yes", kind="closed"),
    asked("Is the liver healthy?", "No", kind="closed"),
    asked("Is the liver healthy?", "No", kind="closed"),
    asked("Which organ is the largest?", "Lung", task="organ"),
    asked("Which organ is the smallest?", "Spleen", task="organ"),
    asked("Which organ is the smallest?", "Heart", task="organ"),
    asked("Which organ is the smallest?", "Heart", task="organ"),
    asked("Is the liver healthy?", "Perhaps", kind="closed", of_set="another"),
]


@pytest.mark.parametrize(
    ("question", "task", "answer"),
    [
        ("Is the liver healthy?", "vqa", "no"),  # the same question
        ("Which organ is large, the largest?", "organ", "lung"),  # 4 words of 5 shared, with the other 3 of 6
        ("Quo vadis?", "organ", "heart"),  # no word shared: the task's
    ],
)
def test_questions_are_answered_without_a_look_at_the_image(question: str, task: str, answer: str) -> None:
    assert FrequentAnswers(TRAINING).question_only(asked(question, "?", task)) == answer


def test_the_majority_is_that_of_set_task_and_answer_type() -> None:
    answers = FrequentAnswers(TRAINING)
    assert answers.majority(asked("?", "?", "organ")) == "heart"
    assert answers.majority(asked("?", "?", "vqa", "closed", "another")) == "perhaps"
    assert answers.majority(asked("?", "?", "plane")) is None
    assert answers.question_only(asked("?", "?", "plane", of_set="unknown")) is None
