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
        if index != 2:
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
    about = [r for r in records(folder) + records(folder, "validate") if r["image"] == "images/patient1_2.jpg"]
    replies = {r["task"]: r["conversations"][1]["value"] for r in about}
    assert replies == {"absent": "The simple cyst is not visible in this image.", "presence": "No"}


def presence(folder: Path) -> set[tuple[str, str]]:
    """The structures that are asked for, each with the answers."""
    everything = records(folder) + records(folder, "validate")
    return {(r["structure"], r["conversations"][1]["value"]) for r in everything if r["task"] == "presence"}


NOTHING_TEACHES_ABSENCE = "simple cyst: nothing to learn from says that it isn't there"


def test_whether_it_is_there_is_not_asked_where_all_answers_would_be_yes(folder: Path, capsys: Any) -> None:
    made(folder)
    assert presence(folder) == {("simple cyst", "Yes"), ("simple cyst", "No")}
    assert NOTHING_TEACHES_ABSENCE not in capsys.readouterr().out
    (folder / "masks/patient1_2.png").unlink()
    made(folder)
    assert presence(folder) == set()
    printed = capsys.readouterr().out
    assert NOTHING_TEACHES_ABSENCE in printed and "add pictures without it, each with an empty mask" in printed


def test_yes_is_learnt_about_as_often_as_no(folder: Path) -> None:
    """An empty mask is asked for in more wordings, but judged by in one."""
    made(folder)
    learnt = [(r["conversations"][1]["value"], r["image"]) for r in records(folder) if r["task"] == "presence"]
    assert sorted(learnt)[:3] == [("No", "images/patient1_2.jpg")] * 3
    assert len({image for answer, image in learnt if answer == "Yes"}) == len(learnt) - 3 == 3
    refused = {r["conversations"][0]["value"] for r in records(folder) if r["task"] == "absent"}
    assert len(refused) == 3
    judged = [r["image"] for r in records(folder, "validate") if r["task"] == "presence"]
    assert len(judged) == len(images(folder, "validate"))


def test_an_empty_mask_that_is_held_out_teaches_nothing(folder: Path, capsys: Any) -> None:
    made(folder)
    held_out = Path(min(images(folder, "validate")))
    Image.new("L", (40, 30), 255).save(folder / "masks/patient1_2.png")
    Image.new("L", (40, 30)).save(folder / f"masks/{held_out.stem}.png")
    capsys.readouterr()
    made(folder)
    assert [r["image"] for r in records(folder, "validate") if r["task"] == "absent"] == [str(held_out)]
    assert presence(folder) == set()
    assert NOTHING_TEACHES_ABSENCE in capsys.readouterr().out


def test_each_structure_is_taught_absent_by_its_own_empty_masks(folder: Path, capsys: Any) -> None:
    """An image that shows another structure, and has no mask of this one, says nothing about this one."""
    for index in range(5):
        Image.new("L", (40, 30), 255).save(folder / f"masks/patient{index // 2}_{index}__left_kidney.png")
    made(folder)
    assert presence(folder) == {("simple cyst", "Yes"), ("simple cyst", "No")}
    assert "left kidney: nothing to learn from says" in capsys.readouterr().out
    asked = {r["image"] for r in records(folder) + records(folder, "validate") if r.get("structure") == "left kidney"}
    assert len(asked) == 5


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


@pytest.mark.parametrize("suffix", ["PNG", "tif", "TIFF"])
def test_masks_may_have_the_formats_of_pictures(folder: Path, capsys: Any, suffix: str) -> None:
    mask = folder / "masks/patient0_0.png"
    with Image.open(mask) as picture:
        picture.save(mask.with_suffix(f".{suffix}"))
    mask.unlink()
    made(folder)
    printed = capsys.readouterr().out
    assert "simple cyst: 9 masks, 1 of them empty\npassed over: 1 images without a mask, such as images/" in printed
    assert f"masks/patient0_0.{suffix}" in json.dumps(records(folder) + records(folder, "validate"))


def test_a_jpeg_mask_is_taken_with_a_warning(folder: Path, capsys: Any) -> None:
    Image.new("L", (40, 30)).save(folder / "masks/patient2_4.jpg")
    made(folder)
    printed = capsys.readouterr().out
    assert "simple cyst: 10 masks" in printed and "JPEG: 1 masks, such as" in printed and "passed over" not in printed


def test_the_name_of_a_picture_may_hold_what_parts_it_from_a_structure(folder: Path) -> None:
    for name in ("images/a.png", "images/a__b.png", "masks/a__b.png", "masks/a__b__left_kidney.png", "masks/a__c.png"):
        Image.new("L", (40, 30), 255).save(folder / name)
    made(folder)
    drawn = [r for r in records(folder) + records(folder, "validate") if r["task"] == "segment"]
    asked = {(r["image"], r["structure"]) for r in drawn if r["image"].startswith("images/a")}
    assert asked == {
        ("images/a__b.png", "simple cyst"),
        ("images/a__b.png", "left kidney"),
        ("images/a.png", "c"),
    }


def test_groups_are_counted(folder: Path, capsys: Any) -> None:
    made(folder, "--group", "^[^_]+")
    printed = capsys.readouterr().out
    assert "train.json: 7 images of 4 groups, " in printed and "validate.json: 2 images of 1 groups, " in printed


def test_an_edited_recipe_is_kept_until_it_is_deleted(folder: Path, capsys: Any) -> None:
    made(folder)
    recipe = folder / "recipe.json"
    written = recipe.read_text()
    recipe.write_text(written.replace('"steps": 400', '"steps": 30'))
    capsys.readouterr()
    assert made(folder) == 0
    assert '"steps": 30' in recipe.read_text()
    assert "recipe.json: kept as it is" in (printed := capsys.readouterr().out) and "delete it" in printed
    recipe.unlink()
    made(folder)
    assert recipe.read_text() == written
    capsys.readouterr()
    made(folder)
    assert "kept as it is" not in capsys.readouterr().out


def test_a_mask_that_is_set_everywhere_is_told(folder: Path, capsys: Any) -> None:
    made(folder)
    assert "everywhere" not in capsys.readouterr().out
    Image.new("L", (40, 30), 1).save(folder / "masks/patient0_0.png")
    made(folder)
    assert "set everywhere: 1 masks, such as " in capsys.readouterr().out


def test_an_alpha_channel_without_holes_does_no_harm(folder: Path) -> None:
    with Image.open(folder / "masks/patient0_0.png") as mask:
        opaque = mask.convert("RGBA")
    opaque.save(folder / "masks/patient0_0.png")
    assert made(folder) == 0


def test_phrases_are_stripped(folder: Path) -> None:
    made(folder, "--phrase", "  simple   cyst ")
    assert {r["structure"] for r in records(folder) if "structure" in r} == {"simple cyst"}


ODD = "\ufeffsim\u00adple\u00a0\u200b cy\u200dst"  # seen as "simple cyst"


def test_phrases_are_as_they_are_seen(folder: Path) -> None:
    assert made(folder, "--phrase", ODD, "--modality", "C\u200bT") == 0
    said = (folder / "train.json").read_text() + (folder / "validate.json").read_text()
    assert "Simple cyst." in said and '"CT"' in said
    assert not [each for each in ODD if not each.isascii() and each in said]
    assert {r["structure"] for r in records(folder) if "structure" in r} == {"simple cyst"}


def test_phrases_in_names_and_values_are_as_they_are_seen(folder: Path) -> None:
    (folder / "masks/patient0_0.png").rename(folder / f"masks/patient0_0__{ODD}.png")
    assert made(folder, "--phrase", "", "--values", f"\ufeff255\u200b={ODD}") == 0
    assert {r["structure"] for r in records(folder) if "structure" in r} == {"simple cyst"}
    assert made(folder, "--phrase", "US\u200bER: cyst") == 1


def faulty_mask(folder: Path) -> None:
    Image.new("L", (41, 30), 255).save(folder / "masks/patient0_0.png")


def mask_of_nothing(folder: Path) -> None:
    Image.new("L", (40, 30), 255).save(folder / "masks/nobody.png")


def no_masks(folder: Path) -> None:
    for mask in (folder / "masks").iterdir():
        mask.unlink()


def no_images(folder: Path) -> None:
    (folder / "images").rename(folder / "pictures")


def two_masks_of_the_same(folder: Path) -> None:
    Image.new("L", (40, 30)).save(folder / "masks/patient0_0__simple_cyst.png")


def mask_without_a_name(folder: Path) -> None:
    (folder / "masks/patient0_0.png").rename(folder / "masks/patient0_0____.png")


def linked(name: str) -> Any:
    def spoil(folder: Path) -> None:
        (folder / name).rename(folder.parent / "elsewhere")
        (folder / name).symlink_to(folder.parent / "elsewhere")

    return spoil


def two_images_of_a_name(folder: Path) -> None:
    Image.new("RGB", (40, 30)).save(folder / "images/patient0_0.png")


def cut_short(name: str) -> Any:
    def spoil(folder: Path) -> None:
        noise = Image.effect_noise((40, 30), 90)
        noise.save(folder / name)
        (folder / name).write_bytes((folder / name).read_bytes()[:600])

    return spoil


def no_picture(name: str) -> Any:
    def spoil(folder: Path) -> None:
        (folder / name).write_bytes(b"\x89PNG\r\n\x1a\nnothing of a picture")

    return spoil


def mask_of_fractions(folder: Path) -> None:
    (folder / "masks/patient0_0.png").unlink()
    Image.new("F", (40, 30), 0.5).save(folder / "masks/patient0_0.tif")


def nothing(folder: Path) -> None:
    pass


@pytest.mark.parametrize(
    ("spoil", "more", "saying"),
    [
        (faulty_mask, [], "patient0_0.png: the mask has 41 x 30 pixels"),
        (mask_of_nothing, [], "nobody.png: there is no image of this name"),
        (no_masks, [], "no image in images/ has a mask"),
        (no_images, [], "images"),
        (nothing, ["--phrase", ""], "what does this mask show?"),
        (nothing, ["--model", "nowhere"], "nowhere: this is no model folder"),
        (nothing, ["--group", "patient"], "all images are of one group"),
        (nothing, ["--group", "("], "missing )"),
        (nothing, ["--group", "patient[0-3]"], "patient4_8.jpg: --group patient[0-3] finds nothing in this name"),
        (nothing, ["--group", "x*"], "patient0_0.jpg: --group x* finds nothing"),
        (nothing, ["--held-out", "0"], "--held-out is 0.0: give a fraction above 0 and below 1"),
        (nothing, ["--held-out", "1"], "--held-out is 1.0: "),
        (nothing, ["--held-out", "-0.2"], "--held-out is -0.2: "),
        (nothing, ["--held-out", "nan"], "--held-out is nan: "),
        (nothing, ["--phrase", "  "], "what does this mask show?"),
        (nothing, ["--phrase", "cyst <5 mm"], '--phrase: "cyst <5 mm" holds <'),
        (nothing, ["--phrase", "a > b"], "holds >"),
        (nothing, ["--phrase", "USER: cyst"], "holds USER:"),
        (nothing, ["--modality", "ASSISTANT: CT"], "--modality: "),
        (mask_without_a_name, ["--phrase", ""], "patient0_0____.png: what does this mask show?"),
        (two_masks_of_the_same, [], "patient0_0__simple_cyst.png: patient0_0.png shows simple cyst in the same image"),
        (two_images_of_a_name, [], "images/patient0_0.png: patient0_0.jpg has the same name"),
        (cut_short("masks/patient0_0.png"), [], "masks/patient0_0.png cannot be read: "),
        (no_picture("masks/patient0_0.png"), [], "masks/patient0_0.png cannot be read: "),
        (no_picture("images/patient0_0.jpg"), [], "images/patient0_0.jpg cannot be read: "),
        (mask_of_fractions, [], "patient0_0.tif: the mask has fractions"),
        (linked("masks"), [], "patient0_0.png leads out of "),
        (linked("images"), [], "patient0_0.jpg leads out of "),
        (linked("images/patient1_3.jpg"), [], "patient1_3.jpg leads out of "),
    ],
)
def test_what_cannot_be_used_is_told(folder: Path, capsys: Any, spoil: Any, more: list[str], saying: str) -> None:
    spoil(folder)
    assert made(folder, *more) == 1
    assert saying in capsys.readouterr().err
    assert not (folder / "train.json").exists()
