"""The report on lists as MeCoVQA's were published, with the embedded model."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from medplib._core import check_records
from medplib.data.named import file_below
from medplib.data.sa_med2d import PictureName, parse_picture
from medplib.report import __main__ as report
from medplib.report.asking import Asker
from medplib.report.baselines import FrequentAnswers, MeanShapes
from medplib.report.measures import mean_value
from medplib.report.records import read_records
from PIL import Image

TINY = Path(__file__).resolve().parents[2] / "models" / "tiny"
CT, MR, XRAY = "ct_00--Made--case1--z_0001", "mr_t1--Made--case2--x_0002", "x_ray--Chest--case3--x_0000"
PLAIN = "photo"  # a name of no such form
ONE, TWO = f"masks_merged/{CT}--0001_merged", f"masks_merged/{CT}--0002_merged.png"


def record(image: str, *said: object, **more: Any) -> dict[str, Any]:
    """`said`: questions and answers in turns."""
    first, *others = said
    values = [f"<image>\n{first}", *others]
    turns = [{"from": ("human", "gpt")[at % 2], "value": value} for at, value in enumerate(values)]
    return {**more, "image": f"images/{image}", "conversations": turns}


RECORDS = [
    record(CT, "What is it?", "A scan of the abdomen."),  # neither id nor answer type nor .png
    record(f"{MR}.png", "What is in <region>masks/spot.png</region>?", "Fat.", id=7, answer_type="open"),
    record(CT, "Draw the liver.", f"It is <SEG><mask>{ONE}</mask>.", id="g", answer_type="open"),
    record(f"{XRAY}.png", "How many lungs?", 2, "Is one larger?", "No", id=None, answer_type="closed"),
    record(f"{CT}.png", "Draw both.", f"<SEG><mask>{ONE}</mask> and <SEG><mask>{TWO}</mask>", id="b"),
    record(f"{PLAIN}.png", "Is it a photo?", "Yes", id="p", answer_type="closed"),
]


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A list in one folder, and what it names in another."""
    root, random = tmp_path / "SAMed2D", np.random.default_rng(3)
    for folder in ("images", "masks", "masks_merged"):
        (root / folder).mkdir(parents=True)
    for name in (CT, MR, XRAY, PLAIN):
        Image.fromarray(random.integers(0, 255, (48, 64), np.uint8)).save(root / f"images/{name}.png")
    for at, name in enumerate((f"{ONE}.png", TWO, "masks/spot.png")):
        mask = np.zeros((48, 64), np.uint8)
        mask[8 * at : 8 * at + 20, 10:40] = 255
        Image.fromarray(mask).save(root / name)
    (tmp_path / "json").mkdir()
    (tmp_path / "json/MeCoVQA_test.json").write_text(json.dumps(RECORDS))
    return tmp_path / "json/MeCoVQA_test.json"


def run(*arguments: object) -> int:
    return report.main([str(argument) for argument in arguments])


def test_a_published_list_is_evaluated_to_the_end(published: Path, tmp_path: Path, capsys: Any) -> None:
    kept, root = tmp_path / "kept.json", tmp_path / "SAMed2D"
    assert run(published, "--images", root, "--model", TINY, "--json", kept) == 0
    told = capsys.readouterr()
    assert "1 records have several turns: the first of each is asked" in told.err
    results = json.loads(kept.read_text())["results"]
    assert [result["id"] for result in results] == ["0", "7", "g", "3", "b", "p"]
    assert [result["image"] for result in results] == [each["image"] for each in RECORDS]
    answers = [each["conversations"][1]["value"] for each in RECORDS if "<SEG>" not in str(each)]
    assert [result["answer"] for result in results if "answer" in result] == [str(answer) for answer in answers]
    assert [result["group"] for result in results] == ["case1", "case2", "case1", "case3", "case1", "images/photo.png"]
    counted = json.loads(check_records(published, root))
    for key in ("subset", "answer_type"):
        assert Counter(result[key] for result in results) == counted[key]
    assert Counter(result["modality"].replace("unknown", "") for result in results) == counted["modality"]
    for line in ("all | 4", "complex | 3", "region | 1", "closed | 2", "open | 1", "X-ray | 1", "MR | 1"):
        assert f"\n| {line} | " in told.out
    for line in ("| all | 2 |", "| CT | 2 |", "| all pairs | 2 |"):
        assert line in told.out
    assert run("--results", kept) == 0
    assert capsys.readouterr().out == told.out


def test_several_masks_of_an_answer_are_judged_each_with_its_own(published: Path, tmp_path: Path) -> None:
    root = tmp_path / "SAMed2D"
    kept = tmp_path / "kept.json"
    (tmp_path / "json/one.json").write_text(json.dumps([RECORDS[4]]))
    assert run(tmp_path / "json/one.json", "--images", root, "--model", TINY, "--json", kept) == 0
    (result,) = json.loads(kept.read_text())["results"]
    assert 0 <= result["drawn"] <= 1 and 0 <= result["dice"] <= 1 and len(result["clicks"]) == 3
    assert result["box_filled"] == 1  # both are boxes


def test_figures_of_several_masks_are_their_means() -> None:
    assert mean_value([1.0, 2.0]) == 1.5
    assert mean_value([[1.0, 4.0], [3.0, 0.0]]) == [2.0, 2.0]
    assert mean_value([None, 1.0]) is None


def test_what_cannot_be_asked_about_is_told_before_a_model_is_loaded(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr(report, "load_to_judge", lambda model: pytest.fail("a model was loaded"))
    Image.new("L", (64, 48)).save(tmp_path / "SAMed2D/masks/spot.png")
    assert run(published, "--images", tmp_path / "SAMed2D") == 1
    said = capsys.readouterr().err
    assert "1 records cannot be used" in said and "record 1 (7)" in said and "masks/spot.png" in said
    (tmp_path / "SAMed2D/masks/spot.png").unlink()
    (tmp_path / "SAMed2D" / TWO).unlink()
    assert run(published, "--images", tmp_path / "SAMed2D") == 1
    said = capsys.readouterr().err
    assert "2 records cannot be used" in said and "record 4 (b)" in said and TWO in said
    assert run(published) == 1  # without the folder nothing is found
    said = capsys.readouterr().err
    assert "6 records cannot be used" in said and "record 0 (0)" in said and len(said) <= 1100


def test_json_lines_are_told_how_they_become_a_list(tmp_path: Path, capsys: Any) -> None:
    lines = tmp_path / "test.jsonl"
    lines.write_text("\n".join(json.dumps(each) for each in RECORDS))
    assert run(lines) == 1
    said = capsys.readouterr().err
    assert "holds an object a line (JSON Lines)" in said and "jq -s . test.jsonl > list.json" in said


@pytest.mark.parametrize(
    "name", [CT, f"{XRAY}.png", "mr--Made--c--x_1", "_00--Made--c--x_1", "ct_00----c--x_1", "ct_00--Made--c", "a.png"]
)
def test_a_pictures_name_tells_what_it_tells_the_engine(tmp_path: Path, name: str) -> None:
    (tmp_path / "list.json").write_text(json.dumps([record(name, "What?", "That.")]))
    counted = json.loads(check_records(tmp_path / "list.json"))["modality"]
    assert {parse_picture(f"images/{name}").modality: 1} == counted


@pytest.mark.parametrize("name", ["a", "b.jpg", "c.png", "d", "gone", "../a", "/a", "sub/../a", ""])
def test_a_file_is_found_where_the_engine_finds_it(tmp_path: Path, name: str) -> None:
    root = tmp_path / "root"
    root.mkdir()
    for file in ("root/a.png", "root/b.jpg.png", "root/c.png", "root/d", "root/d.png", "a"):
        (tmp_path / file).touch()
    asked = {"image": name, "conversations": record(CT, "What?", "That.")["conversations"]}
    (tmp_path / "list.json").write_text(json.dumps([asked]))
    try:
        found = [] if file_below(root, name).is_file() else ["missing_file"]
    except ValueError:
        found = ["path"]
    report_of = json.loads(check_records(tmp_path / "list.json", root))
    assert [finding["fault"] for finding in report_of["findings"]] == found


def test_a_case_is_what_depends_on_each_other() -> None:
    assert parse_picture(f"images/{CT}.png") == PictureName("CT", "Made", "case1")
    assert parse_picture("images/ct.png") == PictureName()


def test_what_a_record_says_itself_is_kept(tmp_path: Path) -> None:
    mine = record(CT, "What?", "That.", id="x", set="own", group="g", modality="PET", task="organ", answer_type="open")
    (tmp_path / "list.json").write_text(json.dumps([mine]))
    assert read_records(tmp_path / "list.json") == [mine]


def test_masks_without_a_name_have_no_mean_shape(published: Path, tmp_path: Path) -> None:
    records = read_records(published)
    asker = Asker(None, tmp_path, MeanShapes(records, tmp_path), FrequentAnswers(records))
    assert asker.shapes.like(records[2], np.zeros((48, 64), bool)) is None
