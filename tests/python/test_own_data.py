"""Records and a recipe from a user's own folder of images and masks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from medplib.data.__main__ import main
from PIL import Image

MODEL = Path(__file__).resolve().parents[2] / "models/tiny"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Ten pictures of two patients each shows a cyst in; one mask is empty, and one picture has none."""
    root = tmp_path / "mydata"
    for name in ("images", "masks"):
        (root / name).mkdir(parents=True)
    for index in range(10):
        name = f"patient{index // 2}_{index}"
        Image.new("RGB", (40, 30), (index * 20, 90, 10)).save(root / f"images/{name}.jpg")
        mask = Image.new("L", (40, 30))
        if index != 3:
            mask.paste(255, (5, 5, 20, 20))
        if index != 4:
            mask.save(root / f"masks/{name}.png")
    return root


def made(folder: Path, *more: str) -> int:
    return main(["folder", str(folder), "--phrase", "simple cyst", "--model", str(MODEL), *more])


def records(folder: Path, part: str = "train") -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = json.loads((folder / f"{part}.json").read_text())
    return loaded


def images(folder: Path, part: str) -> set[str]:
    return {record["image"] for record in records(folder, part)}


def test_each_mask_becomes_questions_and_each_picture_is_on_one_side(folder: Path, capsys: Any) -> None:
    assert made(folder) == 0
    assert "train.json: 7 images" in capsys.readouterr().out
    assert len(images(folder, "train")) == 7
    assert len(images(folder, "validate")) == 2
    assert not images(folder, "train") & images(folder, "validate")
    everything = records(folder) + records(folder, "validate")
    assert "images/patient2_4.jpg" not in {record["image"] for record in everything}
    assert len({record["id"] for record in everything}) == len(everything)
    drawn = [r["conversations"] for r in everything if r["task"] == "segment"]
    assert len(drawn) == 8
    assert all(
        "simple cyst" in question["value"] and "<SEG>.<mask>masks/" in reply["value"] for question, reply in drawn
    )


def test_an_empty_mask_says_that_nothing_is_there(folder: Path) -> None:
    made(folder)
    about = [r for r in records(folder) + records(folder, "validate") if r["image"] == "images/patient1_3.jpg"]
    replies = {r["task"]: r["conversations"][1]["value"] for r in about}
    assert replies == {"absent": "The simple cyst is not visible in this image.", "presence": "No"}


def test_the_same_names_give_the_same_split(folder: Path) -> None:
    made(folder)
    before = images(folder, "validate")
    made(folder)
    assert images(folder, "validate") == before


def test_a_patient_is_on_one_side(folder: Path) -> None:
    made(folder, "--group", "^[^_]+", "--held-out", "0.4")
    patients = [{name.split("_")[0] for name in images(folder, part)} for part in ("train", "validate")]
    assert len(patients[0]) == 3
    assert len(patients[1]) == 2
    assert not patients[0] & patients[1]


def test_a_masks_name_says_which_structure_it_shows(folder: Path) -> None:
    for index in range(10):
        Image.new("L", (40, 30), 255).save(folder / f"masks/patient{index // 2}_{index}__left_kidney.png")
    made(folder, "--modality", "CT")
    everything = records(folder) + records(folder, "validate")
    assert {r["structure"] for r in everything if r["task"] == "segment"} == {"simple cyst", "left kidney"}
    assert {r["conversations"][1]["value"] for r in everything if r["task"] == "modality"} == {"CT"}


def test_the_recipe_leads_to_the_records_and_the_model(folder: Path) -> None:
    made(folder)
    recipe = json.loads((folder / "recipe.json").read_text())
    assert (folder / recipe["model"]).resolve() == MODEL
    assert (folder / recipe["start"][0] / "config.json").exists()
    assert (folder / recipe["train"]).exists()
    assert (folder / recipe["validate"]).exists()


def faulty_mask(folder: Path) -> None:
    Image.new("L", (41, 30), 255).save(folder / "masks/patient0_0.png")


def mask_of_nothing(folder: Path) -> None:
    Image.new("L", (40, 30), 255).save(folder / "masks/nobody.png")


def no_masks(folder: Path) -> None:
    for mask in (folder / "masks").iterdir():
        mask.unlink()


def no_images(folder: Path) -> None:
    (folder / "images").rename(folder / "pictures")


@pytest.mark.parametrize(
    ("spoil", "more", "saying"),
    [
        (faulty_mask, [], "patient0_0.png: the mask has 41 x 30 pixels"),
        (mask_of_nothing, [], "nobody.png: there is no image of this name"),
        (no_masks, [], "no image in images/ has a mask"),
        (no_images, [], "images"),
        (lambda folder: None, ["--phrase", ""], "what does this mask show?"),
        (lambda folder: None, ["--model", "nowhere"], "nowhere: this is no model folder"),
        (lambda folder: None, ["--group", "patient"], "all images are of one group"),
        (lambda folder: None, ["--group", "("], "missing )"),
    ],
)
def test_what_cannot_be_used_is_told(folder: Path, capsys: Any, spoil: Any, more: list[str], saying: str) -> None:
    spoil(folder)
    assert made(folder, *more) == 1
    assert saying in capsys.readouterr().err
    assert not (folder / "train.json").exists()
