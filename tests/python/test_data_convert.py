"""Folders of images and masks, COCO's instances and NIfTI label maps as records."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from medplib.data.convert.parts import part_of
from medplib.data.convert.rle import counts_of, filled, from_runs, mask_of
from medplib.report.records import read_records
from PIL import Image
from published_sets import Array, coco, convert, nifti, picture, records, slake

MODEL = Path(__file__).resolve().parents[2] / "models/tiny"
RIGHT, FRONT, UP = 6, 5, 4  # voxels of a volume


def mask(out: Path, record: dict[str, Any]) -> Array:
    """Of the answer of a record, or of the place that its question points at."""
    text = "".join(turn["value"] for turn in record["conversations"])
    found = re.search("<(mask|region)>(.*?)</", text)
    assert found
    with Image.open(out / found[2]) as stored:
        assert stored.mode == "L"
        return np.asarray(stored) > 0


def of_task(out: Path, task: str, part: str = "train") -> list[dict[str, Any]]:
    return [record for record in records(out, part) if record["task"] == task]


def by_coco(tmp_path: Path, *more: str | Path, **changed: Any) -> Path:
    """What is made of the small instances file, all of it to learn from."""
    file = coco(tmp_path, **changed)
    for part in ("train", "val"):
        (tmp_path / f"{part}.json").write_text(file.read_text())
    given = (tmp_path / "train.json", tmp_path / "val.json")
    assert convert("coco", *given, "--images", tmp_path / "pictures", "--out", tmp_path / "out", *more) == 0
    return tmp_path / "out"


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("instances_train2017", "train"),
        ("test_clean", "test"),
        ("val_2", "validate"),
        ("trained", ""),
        ("train_val", ""),
    ],
)
def test_a_name_tells_the_part(name: str, part: str) -> None:
    assert part_of(name) == part


def test_polygons_run_lengths_and_boxes_become_masks_and_places(tmp_path: Path) -> None:
    out = by_coco(tmp_path)
    square, column = np.zeros((30, 40), bool), np.zeros((30, 40), bool)
    square[5:15, 10:20] = True
    column[5:25, 2:4] = True
    drawn = {record["image"]: mask(out, record) for record in of_task(out, "segment")}
    np.testing.assert_array_equal(drawn["images/0.png"], square)
    np.testing.assert_array_equal(drawn["images/1.png"], column)
    places = {record["image"]: record for record in of_task(out, "region")}
    np.testing.assert_array_equal(mask(out, places["images/2.png"]), square)
    assert places["images/2.png"]["conversations"][1]["value"] == "Red cell."
    assert len(drawn) == 2 and len(places) == 3
    assert json.loads((out / "source.json").read_text())["licence"] == "CC BY 4.0"
    assert len({record["id"] for record in read_records(out / "train.json")}) == len(records(out))


def test_masks_of_a_category_are_one(tmp_path: Path) -> None:
    shapes = [[10, 5, 20, 5, 20, 15, 10, 15], [30, 5, 35, 5, 35, 15, 30, 15]]
    several = [{"id": i, "image_id": 0, "category_id": 7, "segmentation": [shape]} for i, shape in enumerate(shapes)]
    (record,) = of_task(by_coco(tmp_path, annotations=several), "segment")
    assert mask(tmp_path / "out", record).sum() == 100 + 50


def test_of_complete_annotations_what_has_none_is_not_there(tmp_path: Path) -> None:
    box = {"id": 9, "image_id": 0, "category_id": 7, "segmentation": [[0, 0, 9, 0, 9, 9]]}
    out = by_coco(tmp_path, "--complete", annotations=[box])
    assert [record["image"] for record in of_task(out, "absent")] == ["images/1.png", "images/2.png"]
    assert {record["conversations"][1]["value"] for record in of_task(out, "presence")} == {"Yes", "No"}
    assert not any(record["structure"] == "platelet" for record in records(out))


def test_images_of_one_name_in_several_folders_have_masks_and_ids_of_their_own(tmp_path: Path) -> None:
    names = ["left/0.png", "right/0.png", "left__0.png"]
    for grey, name in enumerate(names):
        picture(tmp_path / "pictures" / name, grey=grey)
    shapes = [[[0, 0, 4 + at, 0, 4 + at, 9, 0, 9]] for at in range(3)]
    drawn = [{"id": at, "image_id": at, "category_id": 7, "segmentation": shape} for at, shape in enumerate(shapes)]
    out = by_coco(tmp_path, images=[{"id": i, "file_name": n} for i, n in enumerate(names)], annotations=drawn)
    asked = of_task(out, "segment")
    assert [int(mask(out, record).sum()) for record in asked] == [36, 45, 54]
    assert len({record["image"] for record in asked}) == 3
    assert len({record["id"] for record in records(out)}) == len(records(out))


def test_images_of_one_file_name_are_skipped_and_told(tmp_path: Path, capsys: Any) -> None:
    picture(tmp_path / "pictures/0.png")
    names = {0: "0.png", 1: "./0.png", 2: "2.png"}
    drawn = [{"id": i, "image_id": i, "category_id": 7, "segmentation": [[0, 0, 9, 0, 9, 9]]} for i in names]
    out = by_coco(tmp_path, images=[{"id": i, "file_name": n} for i, n in names.items()], annotations=drawn)
    assert {record["image"] for record in records(out)} == {"images/2.png"}
    told = capsys.readouterr().out
    said = "skipped: 4 images that share their file name with other images, such as train.json image 0 (0, 0.png), "
    assert said in told
    assert "does not list" not in told


def test_a_picture_of_two_parts_has_the_masks_of_each(tmp_path: Path) -> None:
    left = {"id": 1, "image_id": 0, "category_id": 7, "segmentation": [[0, 0, 9, 0, 9, 9, 0, 9]]}
    given = [coco(tmp_path, "train.json", annotations=[left]), coco(tmp_path, "val.json")]
    convert("coco", *given, "--images", tmp_path / "pictures", "--out", tmp_path / "out")
    areas = [mask(tmp_path / "out", of_task(tmp_path / "out", "segment", p)[0]).sum() for p in ("train", "validate")]
    assert areas == [81, 100]


def test_without_it_nothing_is_said_to_be_absent(tmp_path: Path) -> None:
    assert not of_task(by_coco(tmp_path), "absent")


def test_of_a_single_file_a_part_is_held_out(tmp_path: Path) -> None:
    given = (coco(tmp_path), "--images", tmp_path / "pictures", "--out", tmp_path / "out", "--modality", "Microscopy")
    assert convert("coco", *given) == 0
    train, validate = ({record["image"] for record in records(tmp_path / "out", p)} for p in ("train", "validate"))
    assert len(train) == 2 and len(validate) == 1 and not train & validate


def test_what_coco_has_wrong_is_told_by_reason(tmp_path: Path, capsys: Any) -> None:
    picture(tmp_path / "pictures/0.png")
    good = {"image_id": 0, "category_id": 7}
    shapes: list[Any] = [[[1, 2, 3]], [[1, 2, 3, 4, 5, "x"]], [[0, 0, float("nan"), 1, 2, 2]], {"size": [1, 2]}]
    shapes += [
        {"size": [30, 40], "counts": counts} for counts in ([1, 2], [-5, 1205], "\x01", "o", "0" * 9 + "oooooooo")
    ]
    wrong: list[Any] = [{**good, "segmentation": shape} for shape in shapes]
    wrong += [{**good, "bbox": [1, 2, 0, 4]}, good, {**good, "segmentation": [[90, 90, 95, 90, 95, 95]]}]
    wrong += [
        {**good, "image_id": 5},
        {**good, "category_id": 5},
        {**good, "category_id": [1], "segmentation": []},
        "text",
    ]
    wrong += [{**good, "category_id": [1], "segmentation": [[1, 2]]}]
    images = [
        {"id": 0, "file_name": "0.png"},
        {"id": 0, "file_name": "0.png"},
        {"id": 1},
        {"id": 2, "file_name": "x.png"},
    ]
    images += [{"id": 3, "file_name": "../0.png"}, {"id": 4, "file_name": "1.png", "width": 41, "height": 30}]
    square = {**good, "segmentation": [[10, 5, 20, 5, 20, 15, 10, 15]]}
    out = by_coco(tmp_path, images=images, annotations=[square, *wrong])
    told = capsys.readouterr().out
    for line in (
        "skipped: 22 annotations whose shape cannot be read, such as train.json annotation 1 (a polygon of it",
        "skipped: 2 annotations that cover no pixel of their image, such as train.json annotation 12",
        "skipped: 10 annotations of an image or a category that the file does not list, such as",
        "skipped: 2 images of another size than the file says, such as train.json image 5 (4): 41 x 30, not 40 x 30",
        "skipped: 2 images without an id or a file name, such as train.json image 2",
        "skipped: 2 images that the file lists more than once, such as train.json image 1 (0)",
        "skipped: 2 records whose picture leads out of the folder of pictures, such as train.json image 4 (3) (../0",
        "skipped: 2 records whose picture is not there, such as train.json image 3 (2) (x.png)",
    ):
        assert line in told
    assert [record["task"] for record in records(out)] == ["segment", "region"]


@pytest.mark.parametrize("content", ["[]", "{", '{"images": [], "categories": [{}], "annotations": []}', "[" * 99999])
def test_another_file_than_instances_is_a_sentence(tmp_path: Path, capsys: Any, content: str) -> None:
    file = coco(tmp_path)
    file.write_text(content)
    assert convert("coco", file, "--images", tmp_path / "pictures", "--out", tmp_path / "out") == 1
    told = capsys.readouterr().err
    assert "instances.json" in told and len(told) < 1000 and not (tmp_path / "out").exists()


def test_compressed_run_lengths_are_those_of_pycocotools() -> None:
    tools = pytest.importorskip("pycocotools.mask")
    rng = np.random.default_rng(1)
    for shape in ((1, 1), (7, 5), (64, 48)):
        inside = rng.random(shape) < 0.5
        encoded = tools.encode(np.asfortranarray(inside.astype(np.uint8)))
        text = {"size": list(shape), "counts": encoded["counts"].decode()}
        np.testing.assert_array_equal(mask_of(text, *shape), inside)


def test_run_lengths_by_hand() -> None:
    assert counts_of("52203") == [5, 2, 2, 2, 5]
    np.testing.assert_array_equal(from_runs([1, 2, 1], 2, 2), [[False, True], [True, False]])


def test_a_polygon_holds_the_pixels_whose_centres_it_holds() -> None:
    draw = random.Random(1)
    for _ in range(20):
        corners = [(draw.uniform(-5, 25), draw.uniform(-5, 20)) for _ in range(draw.randint(3, 8))]
        inside = filled([value for corner in corners for value in corner], 15, 20)
        expected = [[_holds(corners, x + 0.5, y + 0.5) for x in range(20)] for y in range(15)]
        np.testing.assert_array_equal(inside, expected)


def _holds(corners: list[tuple[float, float]], x: float, y: float) -> bool:
    """By the number of sides to the right, the textbook's way."""
    inside = False
    for (x0, y0), (x1, y1) in zip(corners, corners[1:] + corners[:1], strict=True):
        if (y0 > y) != (y1 > y) and x < x0 + (y - y0) * (x1 - x0) / (y1 - y0):
            inside = not inside
    return inside


def scan(tmp_path: Path, affine: Array | None = None, name: str = "case1") -> tuple[Path, Path]:
    """A volume of which every voxel differs, and a label map with 1 at the right, in front, at the top."""
    values = np.arange(RIGHT * FRONT * UP, dtype=np.int16).reshape(RIGHT, FRONT, UP)
    labels = np.zeros(values.shape, np.uint8)
    labels[-1, -1, -1] = 1
    affine = np.eye(4) if affine is None else affine
    turned = np.linalg.inv(affine)[:3, :3].round().astype(int)
    for axis in range(3):
        if turned[axis, axis] < 0:
            values, labels = np.flip(values, axis), np.flip(labels, axis)
    return nifti(tmp_path / f"v/{name}.nii.gz", values, affine), nifti(tmp_path / f"l/{name}.nii.gz", labels, affine)


@pytest.mark.parametrize("flips", [(1, 1, 1), (-1, 1, 1), (-1, -1, 1), (1, 1, -1)])
def test_slices_are_seen_from_below_with_the_front_above(tmp_path: Path, flips: tuple[int, int, int]) -> None:
    """However the voxels are stored: the patient's right is on the left of the picture."""
    given = scan(tmp_path, np.diag([*flips, 1]).astype(float))
    assert convert("nifti", *given, "--values", "1=tumour", "--out", tmp_path / "out", "--window", "0:119") == 0
    (record,) = of_task(tmp_path / "out", "segment")
    assert record["image"] == "images/case1_z003.png"
    expected = np.zeros((FRONT, RIGHT), bool)
    expected[0, 0] = True
    np.testing.assert_array_equal(mask(tmp_path / "out", record), expected)
    with Image.open(tmp_path / "out" / record["image"]) as stored:
        grey = np.asarray(stored).astype(int)
    assert grey[0, 0] == 255 and grey[0, 0] > grey[-1, 0] > grey[-1, -1]
    absent = {record["image"] for record in of_task(tmp_path / "out", "absent")}
    assert absent == {f"images/case1_z{index:03d}.png" for index in range(3)}


def test_pixels_are_square(tmp_path: Path) -> None:
    given = scan(tmp_path, np.diag([1.0, 2.0, 5.0, 1.0]))
    convert("nifti", *given, "--values", "1=tumour", "--out", tmp_path / "out")
    with Image.open(tmp_path / "out/images/case1_z003.png") as stored:
        assert stored.size == (RIGHT, 2 * FRONT)
    assert mask(tmp_path / "out", of_task(tmp_path / "out", "segment")[0])[:2, 0].all()


def test_volumes_of_folders_are_learnt_from_or_held_out_as_a_whole(tmp_path: Path, capsys: Any) -> None:
    for index in range(5):
        scan(tmp_path, name=f"case{index}")
    (tmp_path / "v/case3.nii.gz").rename(tmp_path / "v/case3_0000.nii.gz")
    (tmp_path / "l/case4.nii.gz").unlink()
    assert convert("nifti", tmp_path / "v", tmp_path / "l", "--values", "1=tumour", "--out", tmp_path / "out") == 0
    told = capsys.readouterr().out
    assert "skipped: 1 volumes without a label map of the same name, such as case4.nii.gz" in told
    groups = [{record["group"] for record in records(tmp_path / "out", part)} for part in ("train", "validate")]
    assert len(groups[0]) == 3 and len(groups[1]) == 1 and not groups[0] & groups[1]


def test_a_window_says_what_is_black_and_white(tmp_path: Path) -> None:
    given = scan(tmp_path)
    for window, modality, brightest in (("0:60", "", 255), ("", "CT", 178), ("bone", "", 88)):
        out = tmp_path / f"out{window}{modality}".replace(":", "_")
        more = ["--window", window] if window else ["--modality", modality]
        convert("nifti", *given, "--values", "1=tumour", "--out", out, *more)
        with Image.open(out / "images/case1_z003.png") as stored:
            assert abs(int(np.asarray(stored).max()) - brightest) <= 1


def test_what_is_wrong_with_volumes_is_a_sentence(tmp_path: Path, capsys: Any) -> None:
    volume, labels = scan(tmp_path)
    fractions = nifti(tmp_path / "fractions.nii", np.full((RIGHT, FRONT, UP), 0.5, np.float32))
    elsewhere = nifti(tmp_path / "elsewhere.nii", np.ones((RIGHT, FRONT, UP), np.uint8), np.diag([1.0, 1.0, 3.0, 1.0]))
    smaller = nifti(tmp_path / "smaller.nii", np.ones((2, 2, 2), np.uint8))
    four = nifti(tmp_path / "four.nii", np.ones((2, 2, 2, 2), np.uint8))
    text = tmp_path / "text.nii.gz"
    text.write_text("text")
    cut = tmp_path / "cut.nii.gz"
    cut.write_bytes(labels.read_bytes()[:60])
    for given, sentence in (
        ((volume, fractions), "fractions.nii: this is no label map"),
        ((volume, elsewhere), "elsewhere.nii: the label map lies elsewhere in the patient than its volume"),
        ((volume, smaller), "smaller.nii: the label map has 2 x 2 x 2 voxels, but its volume"),
        ((four, four), "four.nii has 2 x 2 x 2 x 2 voxels: give one volume of three dimensions"),
        ((text, text), "text.nii.gz cannot be read as NIfTI"),
        ((volume, cut), "cut.nii.gz"),
        ((volume, tmp_path), "give two files or two folders"),
        ((volume, tmp_path / "none.nii"), "none.nii: there is no such file or folder"),
        ((volume, labels, "--values", "2=liver"), "no label map shows anything by --values 2=liver"),
        ((volume, labels, "--window", "5:5"), "--window '5:5': say --window=LOW:HIGH"),
        ((volume, labels, "--every", "0"), "--every is 0"),
        ((volume, labels, "--values", "#ff0000=liver"), "label maps have numbers, not colours"),
    ):
        assert convert("nifti", "--values", "1=tumour", "--out", tmp_path / "out", *given) == 1
        told = capsys.readouterr().err
        assert sentence in told and len(told) < 1000


def own(root: Path, count: int = 6, size: int = 20) -> None:
    for index in range(count):
        picture(root / f"images/{index}.png", grey=index * 30)
        inside = Image.new("L", (40, 30))
        inside.paste(255, (5, 5, 5 + size, 20))
        (root / "masks").mkdir(exist_ok=True)
        inside.save(root / f"masks/{index}.png")


def test_a_folder_keeps_its_own_parts_and_stays_as_it_is(tmp_path: Path) -> None:
    for part in ("train", "val", "test"):
        own(tmp_path / "source" / part)
    before = sorted(tmp_path.rglob("*"))
    given = (
        tmp_path / "source",
        "--phrase",
        "polyp",
        "--out",
        tmp_path / "out",
        "--licence",
        "CC BY 4.0",
        "--set",
        "p",
    )
    assert convert("folder", *given) == 0
    assert [file for file in sorted(tmp_path.rglob("*")) if not file.is_relative_to(tmp_path / "out")] == before
    for part in ("train", "validate", "test"):
        made = of_task(tmp_path / "out", "segment", part)
        assert [record["image"] for record in made] == [f"{part}/images/{index}.png" for index in range(6)]
        assert all(record["set"] == "p" and mask(tmp_path / "out", record).any() for record in made)


def test_a_folder_without_parts_is_held_out_from_as_the_command_folder_does(tmp_path: Path) -> None:
    own(tmp_path / "source")
    given = (tmp_path / "source", "--phrase", "polyp", "--out", tmp_path / "out", "--held-out", "0.5")
    assert convert("folder", *given) == 0
    (tmp_path / "source/images/0.png").unlink()
    (tmp_path / "source/masks/0.png").unlink()
    assert convert("folder", *given) == 0
    everything = records(tmp_path / "out") + records(tmp_path / "out", "validate")
    assert {record["image"] for record in everything} == {f"images/{index}.png" for index in range(1, 6)}


def test_a_recipe_starts_from_the_model_that_is_given(tmp_path: Path, capsys: Any) -> None:
    given = (coco(tmp_path), "--images", tmp_path / "pictures", "--out", tmp_path / "out", "--model")
    assert convert("coco", *given, MODEL) == 0
    recipe = json.loads((tmp_path / "out/recipe.json").read_text())
    assert (recipe["objective"], recipe["validate"]) == ("joint", "validate.json")
    assert (tmp_path / "out" / recipe["model"]).resolve() == MODEL
    assert convert("slake", slake(tmp_path / "slake"), "--out", tmp_path / "words", "--model", MODEL) == 0
    assert json.loads((tmp_path / "words/recipe.json").read_text())["objective"] == "language"
    assert convert("coco", *given, tmp_path) == 1
    assert "this is no model folder; give one with --model" in capsys.readouterr().err


def test_a_folder_without_images_and_masks_says_how_to_call_them(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "source/train").mkdir(parents=True)
    assert convert("folder", tmp_path / "source", "--phrase", "polyp", "--out", tmp_path / "out") == 1
    assert "has no images and masks, neither itself nor in train, val and test" in capsys.readouterr().err
